// What policy asks of an attempt, in which order, whose rules and limits apply, and what an emergency call is spared.
import { describe, expect, test } from 'vitest';
import type { CallLimit } from '../../../src/policy/call-limit.ts';
import {
  type AttemptFacts,
  type CallFacts,
  isEmergency,
  type PartyFacts,
  PolicyEngine,
  subjectOf,
  traitsOf,
} from '../../../src/policy/policy-engine.ts';
import type { Restriction } from '../../../src/policy/restriction.ts';
import type { Rule } from '../../../src/policy/rule.ts';
import type { Verdict } from '../../../src/policy/verdict.ts';

const node = {
  concurrentCalls: 100,
  maxCallDuration: 7_200_000,
  ringTimeout: 180_000,
  earlyMediaTimeout: 60_000,
  emergencyCalls: 5,
  emergencyPorts: 20,
};
const anyone = { users: [], groups: [], trunks: [], to: [], countries: [], classes: [], callerIds: [] };
const selector = { ...anyone, direction: 'both' } as const;

function limitOf(name: string, per: CallLimit['per'], more: Partial<CallLimit> = {}): CallLimit {
  const unlimited = { callsPerMinute: undefined, dailyTime: undefined, monthlyTime: undefined };
  return { name, per, selector, concurrentCalls: 3, ...unlimited, maxCallDuration: undefined, zone: 'UTC', ...more };
}

function engineOf(rules: readonly Partial<Rule>[] = [], limits: readonly CallLimit[] = []): PolicyEngine {
  const whole = rules.map((rule): Rule => ({ name: 'none', action: 'deny', selector, hours: undefined, ...rule }));
  return new PolicyEngine(node, { rules: whole, limits });
}

const own = { ...node, concurrentCalls: 2, direction: 'both' } as const;
const alice: PartyFacts = { kind: 'user', name: 'alice@pbx.test', group: 'sales', limits: own };
const bob: PartyFacts = { kind: 'user', name: 'bob@pbx.test', group: 'support', limits: own };
const carrier: PartyFacts = { kind: 'trunk', name: 'carrier', limits: { ...own, concurrentCalls: 30 } };
const pbx: PartyFacts = { kind: 'pbx', name: 'main', limits: undefined };
const nobody: PartyFacts = { kind: 'anonymous', name: 'anonymous', limits: undefined };

const abroad: CallFacts['number'] = {
  kind: 'number',
  canonical: '+33142685300',
  country: 'FR',
  classes: ['international'],
};
const emergency: CallFacts['number'] = { kind: 'emergency', canonical: '112', country: 'GB', classes: ['emergency'] };
const call: CallFacts = {
  number: abroad,
  callerId: '600',
  charge: undefined,
  at: 0,
  localTime: () => ({ year: 2026, month: 1, day: 5, weekday: 1, minute: 600 }),
  restrictions: () => [],
  freePorts: 1_000,
};
const held = (subject: string, of?: Restriction['of']): CallFacts['restrictions'] => {
  return (asked) => (asked === subject ? [{ rule: 'watch', subject, of }] : []);
};

function codeOf(verdict: Verdict): string {
  return verdict.kind === 'refuse' ? verdict.refusal.code : 'allowed';
}

function keysOf(verdict: Verdict): readonly string[] {
  if (verdict.kind === 'refuse') throw new Error(`refused: ${verdict.refusal.code}`);
  return verdict.claims.map(({ key, cap }) => `${key} ${cap}`);
}

