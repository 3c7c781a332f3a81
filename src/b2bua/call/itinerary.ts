// Where a call goes: the stages of its admission one after the other, and where redirects lead from there (RFC 3261 §8.1.3.4, §21.3):
// how many are followed, where it has been, and which are being asked about. Pure.
import { type Millis, shorter } from '../../core/clock.ts';
import type { RuleTrace } from '../../policy/verdict.ts';
import { contacts } from '../../sip/message/header-fields.ts';
import { diverterOf } from '../routing/retargeting.ts';
import type { Callee } from '../routing/target.ts';
import type { Attempt } from './attempt.ts';
import type { Admission, CallInput, CallOutput, LegId } from './call-event.ts';
import type { Failure } from './failure.ts';

/** Contacts of one 3xx that are looked at. */
export const maxRedirectContacts = 4;

const followed: ReadonlySet<number> = new Set([300, 301, 302]);

export type RedirectStep =
  | { readonly kind: 'reserve'; readonly output: CallOutput; readonly trace: readonly RuleTrace[] }
  | { readonly kind: 'go'; readonly targets: readonly Callee[]; readonly trace: readonly RuleTrace[] }
  | { readonly kind: 'nowhere'; readonly trace: readonly RuleTrace[] };

export class Itinerary {
  readonly #stages: (readonly Callee[])[];
  #left: number;
  /** Numbers and names that this call was on its way to. */
  readonly #seen: Set<string>;
  readonly #held: ReadonlySet<string>;
  /** By the leg that was redirected: what was admitted, once it is known. */
  readonly #pending = new Map<LegId, Admission | undefined>();
  /** How long a call may last that was redirected there. */
  readonly #bounds = new Map<Callee, Millis | undefined>();
  /** Where redirects led and nobody has been called yet. */
  readonly #ahead = new Map<Callee, Admission>();

  constructor({ stages, redirects = 0, canonical, claims }: Admission) {
    this.#stages = [...stages];
    this.#left = redirects;
    this.#seen = new Set(canonical === undefined ? [] : [canonical]);
    this.#held = new Set(claims.map(({ key }) => key));
  }

  /** The next stage; undefined when there is none. */
  next(): readonly Callee[] | undefined {
    return this.#stages.shift();
  }

  get hasMore(): boolean {
    return this.#stages.length > 0;
  }

  boundOf(target: Callee): Millis | undefined {
    return this.#bounds.get(target);
  }

  /** The admission by which a redirect leads to that target, unless another target of it was begun with before. */
  follow(target: Callee): Admission | undefined {
    const admission = this.#ahead.get(target);
    for (const one of admission?.stages.flat() ?? []) this.#ahead.delete(one);
    return admission;
  }

  /** A redirect waits for policy or for slots. */
  get isOpen(): boolean {
    return this.#pending.size > 0;
  }

  isRedirecting(leg: LegId): boolean {
    return this.#pending.has(leg);
  }

  /** Asks whether the call may go where that answer sends it; undefined when it is no redirect, or one too many. */
  redirect({ leg, target }: Attempt, { status, response }: Failure): CallOutput | undefined {
    if (response === undefined || !followed.has(status) || 'sdp' in target || this.#left <= 0) return undefined;
    const parsed = contacts(response.headers);
    if (!parsed.ok || parsed.value === '*' || parsed.value.length === 0) return undefined;
    this.#left -= 1;
    this.#pending.set(leg.id, undefined);
    const byPreference = parsed.value.toSorted((a, b) => preference(b.parameters) - preference(a.parameters));
    const uris = byPreference.slice(0, maxRedirectContacts).map(({ uri }) => uri);
    const breadth = target.headers.get('Max-Breadth');
    return { type: 'redirect', leg: leg.id, to: uris, by: target.peer, diverter: diverterOf(response), breadth };
  }

  /** Policy, then the store, say whether the call may go there. Undefined: the input has nothing to do with it. */
  handle(leg: LegId, input: CallInput): RedirectStep | undefined {
    switch (input.type) {
      case 'redirected':
        return this.#admitted(leg, input.admissions, input.trace);
      case 'reserved': {
        const { stages = [], limits } = this.#take(leg) ?? {};
        for (const target of stages.flat()) this.#bounds.set(target, shorter(limits?.maxDuration, input.longest));
        const [targets = [], ...later] = stages;
        this.#stages.unshift(...later);
        return { kind: 'go', targets, trace: [] };
      }
      case 'reservation-refused':
        this.#take(leg);
        return { kind: 'nowhere', trace: [{ rule: 'redirect', answer: `refused: ${input.refusal.code}` }] };
      default:
        return undefined;
    }
  }

  /** What is new of it; where the call has been it does not go again. */
  #admitted(leg: LegId, admissions: readonly Admission[], trace: readonly RuleTrace[]): RedirectStep {
    const fresh = admissions.filter(({ canonical }) => canonical !== undefined && !this.#seen.has(canonical));
    const [first] = fresh;
    if (first === undefined) {
      this.#take(leg);
      return { kind: 'nowhere', trace };
    }
    for (const admission of fresh) {
      if (admission.canonical !== undefined) this.#seen.add(admission.canonical);
      for (const target of admission.stages.flat()) this.#ahead.set(target, admission);
    }
    const claims = new Map(fresh.flatMap((one) => one.claims.map((claim) => [claim.key, claim] as const)));
    const limits = fresh.map((one) => one.limits.maxDuration).reduce(shorter);
    this.#pending.set(leg, {
      ...first,
      stages: fresh.flatMap(({ stages }) => stages),
      limits: { ...first.limits, maxDuration: limits },
    });
    const asked = [...claims.values()].filter(({ key }) => !this.#held.has(key));
    return { kind: 'reserve', output: { type: 'reserve', leg, claims: asked }, trace };
  }

  #take(leg: LegId): Admission | undefined {
    const admission = this.#pending.get(leg);
    this.#pending.delete(leg);
    return admission;
  }
}

/** §20.10: 1 where nothing is said. */
function preference(parameters: ReadonlyMap<string, string | undefined>): number {
  const q = Number(parameters.get('q') ?? '1');
  return q >= 0 && q <= 1 ? q : 0;
}
