// What several processes say, as one of them would say it. Pure.
import { err, ok, type Result } from '../core/result.ts';
import type {
  CallDetailAnswer,
  CountedPart,
  OverviewAnswer,
  ProcessOverview,
  ProcessPart,
  TrunkAnswer,
} from './admin-client-answers.ts';
import type { AdminFailure } from './admin-client-exchange.ts';
import { type CallQuery, selectCalls } from './overview.ts';

/**
 * The answers in the order of the processes. What each has of its own is added up, what all know alike is what most of it is known of, and the
 * calls that `query` asked each for are one list. The first failure where none answers.
 */
export function mergedOverview(
  answers: readonly Result<OverviewAnswer, AdminFailure>[],
  query: CallQuery,
): Result<OverviewAnswer, AdminFailure> {
  const all: OverviewAnswer[] = [];
  for (const answer of answers) if (answer.ok) all.push(answer.value);
  const [first] = all;
  if (first === undefined) return answers.find(({ ok: isOk }) => !isOk) ?? err(nobody);
  const total = (of: (one: OverviewAnswer) => number): number => sum(all.map(of));
  const most = (of: (one: OverviewAnswer) => number): number => Math.max(...all.map(of));
  const processes = answers.map(partOf);
  return ok({
    at: most(({ at }) => at),
    version: [...new Set(all.map(({ version }) => version))].join(', '),
    state: stateOf(all),
    node: siteName(processes),
    startedAt: Math.min(...all.map(({ startedAt }) => startedAt)),
    calls: {
      active: total(({ calls }) => calls.active),
      answered: total(({ calls }) => calls.answered),
      unanswered: total(({ calls }) => calls.unanswered),
      refused: total(({ calls }) => calls.refused),
    },
    relayed: total(({ relayed }) => relayed),
    refusals: addedUp(all.map(({ refusals }) => refusals)),
    media: {
      received: traffic(all.map(({ media }) => media.received)),
      sent: traffic(all.map(({ media }) => media.sent)),
      dropped: addedUp(all.map(({ media }) => media.dropped)),
    },
    workers: all.flatMap(({ workers }) => workers),
    process: {
      ran: known(all.map(({ process }) => process.ran)),
      residentBytes: total(({ process }) => process.residentBytes),
      lag: most(({ process }) => process.lag),
    },
    registrations: total(({ registrations }) => registrations),
    subscriptions: total(({ subscriptions }) => subscriptions),
    // Each is told of those of the others.
    bans: most(({ bans }) => bans),
    holds: most(({ holds }) => holds),
    trunks: [
      ...alike(
        all.flatMap(({ trunks }) => trunks),
        ({ name }) => name,
        sameTrunk,
      ),
    ],
    quality: sound(all),
    matching: total(({ matching }) => matching),
    list: [
      ...selectCalls(
        all.flatMap(({ list }) => list),
        query,
      ).list,
    ],
    processes,
  });
}

/** What counts for itself: each of several processes that answers, or the one. */
export function countedParts(overview: OverviewAnswer): readonly CountedPart[] {
  return overview.processes?.filter((part) => part.answers) ?? [overview];
}

/** The same process as before, and a later look at it: the difference of the two is what it did meanwhile. */
export function isLaterLook(before: CountedPart, now: CountedPart): boolean {
  return before.node === now.node && before.startedAt === now.startedAt && before.at < now.at;
}

/** One of each key: of two, what `pick` makes of them. */
export function alike<T>(all: readonly T[], keyOf: (one: T) => string, pick: (one: T, other: T) => T): readonly T[] {
  const merged = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const before = merged.get(key);
    merged.set(key, before === undefined ? one : pick(before, one));
  }
  return [...merged.values()];
}

/** A call of two processes is at both. Where the half at which it began is listed, the other one is not. */
export function withoutHalves<T extends { readonly id: string }>(
  calls: readonly T[],
  halfOf: (call: T) => string | undefined,
): readonly T[] {
  const listed = new Set(calls.map(({ id }) => id));
  return calls.filter((call) => !listed.has(halfOf(call) ?? ''));
}

