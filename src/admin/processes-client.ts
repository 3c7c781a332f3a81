// Asks every process of a running SBC that has several: what they list is one list, what is named is where it is, what changes is changed in all.

import type { Millis } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { AdminClient } from './admin-client.ts';
import type {
  AlertAnswer,
  BanAnswer,
  CallAnswer,
  CallDetailAnswer,
  DeviceAnswer,
  HoldAnswer,
  LogLevelAnswer,
  OverviewAnswer,
  RecentCallAnswer,
  RegistrationAnswer,
  RouteTestAnswer,
  StatusAnswer,
  SubscriptionAnswer,
  TrunkAnswer,
  UserStandingAnswer,
} from './admin-client-answers.ts';
import { type AdminAnswer, type AdminFailure, isNothingSuch } from './admin-client-exchange.ts';
import { mergedMetrics } from './merged-metrics.ts';
import type { CallQuery } from './overview.ts';
import { alike, mergedOverview, sameTrunk, sum, wholeCall, withoutHalves } from './processes-client-merge.ts';
import { type RegistrationPage, type RegistrationQuery, selectRegistrations } from './registration-query.ts';

type Ask<T> = (client: AdminClient) => AdminAnswer<T>;
type Clients = readonly [AdminClient, ...AdminClient[]];

/** How long the others' answers wait for a process that runs and says nothing, before it counts as one that does not run. */
const readingPatience: Millis = 3_000;

/** `logLevel`, `status` and `upgrade` are the first process's; `processes` has each. */
export class ProcessesClient extends AdminClient {
  readonly #clients: Clients;
  /** The same, for what is only read, or done where it is found: nobody waits for long for one that hangs. */
  readonly #readers: Clients;
  readonly #onMissing: (missing: number, processes: number) => void;

  /** At least one socket, in the order of the processes. `onMissing`: what is listed is without so many of them, which do not run. */
  constructor(
    [first, ...others]: readonly [string, ...string[]],
    onMissing: (missing: number, processes: number) => void = () => {},
    patience = readingPatience,
  ) {
    super(first);
    this.#onMissing = onMissing;
    this.#clients = [new AdminClient(first), ...others.map((socket) => new AdminClient(socket))];
    this.#readers = [new AdminClient(first, patience), ...others.map((socket) => new AdminClient(socket, patience))];
  }

  override get processes(): readonly AdminClient[] {
    return this.#clients;
  }

