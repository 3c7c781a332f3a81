// May this attempt happen, and within which limits? Pure: facts in, verdict out. Counting is a reservation that the
// caller of `decide` makes afterwards in one atomic step.
import type { EpochMillis, Millis } from '../core/clock.ts';
import { type AccessFacts, type AccessTerms, accessRefusal } from './access.ts';
import { type CallLimit, CallLimits, type LimitedCall, type LimitScope, limitClaims } from './call-limit.ts';
import type { LocalTimeIn } from './calling-hours.ts';
import { type Restriction, type RestrictionsOn, restrictionOn } from './restriction.ts';
import { type Rule, Rules } from './rule.ts';
import type { CallTraits } from './selector.ts';
import type { ReadNumber } from './site-numbers.ts';
import type { Claim, Refusal, RuleTrace, SlotClaim, Verdict } from './verdict.ts';

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
  readonly group?: string | undefined;
  /** Absent for a party without limits of its own (a PBX). */
  readonly limits: PartyLimits | undefined;
  /** Of a user that is held to more than its password. */
  readonly access?: AccessTerms | undefined;
}

/** Who is charged for a call that a PBX places: a user who dialled through it, or had a call forwarded. */
export interface Charge {
  readonly party: PartyFacts;
  /** How that was told: `token`, `Session-ID`, `Diversion` … */
  readonly by: string;
  /** The user's own call to the PBX runs and holds the slots already: this is its other half. */
  readonly isCounted: boolean;
}

/** What is dialled, by whom and when, as far as rules, limits and fraud detection ask. */
export interface CallFacts {
  readonly number: ReadNumber;
  /** What the caller shows, canonical; `anonymous` when nothing. */
  readonly callerId: string;
  readonly charge: Charge | undefined;
  /** Where the caller's request came from. */
  readonly access?: AccessFacts | undefined;
  readonly at: EpochMillis;
  readonly localTime: LocalTimeIn;
  readonly restrictions: RestrictionsOn;
  /** Media ports that are free. */
  readonly freePorts: number;
  /** The store that nodes share is away, and new calls are to be refused then. */
  readonly isStoreLost?: boolean;
}

export interface AttemptFacts {
  readonly caller: PartyFacts;
  readonly callee: PartyFacts;
  readonly call: CallFacts;
}

/** Limits of the whole node. */
export interface NodeLimits {
  readonly concurrentCalls: number;
  readonly maxCallDuration: Millis;
  readonly ringTimeout: Millis;
  readonly earlyMediaTimeout: Millis;
  /** Calls beyond `concurrentCalls`, and ports that other calls leave free, for emergency calls. */
  readonly emergencyCalls: number;
  readonly emergencyPorts: number;
}

export interface PolicyRules {
  readonly rules: readonly Rule[];
  readonly limits: readonly CallLimit[];
}

export class PolicyEngine {
  readonly #node: NodeLimits;
  readonly #rules: Rules;
  readonly #limits: CallLimits;

  constructor(node: NodeLimits, { rules, limits }: PolicyRules) {
    this.#node = node;
    this.#rules = new Rules(rules);
    this.#limits = new CallLimits(limits);
  }

  /** The verdict for one callee. A trunk that is called is claimed by each attempt at it (`attemptClaims`), not by the call. */
  decide({ caller, callee, call }: AttemptFacts): Verdict {
    const trace: RuleTrace[] = [];
    const refuse = (refusal: Refusal): Verdict => ({ kind: 'refuse', refusal, trace });
    if (caller.kind === 'anonymous') {
      trace.push({ rule: 'identity', answer: 'refuse: nobody proved who calls' });
      return refuse(notAllowed('the caller proved no identity'));
    }
    trace.push({ rule: 'identity', answer: `allow: ${caller.kind} ${caller.name}` });
    if (call.number.kind === 'emergency' && caller.kind !== 'trunk') return this.#emergency(trace);
    const { charge } = call;
    if (charge !== undefined) {
      trace.push({ rule: 'charge', input: charge.by, answer: `${charge.party.kind} ${charge.party.name}` });
    }
    const barred =
      caller.access === undefined ? undefined : accessRefusal(caller.name, caller.access, call.access, trace);
    if (barred !== undefined) return refuse(barred);
    if (call.isStoreLost === true) {
      trace.push({ rule: 'shared-store', input: 'on_store_loss = "refuse"', answer: 'refuse: it is away' });
      return refuse(storeLost);
    }
    if (call.freePorts < this.#node.emergencyPorts) {
      trace.push({ rule: 'head-room', input: `${call.freePorts} ports`, answer: 'refuse: kept for emergency calls' });
      return refuse(noHeadRoom(call.freePorts));
    }
    const traits = traitsOf({ caller, callee, call });
    const payer = subjectOf(call.charge?.party ?? caller);
    const restriction = restrictionOn(
      call.restrictions,
      callee.kind === 'trunk' ? [payer, subjectOf(callee)] : [payer],
      traits.classes,
    );
    if (restriction !== undefined) {
      const { rule, subject, of = 'all' } = restriction;
      trace.push({ rule: `fraud ${rule}`, input: subject, answer: `deny ${of} calls` });
      return refuse(heldBack(restriction));
    }
    const denied = this.#rules.ask(traits, call.localTime, trace);
    if (denied !== undefined) return refuse(denied);
    return this.#allow({ caller, callee, call }, traits, trace);
  }