describe('what stands in the way of a call', () => {
  const zoned: PartyFacts = { ...alice, access: { zones: ['office'], secondFactor: 'off' } };
  const barred: CallFacts = {
    ...call,
    access: { from: '198.51.100.7 over phones', zones: [] },
    isStoreLost: true,
    freePorts: 19,
    restrictions: held('user:alice@pbx.test'),
  };
  const denying = engineOf([{ name: 'no-france' }]);
  const decide = (caller: PartyFacts, facts: CallFacts, engine = denying): Verdict =>
    engine.decide({ caller, callee: carrier, call: facts });

  test('is asked in order, and the first is the reason: identity, access, store, ports, fraud, rules', () => {
    const inOffice = { ...barred, access: { from: '198.51.100.7 over phones', zones: ['office'] } };
    const verdicts = [
      decide(nobody, barred),
      decide(zoned, barred),
      decide(zoned, inOffice),
      decide(zoned, { ...inOffice, isStoreLost: false }),
      decide(zoned, { ...inOffice, isStoreLost: false, freePorts: 20 }),
      decide(zoned, { ...inOffice, isStoreLost: false, freePorts: 20, restrictions: () => [] }),
      decide(zoned, { ...inOffice, isStoreLost: false, freePorts: 20, restrictions: () => [] }, engineOf()),
    ];
    expect(verdicts.map(codeOf)).toEqual([
      'caller-not-allowed',
      'zone-denied',
      'store-lost',
      'media-not-available',
      'fraud',
      'rule-denied',
      'allowed',
    ]);
  });

  test('is told to the caller as what it is: forbidden, or try again', () => {
    const refusals = [
      decide(alice, { ...call, isStoreLost: true }),
      decide(alice, { ...call, freePorts: 0 }),
      decide(alice, { ...call, restrictions: held('user:alice@pbx.test') }),
      decide(alice, call),
    ].flatMap((verdict) => (verdict.kind === 'refuse' ? [verdict.refusal] : []));
    expect(refusals.map(({ code, status, retryAfterSeconds }) => [code, status, retryAfterSeconds])).toEqual([
      ['store-lost', 503, 5],
      ['media-not-available', 503, 5],
      ['fraud', 403, undefined],
      ['rule-denied', 403, undefined],
    ]);
    for (const { text } of refusals) expect(text).toMatch(/^[A-Z][a-z ]+$/);
    expect(refusals[2]?.detail).toBe('fraud rule watch holds against user:alice@pbx.test');
  });

  test('stands in the record', () => {
    const traceOf = (facts: Partial<CallFacts>): unknown => decide(alice, { ...call, ...facts }).trace.at(-1);
    expect(traceOf({ isStoreLost: true })).toMatchObject({ rule: 'shared-store', answer: 'refuse: it is away' });
    expect(traceOf({ freePorts: 7 })).toEqual({
      rule: 'head-room',
      input: '7 ports',
      answer: 'refuse: kept for emergency calls',
    });
    expect(traceOf({ restrictions: held('user:alice@pbx.test') })).toEqual({
      rule: 'fraud watch',
      input: 'user:alice@pbx.test',
      answer: 'deny all calls',
    });
    expect(traceOf({ restrictions: held('user:alice@pbx.test', 'international') })).toMatchObject({
      answer: 'deny international calls',
    });
  });
});

describe('what fraud detection holds', () => {
  const codeWhile = (restrictions: CallFacts['restrictions'], facts: Partial<AttemptFacts> = {}): string =>
    codeOf(
      engineOf().decide({ caller: alice, callee: carrier, ...facts, call: { ...call, ...facts.call, restrictions } }),
    );

  test('is asked of who pays, and of the trunk that is called', () => {
    expect(codeWhile(held('user:alice@pbx.test'))).toBe('fraud');
    expect(codeWhile(held('trunk:carrier'))).toBe('fraud');
    expect(codeWhile(held('user:bob@pbx.test'), { callee: bob })).toBe('allowed');
    const charge = { party: bob, by: 'token', isCounted: false };
    const forwarded = { caller: pbx, call: { ...call, charge } };
    expect(codeWhile(held('user:bob@pbx.test'), forwarded)).toBe('fraud');
    expect(codeWhile(held('pbx:main'), forwarded)).toBe('allowed');
  });

  test('of one class holds for calls of that class', () => {
    expect(codeWhile(held('user:alice@pbx.test', 'international'))).toBe('fraud');
    expect(codeWhile(held('user:alice@pbx.test', 'premium-rate'))).toBe('allowed');
  });
});

