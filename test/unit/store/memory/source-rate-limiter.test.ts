import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemorySourceRateLimiter, maxCountedSources } from '../../../../src/store/memory/source-rate-limiter.ts';

const clock = { now: () => performance.now(), wall: () => Date.now() };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

async function allowed(limiter: MemorySourceRateLimiter, source: string, times: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, () => limiter.allow(source)));
  return answers.filter(Boolean).length;
}

describe('the rate of one source', () => {
  test('is so many requests a second, and the same again in the next', async () => {
    const limiter = new MemorySourceRateLimiter(5, clock);
    expect(await allowed(limiter, '192.0.2.1', 9)).toBe(5);
    vi.advanceTimersByTime(999);
    expect(await allowed(limiter, '192.0.2.1', 1)).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await allowed(limiter, '192.0.2.1', 9)).toBe(5);
  });

  test('is its own: a flood of one leaves the others alone', async () => {
    const limiter = new MemorySourceRateLimiter(5, clock);
    await allowed(limiter, '192.0.2.1', 1_000);
    expect(await allowed(limiter, '192.0.2.2', 5)).toBe(5);
  });

  test('is that of the whole /64 of an IPv6 host, and of IPv4 however it is written', async () => {
    const limiter = new MemorySourceRateLimiter(2, clock);
    const sources = ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:3', '2001:db8:0:1::1'];
    expect(await Promise.all(sources.map((source) => limiter.allow(source)))).toEqual([true, true, false, true]);
    expect(await allowed(limiter, '192.0.2.1', 2)).toBe(2);
    expect(await limiter.allow('::ffff:192.0.2.1')).toBe(false);
  });

  test('answers within the turn, whatever the source is called', async () => {
    const limiter = new MemorySourceRateLimiter(1, clock);
    for (const source of ['__proto__', 'constructor', '', 'toString']) {
      expect(await allowed(limiter, source, 2)).toBe(1);
    }
    let answer: boolean | undefined;
    void limiter.allow('192.0.2.1').then((isAllowed) => {
      answer = isAllowed;
    });
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    expect(answer).toBe(true);
  });
});

describe('300,000 forged sources', () => {
  test('hold a bounded number of counters and timers; sources that were seen before them are served', async () => {
    const limiter = new MemorySourceRateLimiter(5, clock);
    expect(await allowed(limiter, '192.0.2.1', 1)).toBe(1);
    for (let source = 0; source < 300_000; source += 1) {
      void limiter.allow(`10.${source >> 16}.${(source >> 8) & 255}.${source & 255}`);
    }
    expect(vi.getTimerCount()).toBeLessThanOrEqual(maxCountedSources + 1);
    expect(await allowed(limiter, '192.0.2.1', 9)).toBe(4);
    // A new one shares what is left to all that came too late.
    expect(await allowed(limiter, '203.0.113.1', 9)).toBe(0);
  });

  test('are forgotten a second later, and nothing of them stays', async () => {
    const limiter = new MemorySourceRateLimiter(5, clock);
    for (let source = 0; source < 60_000; source += 1) void limiter.allow(`10.0.${source >> 8}.${source & 255}`);
    await Promise.resolve();
    vi.advanceTimersByTime(1_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(await allowed(limiter, '203.0.113.1', 9)).toBe(5);
  });
});
