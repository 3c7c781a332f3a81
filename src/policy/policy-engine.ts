// May this attempt happen, and within which limits? Pure: facts in, verdict out. Counting is a reservation that the
// caller of `decide` makes afterwards in one atomic step.
import type { Millis } from '../core/clock.ts';
import type { Claim, Refusal, RuleTrace, Verdict } from './verdict.ts';

/** Which calls count towards a cap. `out`: a user dials, or a call leaves over a trunk; `in`: the other way. */
export type CountedDirection = 'both' | 'out' | 'in';

/** The limits of one user, trunk or PBX after inheritance. */
export interface PartyLimits {
  readonly concurrentCalls: number;
  readonly direction: CountedDirection;
  readonly maxCallDuration: Millis;
  readonly ringTimeout: Millis;
  readonly earlyMediaTimeout: Millis;
}

export interface PartyFacts {
  readonly kind: 'user' | 'trunk' | 'pbx' | 'anonymous';
  /** `alice@pbx.test`, or the configured name. */
  readonly name: string;
  /** Absent for a party without limits of its own (a PBX). */
  readonly limits: PartyLimits | undefined;
}

export interface AttemptFacts {
  readonly caller: PartyFacts;
  readonly callee: PartyFacts;
}

/** Limits of the whole node. */
export interface NodeLimits {
  readonly concurrentCalls: number;
  readonly maxCallDuration: Millis;
  readonly ringTimeout: Millis;
  readonly earlyMediaTimeout: Millis;
}

export class PolicyEngine {
  readonly #node: NodeLimits;

  constructor(node: NodeLimits) {
    this.#node = node;
  }

  /** The verdict for one callee. A trunk that is called is claimed by each attempt at it (`claimsOf`), not by the call. */
  decide({ caller, callee }: AttemptFacts): Verdict {
    const trace: RuleTrace[] = [];
    if (caller.kind === 'anonymous') {
      trace.push({ rule: 'identity', answer: 'refuse: nobody proved who calls' });
      return { kind: 'refuse', refusal: notAllowed('the caller proved no identity'), trace };
    }
    trace.push({ rule: 'identity', answer: `allow: ${caller.kind} ${caller.name}` });
    const calleeClaims = callee.kind === 'trunk' ? [] : claimsOf(callee, 'callee');
    const claims = [...claimsOf(caller, 'caller'), ...calleeClaims, this.#totalClaim()];
    for (const claim of claims)
      trace.push({ rule: 'concurrent-calls', answer: `at most ${claim.cap} of ${claim.key}` });
    return { kind: 'allow', limits: this.#limits(caller, callee), claims, trace };
  }

  /** The stricter of both ends' limits. */
  #limits(
    caller: PartyFacts,
    callee: PartyFacts,
  ): { maxDuration: Millis; ringTimeout: Millis; earlyMediaTimeout: Millis } {
    const all = [this.#node, ...(caller.limits ? [caller.limits] : []), ...(callee.limits ? [callee.limits] : [])];
    const owned = all.length > 1 ? all.slice(1) : all;
    return {
      maxDuration: Math.min(...owned.map((limits) => limits.maxCallDuration)),
      ringTimeout: Math.min(...owned.map((limits) => limits.ringTimeout)),
      earlyMediaTimeout: Math.min(...owned.map((limits) => limits.earlyMediaTimeout)),
    };
  }

  #totalClaim(): Claim {
    const refusal: Refusal = {
      code: 'total-cap',
      status: 503,
      text: 'Too many calls',
      detail: `the node holds its ${this.#node.concurrentCalls} calls`,
      retryAfterSeconds: 10,
    };
    return { key: 'total', cap: this.#node.concurrentCalls, refusal };
  }
}

/** The slots that a party's limits ask for in that role, when calls of that direction count. */
export function claimsOf(party: PartyFacts, role: 'caller' | 'callee'): readonly Claim[] {
  const { limits } = party;
  const direction = (role === 'caller') === (party.kind === 'trunk') ? 'in' : 'out';
  if (limits === undefined || (limits.direction !== 'both' && limits.direction !== direction)) return [];
  const cap = limits.concurrentCalls;
  if (party.kind === 'trunk') return [{ key: `trunk:${party.name}`, cap, refusal: trunkFull(party.name, cap) }];
  return [{ key: `${party.kind}:${party.name}`, cap, refusal: userFull(party.name, cap) }];
}

function userFull(name: string, cap: number): Refusal {
  const detail = `${name} holds its ${cap} concurrent calls`;
  return { code: 'user-cap', status: 486, text: 'Concurrent call limit reached', detail };
}

function trunkFull(name: string, cap: number): Refusal {
  const detail = `trunk ${name} holds its ${cap} concurrent calls`;
  return { code: 'trunk-cap', status: 480, text: 'Trunk capacity reached', detail };
}

function notAllowed(detail: string): Refusal {
  return { code: 'caller-not-allowed', status: 403, text: 'Not allowed', detail };
}