describe('an emergency call', () => {
  const everything: CallFacts = {
    ...call,
    number: emergency,
    access: undefined,
    isStoreLost: true,
    freePorts: 0,
    restrictions: (subject) => [{ rule: 'watch', subject, of: undefined }],
  };
  const strict = engineOf([{ name: 'nothing' }], [limitOf('all', 'node', { concurrentCalls: 0 })]);
  const zoned: PartyFacts = { ...alice, access: { zones: ['office'], secondFactor: 'device' } };

  test.each([
    ['a user', zoned],
    ['the PBX', pbx],
  ])('of %s passes whatever stands in the way, under no limit but the node with its reserve', (_who, caller) => {
    const verdict = strict.decide({ caller, callee: carrier, call: everything });
    expect(keysOf(verdict)).toEqual(['total 105']);
    expect(verdict).toMatchObject({
      limits: { maxDuration: undefined, ringTimeout: 180_000, earlyMediaTimeout: 60_000 },
    });
    expect(verdict.trace.map(({ rule }) => rule)).toEqual(['identity', 'emergency']);
    expect(strict.attemptClaims(carrier, { caller, call: everything })).toEqual([]);
  });

  test('of a trunk is a call like others, and of nobody it is refused', () => {
    expect(codeOf(strict.decide({ caller: carrier, callee: pbx, call: everything }))).toBe('store-lost');
    expect(codeOf(strict.decide({ caller: nobody, callee: pbx, call: everything }))).toBe('caller-not-allowed');
    expect(strict.attemptClaims(carrier, { caller: carrier, call: everything })).not.toEqual([]);
    expect([alice, pbx, carrier, nobody].map((caller) => isEmergency({ caller, call: everything }))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(isEmergency({ caller: alice, call })).toBe(false);
  });
});

describe('whose rules and limits apply', () => {
  test('of a call that goes out: who pays; of one that comes in: who is called', () => {
    const charge = { party: bob, by: 'Diversion', isCounted: false };
    expect(traitsOf({ caller: alice, callee: carrier, call })).toEqual({
      direction: 'out',
      user: 'alice@pbx.test',
      group: 'sales',
      trunks: ['carrier'],
      number: '+33142685300',
      country: 'FR',
      classes: ['international'],
      callerId: '600',
    });
    expect(traitsOf({ caller: pbx, callee: carrier, call: { ...call, charge } })).toMatchObject({
      direction: 'out',
      user: 'bob@pbx.test',
      group: 'support',
    });
    expect(traitsOf({ caller: pbx, callee: bob, call })).toMatchObject({ direction: 'out', user: undefined });
    expect(traitsOf({ caller: carrier, callee: bob, call: { ...call, charge: { ...charge, party: alice } } })).toEqual(
      expect.objectContaining({ direction: 'in', user: 'bob@pbx.test', group: 'support', trunks: ['carrier'] }),
    );
    expect(traitsOf({ caller: carrier, callee: carrier, call }).trunks).toEqual(['carrier', 'carrier']);
  });

  test('are told apart by kind: a trunk and a user of one name are two', () => {
    expect([subjectOf(alice), subjectOf(carrier), subjectOf(pbx)]).toEqual([
      'user:alice@pbx.test',
      'trunk:carrier',
      'pbx:main',
    ]);
  });
});

describe('what a call takes of limits', () => {
  const limits = [
    limitOf('of-users', 'user'),
    limitOf('of-groups', 'group'),
    limitOf('of-trunks', 'trunk'),
    limitOf('of-all', 'node'),
  ];
  const engine = engineOf([], limits);

  test('is what its user, group and the node have; a trunk that is called is taken of by each attempt', () => {
    expect(keysOf(engine.decide({ caller: alice, callee: carrier, call }))).toEqual([
      'user:alice@pbx.test 2',
      'total 100',
      'limit:of-users:user:alice@pbx.test 3',
      'limit:of-groups:group:sales 3',
      'limit:of-all:node 3',
    ]);
    const claims = engine.attemptClaims(carrier, { caller: alice, call });
    expect(claims.map(({ key, cap }) => `${key} ${cap}`)).toEqual([
      'trunk:carrier 30',
      'limit:of-trunks:trunk:carrier 3',
    ]);
  });

  test('is what the trunk has that it comes from, with the user that is called', () => {
    expect(keysOf(engine.decide({ caller: carrier, callee: bob, call }))).toEqual([
      'trunk:carrier 30',
      'user:bob@pbx.test 2',
      'total 100',
      'limit:of-users:user:bob@pbx.test 3',
      'limit:of-groups:group:support 3',
      'limit:of-trunks:trunk:carrier 3',
      'limit:of-all:node 3',
    ]);
  });

  test('is charged to who had it forwarded, and once: not again for the other half of a call of its own', () => {
    const charge = { party: bob, by: 'token', isCounted: false };
    const decided = engine.decide({ caller: pbx, callee: carrier, call: { ...call, charge } });
    expect(keysOf(decided)).toEqual([
      'user:bob@pbx.test 2',
      'total 100',
      'limit:of-users:user:bob@pbx.test 3',
      'limit:of-groups:group:support 3',
      'limit:of-all:node 3',
    ]);
    expect(decided.trace).toContainEqual({ rule: 'charge', input: 'token', answer: 'user bob@pbx.test' });
    const counted = { ...call, charge: { ...charge, isCounted: true } };
    expect(keysOf(engine.decide({ caller: pbx, callee: carrier, call: counted }))).toEqual([
      'total 100',
      'limit:of-all:node 3',
    ]);
  });

  test('lasts as long as the shortest of limits and ends allows, and the record says so where a limit is shorter', () => {
    const shorter = [
      limitOf('hour', 'user', { maxCallDuration: 3_600_000, dailyTime: 7_200_000 }),
      limitOf('two', 'node', { maxCallDuration: 6_000_000 }),
    ];
    const decided = engineOf([], shorter).decide({ caller: alice, callee: pbx, call });
    expect(decided).toMatchObject({ limits: { maxDuration: 3_600_000 } });
    expect(decided.trace).toContainEqual({ rule: 'longest-call', answer: '3600 s' });
    expect(decided.kind === 'allow' && decided.claims.find(({ kind }) => kind === 'budget')).toMatchObject({
      wanted: 3_600_000,
    });
    const longer = engineOf([], [limitOf('day', 'user', { maxCallDuration: 86_400_000 })]);
    const usual = longer.decide({ caller: alice, callee: pbx, call });
    expect(usual).toMatchObject({ limits: { maxDuration: 7_200_000 } });
    expect(usual.trace.map(({ rule }) => rule)).not.toContain('longest-call');
  });

  test('is explained for slots, rates and minutes', () => {
    const kinds = limitOf('all', 'node', { callsPerMinute: 4, dailyTime: 600_000 });
    const { trace } = engineOf([], [kinds]).decide({ caller: pbx, callee: pbx, call });
    expect(trace.slice(-3)).toEqual([
      { rule: 'concurrent-calls', answer: 'at most 3 of limit:all:node' },
      { rule: 'calls-per-minute', answer: 'at most 4 of limit:all:node:rate' },
      { rule: 'minutes', answer: 'at most 10 of limit:all:node:2026-01-05' },
    ]);
  });

  test('by an attempt at a trunk lasts as long as that trunk allows', () => {
    const minutes = limitOf('minutes', 'trunk', { dailyTime: 7_200_000 });
    const wantedOf = (trunk: PartyFacts): unknown =>
      engineOf([], [minutes])
        .attemptClaims(trunk, { caller: alice, call })
        .flatMap((claim) => (claim.kind === 'budget' ? [claim.wanted] : []));
    expect(wantedOf({ ...carrier, limits: { ...own, maxCallDuration: 60_000 } })).toEqual([60_000]);
    expect(wantedOf({ ...carrier, limits: undefined })).toEqual([7_200_000]);
  });
});

describe('a call that another node has admitted', () => {
  const strict = engineOf([{ name: 'nothing' }], [limitOf('all', 'node')]);

  test('takes one place of this node, and is held to nothing else again', () => {
    const lost = { ...call, isStoreLost: true, restrictions: held('user:alice@pbx.test') };
    const verdict = strict.relayed({ caller: alice, callee: bob, call: lost });
    expect(keysOf(verdict)).toEqual(['total 100']);
    expect(verdict.trace).toEqual([
      { rule: 'identity', answer: 'allow: user alice@pbx.test' },
      { rule: 'concurrent-calls', answer: 'at most 100 of total' },
    ]);
  });

  test('lasts as long as its caller may call, whatever the limits of who is called', () => {
    const short = { ...bob, limits: { ...own, maxCallDuration: 1_000 } };
    expect(strict.relayed({ caller: alice, callee: short, call })).toMatchObject({
      limits: { maxDuration: 7_200_000 },
    });
    expect(strict.relayed({ caller: short, callee: alice, call })).toMatchObject({ limits: { maxDuration: 1_000 } });
  });

  test('is refused where this node has no ports left but those for emergency calls, which may have them', () => {
    const verdictWith = (freePorts: number, number = abroad): Verdict =>
      strict.relayed({ caller: alice, callee: bob, call: { ...call, freePorts, number } });
    expect([19, 20].map((ports) => codeOf(verdictWith(ports)))).toEqual(['media-not-available', 'allowed']);
    expect(verdictWith(19).trace.at(-1)).toMatchObject({ rule: 'head-room', input: '19 ports' });
    expect(keysOf(verdictWith(0, emergency))).toEqual(['total 105']);
  });
});