  /** Those of all, where an upgrade has come only so far. */
  override version(): AdminAnswer<string> {
    return this.#anywhere(
      (client) => client.version(),
      (versions) => [...new Set(versions)].join(', '),
    );
  }

  override statuses(): Promise<readonly Result<StatusAnswer, AdminFailure>[]> {
    return all(this.#readers, (client) => client.status());
  }

  /** Says itself which process does not answer. What that one began the others list, as far as they have a half of it. */
  override async overview(query: CallQuery): AdminAnswer<OverviewAnswer> {
    const numbers = this.#readers.map((_, index) => index + 1);
    const answers = await all(this.#readers, (client) => client.overview({ ...query, withoutHalvesOf: numbers }));
    const withoutHalvesOf = numbers.filter((number) => answers[number - 1]?.ok === true);
    if (withoutHalvesOf.length === numbers.length || withoutHalvesOf.length === 0)
      return mergedOverview(answers, query);
    const again = this.#readers.map(async (client, index) => {
      const [first] = answers;
      const answer = answers[index] ?? first;
      return answer.ok ? client.overview({ ...query, withoutHalvesOf }) : answer;
    });
    return mergedOverview(await Promise.all(again), query);
  }

  /** Of each, with its number as a label, and which of them answer. */
  override async metrics(): AdminAnswer<string> {
    const answers = await all(this.#readers, (client) => client.metrics());
    return ok(mergedMetrics(answers.map((answer) => (answer.ok ? answer.value : undefined))));
  }

  override recentCalls(): AdminAnswer<readonly RecentCallAnswer[]> {
    return this.#anywhere(
      (client) => client.recentCalls(),
      (lists) =>
        withoutHalves(lists.flat(), ({ halfOf }) => halfOf).toSorted((one, other) => other.endedAt - one.endedAt),
    );
  }

  override alerts(): AdminAnswer<readonly AlertAnswer[]> {
    return this.#anywhere(
      (client) => client.alerts(),
      (lists) => lists.flat().toSorted((one, other) => other.lastAt - one.lastAt),
    );
  }

  override setLogLevel(level: string, lasts: number | undefined): AdminAnswer<LogLevelAnswer> {
    return this.#everywhere(
      (client) => client.setLogLevel(level, lasts),
      ([one]) => one,
    );
  }

  override calls(): AdminAnswer<readonly CallAnswer[]> {
    return this.#anywhere(
      (client) => client.calls(),
      (lists) => withoutHalves(lists.flat(), ({ halfOf }) => halfOf?.call),
    );
  }

  /** With the media of both halves, where it is one of two processes. */
  override async call(id: string): AdminAnswer<CallDetailAnswer> {
    const answers = await all(this.#readers, (client) => client.call(id));
    return wholeCall(id, answers) ?? known(answers);
  }

  override endCall(id: string, by?: string): AdminAnswer<string> {
    return this.#where((client) => client.endCall(id, by));
  }

  override registrations(): AdminAnswer<readonly RegistrationAnswer[]> {
    return this.#anywhere((client) => client.registrations(), samePhones);
  }

  override registrationPage(query: RegistrationQuery): AdminAnswer<RegistrationPage<RegistrationAnswer>> {
    return this.#anywhere(
      (client) => client.registrationPage(query),
      (pages) => ({
        matching: Math.max(...pages.map(({ matching }) => matching)),
        registrations: selectRegistrations(samePhones(pages.map(({ registrations }) => registrations)), {
          ...query,
          offset: 0,
        }).registrations,
      }),
    );
  }

  override subscriptions(): AdminAnswer<readonly SubscriptionAnswer[]> {
    return this.#anywhere(
      (client) => client.subscriptions(),
      (lists) => lists.flat(),
    );
  }

  override endSubscription(id: string, reason: 'probation' | 'rejected'): AdminAnswer<string> {
    return this.#where((client) => client.endSubscription(id, reason));
  }

  override recheckUser(aor: string): AdminAnswer<UserStandingAnswer> {
    return this.#anywhere(
      (client) => client.recheckUser(aor),
      (answers) => ({
        stands: answers.every(({ stands }) => stands),
        registrations: sum(answers.map(({ registrations }) => registrations)),
        subscriptions: sum(answers.map(({ subscriptions }) => subscriptions)),
      }),
      this.#clients,
    );
  }

  override trunks(): AdminAnswer<readonly TrunkAnswer[]> {
    return this.#anywhere(
      (client) => client.trunks(),
      (lists) => alike(lists.flat(), ({ name }) => name, sameTrunk),
    );
  }

  override bans(): AdminAnswer<readonly BanAnswer[]> {
    return this.#anywhere(
      (client) => client.bans(),
      (lists) => alike(lists.flat(), ({ source, account = '' }) => `${source} ${account}`, later),
    );
  }

  override fraudHolds(): AdminAnswer<readonly HoldAnswer[]> {
    return this.#anywhere(
      (client) => client.fraudHolds(),
      (lists) =>
        alike(
          lists.flat(),
          ({ subject, rule }) => `${subject} ${rule}`,
          (one) => one,
        ),
    );
  }

  override devices(): AdminAnswer<readonly DeviceAnswer[]> {
    return this.#anywhere(
      (client) => client.devices(),
      (lists) =>
        alike(
          lists.flat(),
          ({ id }) => id,
          (one, other) => (other.decidedAt > one.decidedAt ? other : one),
        ),
    );
  }

  /** The first that knows it decides, and tells the others: a one-time code is good once. */
  override decideDevice(id: string, state: 'approved' | 'denied', code?: string): AdminAnswer<DeviceAnswer> {
    return this.#oneAfterOther((client) => client.decideDevice(id, state, code), isUnknown);
  }

  override forgetDevice(id: string): AdminAnswer<DeviceAnswer> {
    return this.#oneAfterOther((client) => client.forgetDevice(id), isUnknown);
  }

  // One tells the others by the store, or knows what all do.

  override ban(address: string, lasts: number | undefined): AdminAnswer<BanAnswer> {
    return this.#oneAfterOther((client) => client.ban(address, lasts));
  }

  override liftBans(address: string, by?: string): AdminAnswer<number> {
    return this.#oneAfterOther((client) => client.liftBans(address, by));
  }

  override liftFraud(subject: string): AdminAnswer<number> {
    return this.#oneAfterOther((client) => client.liftFraud(subject));
  }

  override routeTest(query: Readonly<Record<string, string | number | undefined>>): AdminAnswer<RouteTestAnswer> {
    return this.#oneAfterOther((client) => client.routeTest(query));
  }

  override learnDevices(): AdminAnswer<readonly DeviceAnswer[]> {
    return this.#everywhere(
      (client) => client.learnDevices(),
      (lists) => lists.flat(),
    );
  }

  override trace(name: string, query: Readonly<Record<string, string>>): AdminAnswer<Uint8Array> {
    return this.#where((client) => client.trace(name, query));
  }

  override drain(): AdminAnswer<number> {
    return this.#everywhere((client) => client.drain(), sum);
  }

  override reload(): AdminAnswer<readonly string[]> {
    return this.#everywhere(
      (client) => client.reload(),
      (lists) => [...new Set(lists.flat())],
    );
  }

  /** What those say that run. One that runs and fails is a failure of all. */
  async #anywhere<T, U>(
    ask: Ask<T>,
    merge: (values: readonly T[]) => U,
    clients: Clients = this.#readers,
  ): AdminAnswer<U> {
    const answers = await all(clients, ask);
    const values: T[] = [];
    for (const answer of answers) {
      if (answer.ok) values.push(answer.value);
      else if (!isMissing(answer)) return answer;
    }
    const [first] = answers;
    if (!first.ok && values.length === 0) return first;
    const missing = answers.length - values.length;
    if (missing > 0) this.#onMissing(missing, answers.length);
    return ok(merge(values));
  }

  /** What the first says that runs, and is not `passedOver`. */
  async #oneAfterOther<T>(
    ask: Ask<T>,
    passedOver: (answer: Result<T, AdminFailure>) => boolean = () => false,
  ): AdminAnswer<T> {
    let last: Result<T, AdminFailure> | undefined;
    for (const client of this.#clients) {
      const answer = await ask(client);
      if (answer.ok || !(isMissing(answer) || passedOver(answer))) return answer;
      if (last === undefined || mayHaveIt(answer) || (isMissing(last) && !mayHaveIt(last))) last = answer;
    }
    return last ?? ask(this.#clients[0]);
  }

  /** All of them must: the first failure is the answer. What the others were asked, they have done. */
  async #everywhere<T, U>(ask: Ask<T>, merge: (values: readonly [T, ...T[]]) => U): AdminAnswer<U> {
    const [first, ...others] = await all(this.#clients, ask);
    if (!first.ok) return first;
    const values: [T, ...T[]] = [first.value];
    for (const answer of others) {
      if (!answer.ok) return answer;
      values.push(answer.value);
    }
    return ok(merge(values));
  }

  /** The one that knows what is named; else one that may have it and does not say, and only then what one of them says that it does not. */
  async #where<T>(ask: Ask<T>): AdminAnswer<T> {
    return known(await all(this.#readers, ask));
  }
}

/** As `#where`. */
function known<T>(answers: readonly [Result<T, AdminFailure>, ...Result<T, AdminFailure>[]]): Result<T, AdminFailure> {
  return answers.find(({ ok: isOk }) => isOk) ?? answers.find(mayHaveIt) ?? answers.find(isRefusal) ?? answers[0];
}

async function all<T>(
  [first, ...others]: Clients,
  ask: Ask<T>,
): Promise<readonly [Result<T, AdminFailure>, ...Result<T, AdminFailure>[]]> {
  return Promise.all([ask(first), ...others.map(ask)]);
}

/** Does not run, or hangs. */
function isMissing(answer: Result<unknown, AdminFailure>): boolean {
  return !answer.ok && (answer.error.kind === 'not-running' || answer.error.kind === 'no-answer');
}

function isUnknown(answer: Result<unknown, AdminFailure>): boolean {
  return !answer.ok && answer.error.code === 'no-such-device';
}

/** It runs, and did not say that it does not know what was named. */
function mayHaveIt(answer: Result<unknown, AdminFailure>): boolean {
  return !answer.ok && answer.error.kind !== 'not-running' && !isNothingSuch(answer.error);
}

function isRefusal(answer: Result<unknown, AdminFailure>): boolean {
  return !answer.ok && answer.error.kind === 'refused';
}

/** Each knows of all, and of its own whether they are alive. */
function samePhones(lists: readonly (readonly RegistrationAnswer[])[]): readonly RegistrationAnswer[] {
  return alike(
    lists.flat(),
    ({ aor, contact }) => `${aor} ${contact}`,
    (one, other) => (other.alive ? other : one),
  );
}

function later(one: BanAnswer, other: BanAnswer): BanAnswer {
  return other.until > one.until ? other : one;
}
