// What a caller hears of a failed attempt, and which of several failures (RFC 3261 §16.7).
import { describe, expect, test } from 'vitest';
import {
  betterFailure,
  type Failure,
  failureOf,
  isGlobal,
  mayFailOver,
  reachedOrNot,
  refusedLocally,
  relayedStatus,
} from '../../../../src/b2bua/call/failure.ts';
import type { CallFailure } from '../../../../src/sip/user-agent/session.ts';
import { trunkClaim } from './call-kit.ts';

const full = refusedLocally(trunkClaim.refusal);

function failed(status: number, cause: CallFailure['cause'] = 'response'): Failure {
  return { status, cause };
}

describe('the caller', () => {
  test.each([
    [486, 486],
    [404, 404],
    [410, 410],
    [488, 488],
    [603, 603],
    [500, 500],
    [302, 480],
    [487, 480],
    [430, 480],
    [401, 500],
    [407, 500],
    [420, 500],
    [481, 500],
    [491, 500],
    [503, 500],
    [199, 500],
    [799, 500],
  ])('of a target that answered %i hears %i', (status, relayed) => {
    expect(relayedStatus(failed(status))).toBe(relayed);
  });

  test('of a next hop that was silent hears 504, of one that cannot be reached 500', () => {
    expect(relayedStatus(failed(408, 'timeout'))).toBe(504);
    expect(relayedStatus(failed(503, 'transport'))).toBe(500);
  });

  test('of a phone that was silent or cannot be reached hears 480', () => {
    for (const cause of ['timeout', 'transport'] as const) {
      const failure = reachedOrNot(failed(408, cause), { kind: 'user', name: 'bob@pbx.test' });
      expect(relayedStatus(failure)).toBe(480);
    }
    const answered = failed(486);
    expect(reachedOrNot(answered, { kind: 'user', name: 'bob@pbx.test' })).toBe(answered);
    const trunk = failed(408, 'timeout');
    expect(reachedOrNot(trunk, { kind: 'trunk', name: 'carrier' })).toBe(trunk);
  });

  test('of what we refused ourselves hears our status', () => {
    expect(relayedStatus(full)).toBe(480);
  });
});

describe('the next target', () => {
  test('is tried where this one is full, silent, not reached or out of order', () => {
    for (const failure of [
      full,
      failed(408, 'timeout'),
      failed(503, 'transport'),
      failed(503),
      failed(500),
      failed(430),
    ]) {
      expect(mayFailOver(failure)).toBe(true);
    }
  });

  test('is not tried where this one answered for the callee', () => {
    for (const status of [486, 404, 403, 480, 488, 603]) expect(mayFailOver(failed(status))).toBe(false);
  });

  test('nor any other where the callee is nowhere willing (6xx)', () => {
    expect(isGlobal(failed(600))).toBe(true);
    expect(isGlobal(failed(503))).toBe(false);
    expect(isGlobal(failed(603, 'cancelled'))).toBe(false);
  });
});

test('of several failures the caller hears the one that says most of the callee', () => {
  const order = [failed(603), failed(486), failed(404), failed(500), failed(503), failed(408, 'timeout')];
  for (const [index, better] of order.entries()) {
    for (const worse of order.slice(index + 1)) {
      expect(betterFailure(better, worse)).toBe(better);
      expect(betterFailure(worse, better)).toBe(better);
    }
  }
  expect(betterFailure(full, failed(404)).status).toBe(404);
  expect(betterFailure(undefined, full)).toBe(full);
  const first = failureOf(404);
  expect(betterFailure(first, failed(410))).toBe(first);
});
