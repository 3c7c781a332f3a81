import { describe, expect, test } from 'vitest';
import { ratioChart } from '../../../bench/lib/ratio-chart.ts';
import { type SideBySide, sideBySideTable, verdictOf } from '../../../bench/lib/side-by-side.ts';

const summary = (median: number) => ({ median, low: median * 0.9, high: median * 1.1, runs: 3 });
const row = (ratio: number, better: 'less' | 'more', limit?: number): SideBySide => ({
  what: `a < ${ratio}`,
  unit: 'ms',
  ours: summary(ratio),
  reference: summary(1),
  ratio: summary(ratio),
  better,
  ...(limit === undefined ? {} : { aim: { better, limit } }),
});

describe('figures side by side', () => {
  test('meet an aim or miss it, whichever way is better', () => {
    expect(verdictOf(row(0.5, 'less', 0.6))).toBe('met');
    expect(verdictOf(row(0.7, 'less', 0.6))).toBe('missed');
    expect(verdictOf(row(1.7, 'more', 1.6))).toBe('met');
    expect(verdictOf(row(1.5, 'more', 1.6))).toBe('missed');
    expect(verdictOf(row(9, 'less'))).toBe('');
  });

  test('say in the table what was missed', () => {
    const lines = sideBySideTable([row(0.7, 'less', 0.6), row(2, 'more')]).split('\n');
    expect(lines[2]).toBe('| a < 0.7 | 0.7 ms | 1 ms | **0.70 (0.63–0.77)** | ≤ 0.6 | **missed** |');
    expect(lines[3]).toBe('| a < 2 | 2 ms | 1 ms | **2.00 (1.80–2.20)** |  |  |');
  });

  test('are drawn from 1, to the left where they are less, with what is missed in words', () => {
    const svg = ratioChart('t & u', [row(0.5, 'less', 0.6), row(2, 'less', 0.6), row(0.5, 'more', 2)]);
    const bars = [...svg.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(
      ([, kind, x, width]) => [kind, Number(x), Number(x) + Number(width)] as const,
    );
    const [, , one = 0] = bars[0] ?? [];
    expect(bars.map(([kind]) => kind)).toEqual(['good', 'bad', 'bad']);
    expect(bars[1]?.[1]).toBeCloseTo(one, 0);
    // Twice is as far as half.
    expect((bars[1]?.[2] ?? 0) - one).toBeCloseTo(one - (bars[0]?.[1] ?? 0), 0);
    expect(svg).toContain('0.50; aim ≤ 0.6, met');
    expect(svg).toContain('2.00; aim ≤ 0.6, missed');
    expect(svg).toContain('t &amp; u');
    expect(svg).toContain('prefers-color-scheme:dark');
  });

  test('are a picture where there are none, or nothing but zeros', () => {
    for (const rows of [[], [row(0, 'less', 0.6)]]) {
      const svg = ratioChart('t', rows);
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    }
  });
});
