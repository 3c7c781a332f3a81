// Medians and spreads of a few runs.

export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

export function summarise(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: middle(sorted), low: sorted[0] ?? 0, high: sorted.at(-1) ?? 0, runs: sorted.length };
}

/** Of an even number of values the mean of the two in the middle. */
function middle(sorted: readonly number[]): number {
  const [below = 0, above = below] = [(sorted.length - 1) / 2, sorted.length / 2].map((at) => sorted[Math.floor(at)]);
  return (below + above) / 2;
}

/** `sorted` ascending. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** `4.1 (3.9–4.4)`. */
export function formatSummary({ median, low, high }: Summary, digits = 2): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
