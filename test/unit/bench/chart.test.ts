import { describe, expect, it } from 'vitest';
import { type Bar, chartSvg } from '../../../bench/lib/chart.ts';

const bar: Bar = { label: 'one', value: 5, low: 4, high: 10, colour: '#123456' };

function widths(svg: string): readonly number[] {
  return [...svg.matchAll(/<rect x="200" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
}

describe('a bar chart', () => {
  it('draws bars from zero, on one scale for all groups, the longest span within the picture', () => {
    const groups = [
      { title: 'a', bars: [bar] },
      { title: 'b', bars: [{ ...bar, value: 2.5, low: 1, high: 3 }] },
    ];
    const svg = chartSvg({ title: 't', unit: 'µs', groups });
    expect(widths(svg)).toEqual([220, 110]);
    expect(svg).toContain('x2="640"');
  });

  it('says the value and its unit beside each bar', () => {
    expect(chartSvg({ title: 't', unit: 'µs', groups: [{ title: 'a', bars: [bar] }] })).toContain('>5.00 µs</text>');
  });

  it('escapes what would be markup', () => {
    const groups = [{ title: 'a < b & "c"', bars: [{ ...bar, colour: '"/><script>' }] }];
    const svg = chartSvg({ title: '<t>', unit: '', groups });
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg).toContain('&lt;t&gt;');
    expect(svg).not.toContain('<script>');
  });

  it('is a picture without groups, and with nothing but zeros', () => {
    const zero = { ...bar, value: 0, low: 0, high: 0 };
    for (const groups of [[], [{ title: 'a', bars: [zero] }]]) {
      const svg = chartSvg({ title: 't', unit: '', groups });
      expect(svg).not.toMatch(/NaN|Infinity/);
      expect(svg).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    }
  });
});