/** One call as all processes have it: with the media of both of its halves, that between them as of the legs `n`. Undefined: none has it. */
export function wholeCall(
  id: string,
  answers: readonly Result<CallDetailAnswer, AdminFailure>[],
): Result<CallDetailAnswer, AdminFailure> | undefined {
  const found = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  const begun = found.find(({ call }) => call.id === id) ?? found[0];
  const halves = found.filter((one) => one !== begun);
  if (begun === undefined || halves.length === 0) return begun && ok(begun);
  const media = [...betweenNodes(begun, 'b'), ...halves.flatMap((half) => betweenNodes(half, 'a'))];
  return ok({
    call: begun.call,
    media: media.toSorted((one, other) => one.leg.localeCompare(other.leg)),
    halves: halves.map(({ call }) => call.id),
  });
}

/** Up where all that ping it say so, as alerts have it (`min by (peer)`); registered where one is, for the carrier has one Contact of all. */
export function sameTrunk(one: TrunkAnswer, other: TrunkAnswer): TrunkAnswer {
  return {
    name: one.name,
    up: bothOf(one.up, other.up),
    registered: eitherOf(one.registered, other.registered),
    calls: one.calls + other.calls,
  };
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function betweenNodes({ media }: CallDetailAnswer, inner: 'a' | 'b'): CallDetailAnswer['media'] {
  return media.map((one) => (one.leg === inner ? { ...one, leg: 'n' } : one));
}

const nobody: AdminFailure = { kind: 'not-running', code: 'not-running', message: 'there is no process', errors: [] };

function partOf(answer: Result<OverviewAnswer, AdminFailure>, index: number): ProcessPart {
  const number = index + 1;
  if (!answer.ok) return { number, answers: false, why: answer.error.message };
  const { at, version, state, node, startedAt, calls, media, workers, process } = answer.value;
  return { number, answers: true, at, version, state, node, startedAt, calls, media, workers, process };
}

/** Without the number that each has behind its name. */
function siteName(processes: readonly ProcessPart[]): string {
  for (const part of processes) {
    if (!part.answers) continue;
    const suffix = `-${part.number}`;
    return part.node.endsWith(suffix) ? part.node.slice(0, -suffix.length) : part.node;
  }
  return '';
}

function stateOf(all: readonly ProcessOverview[]): string {
  const states = all.map(({ state }) => state);
  return states.find((state) => state !== 'ready') ?? 'ready';
}

function addedUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const all = new Map<string, number>();
  for (const one of counts) for (const [key, count] of Object.entries(one)) all.set(key, (all.get(key) ?? 0) + count);
  return Object.fromEntries(all);
}

function traffic(all: readonly ProcessOverview['media']['sent'][]): ProcessOverview['media']['sent'] {
  return { packets: sum(all.map(({ packets }) => packets)), bytes: sum(all.map(({ bytes }) => bytes)) };
}

/** Undefined where none is known. */
function known(values: readonly (number | undefined)[]): number | undefined {
  const told = values.filter((value) => value !== undefined);
  return told.length === 0 ? undefined : sum(told);
}

function sound(all: readonly ProcessOverview[]): ProcessOverview['quality'] {
  const heard = all.flatMap(({ quality }) => (quality === undefined ? [] : [quality]));
  const calls = sum(heard.map((one) => one.calls));
  if (calls === 0) return undefined;
  const mean = (of: (one: (typeof heard)[number]) => number): number =>
    sum(heard.map((one) => of(one) * one.calls)) / calls;
  return {
    calls,
    mos: mean(({ mos }) => mos),
    worst: Math.min(...heard.map(({ worst }) => worst)),
    loss: mean(({ loss }) => loss),
  };
}

function bothOf(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  return one === undefined ? other : one && other !== false;
}

function eitherOf(one: boolean | undefined, other: boolean | undefined): boolean | undefined {
  return one === undefined ? other : one || other === true;
}
