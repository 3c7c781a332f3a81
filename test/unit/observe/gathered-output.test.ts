import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GatheredOutput, longestWait, mostWaiting } from '../../../src/observe/gathered-output.ts';

let written: string[];
let output: GatheredOutput;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  output = new GatheredOutput((lines) => void written.push(lines));
});

afterEach(() => {
  vi.useRealTimers();
});

describe('lines on their way out', () => {
  test('are written together, no later than the longest wait of the first', () => {
    output.write('1\n');
    vi.advanceTimersByTime(longestWait - 1);
    output.write('2\n');
    expect(written).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(written).toEqual(['1\n2\n']);
    vi.advanceTimersByTime(10 * longestWait);
    expect(written).toHaveLength(1);
  });

  test('are written at once when there are many', () => {
    const line = `${'x'.repeat(mostWaiting / 2)}\n`;
    output.write(line);
    output.write(line);
    expect(written).toEqual([line + line]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('are written when somebody says so, and once', () => {
    output.write('last\n');
    output.flush();
    output.flush();
    expect(written).toEqual(['last\n']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
