// Durations, sizes and rates as people write them: `30s`, `2h`, `64MB`, `8Mbit`. A number without a unit is an error, not a guess.
import type { Millis } from '../core/clock.ts';

const durationUnits: ReadonlyMap<string, Millis> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['kB', 1_000],
  ['KB', 1_000],
  ['MB', 1_000_000],
  ['GB', 1_000_000_000],
]);

const bitRateUnits: ReadonlyMap<string, number> = new Map([
  ['kbit', 1_000],
  ['Mbit', 1_000_000],
  ['Gbit', 1_000_000_000],
]);

/** Longest duration that a configuration may name: 1000 days. */
export const longestDuration: Millis = 86_400_000_000;

/** Milliseconds, or undefined when the text is no duration above zero. */
export function parseDuration(text: string): Millis | undefined {
  const value = quantity(text, durationUnits);
  return value !== undefined && value <= longestDuration ? value : undefined;
}

/** Bytes, or undefined when the text is no size above zero. */
export function parseSize(text: string): number | undefined {
  const value = quantity(text, sizeUnits);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

/** The same, and `0B` for none at all. */
export function parseSizeOrNone(text: string): number | undefined {
  return text === '0B' ? 0 : parseSize(text);
}

/** Bits a second, or undefined when the text is no rate above zero. */
export function parseBitRate(text: string): number | undefined {
  const value = quantity(text, bitRateUnits);
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}

function quantity(text: string, units: ReadonlyMap<string, number>): number | undefined {
  let end = 0;
  while (end < text.length && isDigitOrDot(text.charCodeAt(end))) end += 1;
  const unit = units.get(text.slice(end).trim());
  const value = Number(text.slice(0, end));
  if (end === 0 || unit === undefined || !Number.isFinite(value)) return undefined;
  const whole = Math.round(value * unit);
  return whole > 0 ? whole : undefined;
}

function isDigitOrDot(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e;
}
