// How commands print data: for people, or as JSON for programs.
import type { Millis } from '../core/clock.ts';
import type { CommandContext } from './command.ts';

export const jsonOption = { type: 'boolean', about: 'print JSON' } as const;

export function printJson(document: unknown, { terminal }: CommandContext): void {
  terminal.out(`${JSON.stringify(document, null, 2)}\n`);
}

/** As the configuration takes it: the largest unit that leaves a whole number, `90s`, `2h`. */
export function formatDuration(duration: Millis): string {
  for (const [unit, size] of units) {
    if (duration >= size && duration % size === 0) return `${duration / size}${unit}`;
  }
  return `${duration}ms`;
}

/** A length of time that is read, not typed again: `1:02:09`, `0:07`. */
export function formatElapsed(elapsed: Millis): string {
  const seconds = Math.max(0, Math.floor(elapsed / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const units: readonly (readonly [string, Millis])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];