  /** What an attempt at a trunk asks of the store. */
  attemptClaims(trunk: PartyFacts, facts: Omit<AttemptFacts, 'callee'>): readonly Claim[] {
    const slots = claimsOf(trunk, 'callee');
    const all = traitsOf({ ...facts, callee: trunk });
    const limited: LimitedCall = { ...facts.call, traits: { ...all, trunks: [trunk.name] } };
    if (isEmergency(facts)) return [];
    const longest = trunk.limits?.maxCallDuration ?? this.#node.maxCallDuration;
    const limits = this.#limits.of(limited, ['trunk']);
    return [...slots, ...limits.flatMap((limit) => limitClaims(limit, limited, longest))];
  }

  /** Another node of the site has admitted it, and counts it: what is left is what this one can carry. */
  relayed(facts: AttemptFacts): Verdict {
    const { caller, call } = facts;
    const trace: RuleTrace[] = [{ rule: 'identity', answer: `allow: ${caller.kind} ${caller.name}` }];
    const limits = this.#limitsOf(caller, { ...facts.callee, limits: undefined });
    if (call.number.kind === 'emergency') return this.#emergency(trace);
    // A node is held to nothing; a user who asks for a call of another node is.
    const barred = caller.access && accessRefusal(caller.name, caller.access, call.access, trace);
    if (barred !== undefined) return { kind: 'refuse', refusal: barred, trace };
    if (call.freePorts < this.#node.emergencyPorts) {
      trace.push({ rule: 'head-room', input: `${call.freePorts} ports`, answer: 'refuse: kept for emergency calls' });
      return { kind: 'refuse', refusal: noHeadRoom(call.freePorts), trace };
    }
    const total = this.#totalClaim(0);
    return { kind: 'allow', limits, claims: [total], trace: [...trace, claimTrace(total)] };
  }

  /** Who it is was proven; beyond that nothing stands in its way (RFC 5031; no cap, hour, duration or suspicion). */
  #emergency(trace: RuleTrace[]): Verdict {
    trace.push({ rule: 'emergency', answer: 'allow: exempt from rules, limits and fraud detection' });
    const { ringTimeout, earlyMediaTimeout, emergencyCalls } = this.#node;
    const limits = { maxDuration: undefined, ringTimeout, earlyMediaTimeout };
    return { kind: 'allow', limits, claims: [this.#totalClaim(emergencyCalls)], trace };
  }

  #allow({ caller, callee, call }: AttemptFacts, traits: CallTraits, trace: RuleTrace[]): Verdict {
    const isCounted = call.charge?.isCounted === true;
    const payer = call.charge?.party ?? caller;
    const limited: LimitedCall = { ...call, traits: callee.kind === 'trunk' ? withoutTrunk(traits, callee) : traits };
    const scopes: readonly LimitScope[] = isCounted ? ['trunk', 'node'] : ['user', 'group', 'trunk', 'node'];
    const limits = this.#limits.of(limited, scopes);
    const common = this.#limitsOf(payer, callee);
    const longest = limits.map(({ maxCallDuration }) => maxCallDuration ?? Infinity);
    const maxDuration = Math.min(common.maxDuration, ...longest);
    const claims = [
      ...(isCounted ? [] : claimsOf(payer, 'caller')),
      ...(callee.kind === 'trunk' ? [] : claimsOf(callee, 'callee')),
      this.#totalClaim(0),
      ...limits.flatMap((limit) => limitClaims(limit, limited, maxDuration)),
    ];
    for (const claim of claims) trace.push(claimTrace(claim));
    if (maxDuration < common.maxDuration) {
      trace.push({ rule: 'longest-call', answer: `${maxDuration / 1_000} s` });
    }
    return { kind: 'allow', limits: { ...common, maxDuration }, claims, trace };
  }

