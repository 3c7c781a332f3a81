import { describe, expect, test } from 'vitest';
import {
  type CallFacts,
  claimsOf,
  type PartyFacts,
  type PartyLimits,
  PolicyEngine,
} from '../../../src/policy/policy-engine.ts';

const node = {
  concurrentCalls: 2_000,
  maxCallDuration: 7_200_000,
  ringTimeout: 180_000,
  earlyMediaTimeout: 60_000,
  emergencyCalls: 5,
  emergencyPorts: 20,
};
const engine = new PolicyEngine(node, { rules: [], limits: [] });
const call: CallFacts = {
  number: { kind: 'number', canonical: '600', country: undefined, classes: ['internal'] },
  callerId: 'alice',
  charge: undefined,
  at: Date.UTC(2026, 0, 5, 10),
  localTime: () => ({ year: 2026, month: 1, day: 5, weekday: 1, minute: 600 }),
  restrictions: () => [],
  freePorts: 1_000,
};
const usual: PartyLimits = { ...node, concurrentCalls: 2, direction: 'both' };

function party(kind: PartyFacts['kind'], name: string, limits: Partial<PartyLimits> = {}): PartyFacts {
  return { kind, name, limits: { ...usual, ...limits } };
}

const alice = party('user', 'alice@pbx.test');
const bob = party('user', 'bob@pbx.test', { concurrentCalls: 4 });
const carrier = party('trunk', 'carrier', { concurrentCalls: 30 });
const pbx: PartyFacts = { kind: 'pbx', name: 'main', limits: undefined };
const nobody: PartyFacts = { kind: 'anonymous', name: 'anonymous', limits: undefined };

function allowed(caller: PartyFacts, callee: PartyFacts) {
  const verdict = engine.decide({ caller, callee, call });
  if (verdict.kind === 'refuse') throw new Error(`refused: ${verdict.refusal.code}`);
  return verdict;
}

function claimed(caller: PartyFacts, callee: PartyFacts): readonly string[] {
  return allowed(caller, callee).claims.map(({ key, cap }) => `${key} ${cap}`);
}

describe('who proved no identity', () => {
  test('is refused with 403, and the record says why', () => {
    const verdict = engine.decide({ caller: nobody, callee: pbx, call });
    expect(verdict).toMatchObject({ kind: 'refuse', refusal: { code: 'caller-not-allowed', status: 403 } });
    expect(verdict.trace).toEqual([{ rule: 'identity', answer: 'refuse: nobody proved who calls' }]);
  });
});

describe('slots that a call takes', () => {
  test.each([
    ['a user calls the PBX', alice, pbx, ['user:alice@pbx.test 2', 'total 2000']],
    ['the PBX calls a user', pbx, alice, ['user:alice@pbx.test 2', 'total 2000']],
    ['a user calls another', alice, bob, ['user:alice@pbx.test 2', 'user:bob@pbx.test 4', 'total 2000']],
    ['a trunk calls the PBX', carrier, pbx, ['trunk:carrier 30', 'total 2000']],
    ['a trunk calls a user', carrier, bob, ['trunk:carrier 30', 'user:bob@pbx.test 4', 'total 2000']],
    ['a trunk that is called is claimed by each attempt', alice, carrier, ['user:alice@pbx.test 2', 'total 2000']],
    ['a PBX has no cap of its own', pbx, pbx, ['total 2000']],
  ])('%s', (_what, caller, callee, expected) => {
    expect(claimed(caller, callee)).toEqual(expected);
  });

  test('are explained in the record, one line for each', () => {
    expect(allowed(alice, bob).trace).toEqual([
      { rule: 'identity', answer: 'allow: user alice@pbx.test' },
      { rule: 'concurrent-calls', answer: 'at most 2 of user:alice@pbx.test' },
      { rule: 'concurrent-calls', answer: 'at most 4 of user:bob@pbx.test' },
      { rule: 'concurrent-calls', answer: 'at most 2000 of total' },
    ]);
  });
});

describe('the direction that counts', () => {
  test.each([
    ['user', 'caller', 'out'],
    ['user', 'callee', 'in'],
    // A call that comes in over a trunk has the trunk for caller.
    ['trunk', 'caller', 'in'],
    ['trunk', 'callee', 'out'],
  ] as const)('of a %s as %s is "%s"', (kind, role, direction) => {
    const other = direction === 'in' ? 'out' : 'in';
    expect(claimsOf(party(kind, 'x', { direction }), role)).toHaveLength(1);
    expect(claimsOf(party(kind, 'x', { direction: other }), role)).toHaveLength(0);
    expect(claimsOf(party(kind, 'x', { direction: 'both' }), role)).toHaveLength(1);
  });

  test('is that of each end by itself', () => {
    const dialsOnly = party('user', 'carol@pbx.test', { direction: 'out' });
    expect(claimed(alice, dialsOnly)).toEqual(['user:alice@pbx.test 2', 'total 2000']);
    expect(claimed(dialsOnly, alice)).toEqual(['user:carol@pbx.test 2', 'user:alice@pbx.test 2', 'total 2000']);
  });
});

describe('what is answered when slots are taken', () => {
  test('by a user 486, by a trunk 480, by the node 503 with Retry-After, each with its reason (RFC 3326)', () => {
    const refusals = [...allowed(alice, pbx).claims, ...claimsOf(carrier, 'callee')].map(({ refusal }) => refusal);
    expect(refusals.map(({ code, status, retryAfterSeconds }) => [code, status, retryAfterSeconds])).toEqual([
      ['user-cap', 486, undefined],
      ['total-cap', 503, 10],
      ['trunk-cap', 480, undefined],
    ]);
    for (const { text } of refusals) expect(text).toMatch(/^[A-Z][a-z ]+$/);
  });

  test('tells nobody names or numbers on the wire; the log has them', () => {
    const [claim] = claimsOf(alice, 'caller');
    expect(claim?.refusal.text).not.toMatch(/alice|\d/);
    expect(claim?.refusal.detail).toBe('alice@pbx.test holds its 2 concurrent calls');
  });
});

describe('limits of the call', () => {
  const strict = { maxCallDuration: 60_000, ringTimeout: 20_000, earlyMediaTimeout: 5_000 };

  test.each([
    ['the caller is stricter', party('user', 'a', strict), bob],
    ['the callee is stricter', bob, party('user', 'a', strict)],
    ['the trunk is stricter', alice, party('trunk', 't', strict)],
    ['only the caller has any', party('user', 'a', strict), pbx],
    ['only the callee has any', pbx, party('user', 'a', strict)],
    [
      'each is stricter in something',
      party('user', 'a', { ...strict, ringTimeout: 180_000 }),
      party('user', 'b', { ringTimeout: 20_000 }),
    ],
  ])('are the stricter ones of both ends: %s', (_what, caller, callee) => {
    expect(allowed(caller, callee).limits).toEqual({
      maxDuration: 60_000,
      ringTimeout: 20_000,
      earlyMediaTimeout: 5_000,
    });
  });

  test('are those of the node where neither end has any', () => {
    expect(allowed(pbx, pbx).limits).toEqual({
      maxDuration: 7_200_000,
      ringTimeout: 180_000,
      earlyMediaTimeout: 60_000,
    });
  });

  test('of an end hold even where they are longer than those of the node, which are defaults', () => {
    const long = { maxCallDuration: 86_400_000 };
    expect(allowed(party('user', 'a', long), pbx).limits.maxDuration).toBe(86_400_000);
    expect(allowed(party('user', 'a', long), bob).limits.maxDuration).toBe(7_200_000);
  });
});
