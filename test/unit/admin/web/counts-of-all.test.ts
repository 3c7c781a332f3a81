import { describe, expect, test } from 'vitest';
import type { OverviewAnswer } from '../../../../src/admin/admin-client-answers.ts';
import { usualCallQuery } from '../../../../src/admin/overview.ts';
import { mergedOverview } from '../../../../src/admin/processes-client-merge.ts';
import { CountsOfAll } from '../../../../src/admin/web/counts-of-all.ts';
import { err, ok } from '../../../../src/core/result.ts';
import { at, overviewOf } from '../../cli/top/top-fixture.ts';

const absent = { kind: 'no-answer', code: 'no-answer', message: 'hangs', errors: [] } as const;

/** Two processes, of which each has received so many packets; undefined: it does not answer. */
function look(time: number, one: number, other: number | undefined, otherSince = 1): OverviewAnswer {
  const of = (node: string, packets: number, startedAt: number): OverviewAnswer => {
    const media = { ...overviewOf().media, received: { packets, bytes: 0 } };
    return overviewOf({ at: at + time, node, startedAt, media });
  };
  const second = other === undefined ? err(absent) : ok(of('edge-2', other, otherSince));
  const whole = mergedOverview([ok(of('edge-1', one, 1)), second], usualCallQuery);
  if (!whole.ok) throw new Error(whole.error.message);
  return whole.value;
}

describe('what several processes count', () => {
  test('grows by what each did since the last look, and has what is true now of all', () => {
    const counts = new CountsOfAll();
    expect(counts.take(look(0, 1_000, 5_000))).toMatchObject({ packets: 0, calls: 6, registrations: 28, lag: 1.2 });
    expect(counts.take(look(10_000, 1_100, 5_020)).packets).toBe(120);
    expect(counts.take(look(20_000, 1_200, 5_020)).packets).toBe(220);
  });

  test('takes no restart and no absence for a burst, and never falls', () => {
    const counts = new CountsOfAll();
    counts.take(look(0, 1_000, 5_000));
    expect(counts.take(look(10_000, 1_100, undefined)).packets).toBe(100);
    expect(counts.take(look(20_000, 1_200, 9_000)).packets).toBe(200);
    expect(counts.take(look(30_000, 1_300, 40, 2)).packets).toBe(300);
    expect(counts.take(look(40_000, 1_400, 90, 2)).packets).toBe(450);
  });
});
