// A limit that the operator wrote: how many calls at once, how many a minute, how many minutes a day, of a user, a group, a trunk
// or the whole node, for calls of some kind. All that match apply.
import type { EpochMillis, Millis } from '../core/clock.ts';
import { dayOf, type LocalTimeIn, monthOf } from './calling-hours.ts';
import { type CallTraits, type Selector, SelectorIndex } from './selector.ts';
import type { Claim, Refusal, RefusalCode } from './verdict.ts';

/** Whose calls are counted together. */
export type LimitScope = 'user' | 'group' | 'trunk' | 'node';

export interface CallLimit {
  readonly name: string;
  readonly per: LimitScope;
  readonly selector: Selector;
  readonly concurrentCalls: number | undefined;
  readonly callsPerMinute: number | undefined;
  /** Talking time. */
  readonly dailyTime: Millis | undefined;
  readonly monthlyTime: Millis | undefined;
  readonly maxCallDuration: Millis | undefined;
  /** Where a day begins. */
  readonly zone: string;
}

export interface LimitedCall {
  readonly traits: CallTraits;
  readonly localTime: LocalTimeIn;
  readonly at: EpochMillis;
}

export class CallLimits {
  readonly #index: SelectorIndex<CallLimit>;

  constructor(limits: readonly CallLimit[]) {
    this.#index = new SelectorIndex(limits);
  }

  /** Those of `scopes` that speak of this call. */
  of({ traits }: LimitedCall, scopes: readonly LimitScope[]): readonly CallLimit[] {
    const matching = this.#index.matching(traits);
    return matching.length === 0 ? matching : matching.filter(({ per }) => scopes.includes(per));
  }
}

/** What a limit asks of the store for this call, which would last for `longest`. */
export function limitClaims(limit: CallLimit, call: LimitedCall, longest: Millis): readonly Claim[] {
  return subjectsOf(limit.per, call.traits).flatMap((subject) => claimsFor(limit, subject, call, longest));
}

function subjectsOf(per: LimitScope, { user, group, trunks }: CallTraits): readonly string[] {
  switch (per) {
    case 'user':
      return user === undefined ? [] : [`user:${user}`];
    case 'group':
      return group === undefined ? [] : [`group:${group}`];
    case 'trunk':
      return trunks.map((trunk) => `trunk:${trunk}`);
    case 'node':
      return ['node'];
    default:
      return per satisfies never;
  }
}

function claimsFor(limit: CallLimit, subject: string, call: LimitedCall, longest: Millis): readonly Claim[] {
  const { concurrentCalls, callsPerMinute, dailyTime, monthlyTime, zone } = limit;
  const key = `limit:${limit.name}:${subject}`;
  const refusal = (code: RefusalCode, text: string, detail: string): Refusal => {
    // 503 would say that the whole node is overloaded (RFC 3261 §21.5.4).
    const status = limit.per === 'user' || limit.per === 'group' ? 486 : 480;
    return { code, status, text, detail: `limit ${limit.name}: ${subject} ${detail}` };
  };
  const claims: Claim[] = [];
  if (concurrentCalls !== undefined) {
    const full = refusal('limit-cap', 'Concurrent call limit reached', `holds its ${concurrentCalls} calls`);
    claims.push({ kind: 'slot', key, cap: concurrentCalls, refusal: full });
  }
  if (callsPerMinute !== undefined) {
    const full = refusal('call-rate', 'Too many calls in a minute', `made its ${callsPerMinute} calls of this minute`);
    claims.push({ kind: 'rate', key: `${key}:rate`, cap: callsPerMinute, window: 60_000, refusal: full });
  }
  const budget = (period: string, cap: Millis, days: number): void => {
    const detail = `used its ${cap / 60_000} minutes of ${period}`;
    const full = refusal('minutes-used', 'Call time used up', detail);
    const until = call.at + days * 86_400_000;
    claims.push({ kind: 'budget', key: `${key}:${period}`, cap, wanted: longest, until, refusal: full });
  };
  if (dailyTime !== undefined) budget(dayOf(call.localTime(zone)), dailyTime, 2);
  if (monthlyTime !== undefined) budget(monthOf(call.localTime(zone)), monthlyTime, 33);
  return claims;
}
