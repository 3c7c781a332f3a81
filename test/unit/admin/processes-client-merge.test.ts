import { describe, expect, test } from 'vitest';
import type { OverviewAnswer } from '../../../src/admin/admin-client-answers.ts';
import { usualCallQuery } from '../../../src/admin/overview.ts';
import { countedParts, isLaterLook, mergedOverview } from '../../../src/admin/processes-client-merge.ts';
import { err, ok } from '../../../src/core/result.ts';
import { overviewOf } from '../cli/top/top-fixture.ts';

const absent = { kind: 'not-running', code: 'not-running', message: 'nobody answers', errors: [] } as const;

function merged(...given: readonly (Partial<OverviewAnswer> | undefined)[]): OverviewAnswer {
  const answers = given.map((more) => (more === undefined ? err(absent) : ok(overviewOf(more))));
  const whole = mergedOverview(answers, usualCallQuery);
  if (!whole.ok) throw new Error(whole.error.message);
  return whole.value;
}

describe('what several processes say at a glance', () => {
  test('is added up where each has its own, and not where all know the same', () => {
    const whole = merged(
      { node: 'edge-1', bans: 2, holds: 1, registrations: 3, refusals: { fraud: 1, 'user-cap': 2 } },
      { node: 'edge-2', bans: 3, holds: 1, registrations: 4, refusals: { fraud: 4 } },
    );
    expect(whole).toMatchObject({
      node: 'edge',
      state: 'ready',
      calls: { active: 6, answered: 2_408, unanswered: 122, refused: 66 },
      refusals: { fraud: 5, 'user-cap': 2 },
      media: { received: { packets: 2_000_000 }, sent: { packets: 1_998_000 }, dropped: { foreign: 34 } },
      process: { ran: 120_000, residentBytes: 296_000_000, lag: 1.2 },
      registrations: 7,
      bans: 3,
      holds: 1,
      matching: 6,
    });
    expect(whole.workers).toHaveLength(4);
  });

  test('has each trunk once, up where it is for all that ping it, as alerts have it, with the calls of all', () => {
    const { trunks } = merged(
      { trunks: [{ name: 'carrier', up: false, registered: true, calls: 2 }] },
      { trunks: [{ name: 'carrier', up: true, registered: false, calls: 3 }] },
    );
    expect(trunks).toEqual([{ name: 'carrier', up: false, registered: true, calls: 5 }]);
    const upOf = (...said: readonly (boolean | undefined)[]) =>
      merged(...said.map((up) => ({ trunks: [{ name: 'carrier', up, calls: 0 }] }))).trunks[0]?.up;
    expect([upOf(true, true), upOf(true, false), upOf(true, undefined), upOf(undefined, false)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(upOf(undefined, undefined)).toBeUndefined();
  });

  test('weighs how calls sound by how many were heard', () => {
    const { quality } = merged(
      { quality: { calls: 3, mos: 4, worst: 3.5, loss: 0 } },
      { quality: { calls: 1, mos: 2, worst: 1.5, loss: 0.4 } },
      { quality: undefined },
    );
    expect(quality).toEqual({ calls: 4, mos: 3.5, worst: 1.5, loss: 0.1 });
    expect(merged({ quality: undefined }, { quality: undefined }).quality).toBeUndefined();
  });

  test('says which process does not answer, and is what the others say', () => {
    const whole = merged({ node: 'edge-1' }, undefined, { node: 'edge-3', version: '9.9.0', state: 'draining' });
    expect(whole).toMatchObject({ node: 'edge', state: 'draining', version: '9.8.7, 9.9.0', calls: { active: 6 } });
    expect(whole.processes?.map((part) => (part.answers ? part.node : part.why))).toEqual([
      'edge-1',
      'nobody answers',
      'edge-3',
    ]);
    expect(countedParts(whole).map(({ node }) => node)).toEqual(['edge-1', 'edge-3']);
  });

  test('is a failure where none answers', () => {
    expect(mergedOverview([err(absent), err(absent)], usualCallQuery)).toEqual(err(absent));
  });

  test('is compared with the same run of the same process alone', () => {
    const part = overviewOf();
    expect(isLaterLook({ ...part, at: part.at - 1_000 }, part)).toBe(true);
    expect(isLaterLook(part, part)).toBe(false);
    expect(isLaterLook({ ...part, at: part.at - 1_000, startedAt: 1 }, part)).toBe(false);
    expect(isLaterLook({ ...part, at: part.at - 1_000, node: 'edge2' }, part)).toBe(false);
  });
});