  /** The stricter of both ends' limits. */
  #limitsOf(
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

  #totalClaim(beyond: number): Claim {
    const refusal: Refusal = {
      code: 'total-cap',
      status: 503,
      text: 'Too many calls',
      detail: `the node holds its ${this.#node.concurrentCalls} calls`,
      retryAfterSeconds: 10,
    };
    return { kind: 'slot', key: 'total', cap: this.#node.concurrentCalls + beyond, refusal };
  }
}

/** The slots that a party's limits ask for in that role, when calls of that direction count. */
export function claimsOf(party: PartyFacts, role: 'caller' | 'callee'): readonly SlotClaim[] {
  const { limits } = party;
  const direction = (role === 'caller') === (party.kind === 'trunk') ? 'in' : 'out';
  if (limits === undefined || (limits.direction !== 'both' && limits.direction !== direction)) return [];
  const cap = limits.concurrentCalls;
  if (party.kind === 'trunk') {
    return [{ kind: 'slot', key: `trunk:${party.name}`, cap, refusal: trunkFull(party.name, cap) }];
  }
  return [{ kind: 'slot', key: `${party.kind}:${party.name}`, cap, refusal: userFull(party.name, cap) }];
}

/** As the detection of fraud names a party: `user:alice@pbx.test`. */
export function subjectOf({ kind, name }: Pick<PartyFacts, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}

export function isEmergency({ caller, call }: Omit<AttemptFacts, 'callee'>): boolean {
  return call.number.kind === 'emergency' && caller.kind !== 'trunk' && caller.kind !== 'anonymous';
}

/** Whose rules and limits apply: of a call that goes out the user who pays, of one that comes in the user who is called. */
export function traitsOf({ caller, callee, call }: AttemptFacts): CallTraits {
  const direction = caller.kind === 'trunk' ? 'in' : 'out';
  const party = direction === 'in' ? callee : (call.charge?.party ?? caller);
  const user = party.kind === 'user' ? party : undefined;
  const trunks: string[] = [];
  for (const { kind, name } of [caller, callee]) if (kind === 'trunk') trunks.push(name);
  const { number, callerId } = call;
  return {
    direction,
    user: user?.name,
    group: user?.group,
    trunks,
    number: number.canonical,
    country: number.country,
    classes: number.classes,
    callerId,
  };
}

function withoutTrunk(traits: CallTraits, { name }: PartyFacts): CallTraits {
  return { ...traits, trunks: traits.trunks.filter((trunk) => trunk !== name) };
}

function claimTrace(claim: Claim): RuleTrace {
  switch (claim.kind) {
    case 'slot':
      return { rule: 'concurrent-calls', answer: `at most ${claim.cap} of ${claim.key}` };
    case 'rate':
      return { rule: 'calls-per-minute', answer: `at most ${claim.cap} of ${claim.key}` };
    case 'budget':
      return { rule: 'minutes', answer: `at most ${claim.cap / 60_000} of ${claim.key}` };
    default:
      return claim satisfies never;
  }
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

const storeLost: Refusal = {
  code: 'store-lost',
  status: 503,
  text: 'Service not available',
  detail: 'the shared store is away, and [store] on_store_loss is "refuse"',
  retryAfterSeconds: 5,
};

function noHeadRoom(freePorts: number): Refusal {
  const detail = `${freePorts} media ports are free, and kept for emergency calls`;
  return { code: 'media-not-available', status: 503, text: 'Media not available', detail, retryAfterSeconds: 5 };
}

function heldBack({ rule, subject }: Restriction): Refusal {
  return { code: 'fraud', status: 403, text: 'Not allowed', detail: `fraud rule ${rule} holds against ${subject}` };
}
