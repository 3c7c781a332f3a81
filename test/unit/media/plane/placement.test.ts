import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastLoaded, parsePortRange, portShare } from '../../../../src/media/plane/placement.ts';
import { workerUrl } from '../../../../src/media/plane/worker-url.ts';

describe('port ranges', () => {
  test('are read', () => {
    expect(parsePortRange('20000-39999')).toEqual({ ok: true, value: { first: 20_000, last: 39_999 } });
    expect(parsePortRange(' 1024 - 1025 ')).toEqual({ ok: true, value: { first: 1024, last: 1025 } });
  });

  test.each([
    '',
    '20000',
    '20000-',
    '-5',
    '39999-20000',
    '20000-20000',
    '1000-2000',
    '60000-70000',
    '1-2-3',
    'a-b',
    '2e4-3e4',
  ])('refuses "%s"', (text) => {
    expect(parsePortRange(text)).toMatchObject({ ok: false });
  });

  test('are divided into whole pairs, all of them, none twice', () => {
    const ranges = fc.tuple(
      fc.integer({ min: 1024, max: 60_000 }),
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 16 }),
    );
    fc.assert(
      fc.property(ranges, ([first, size, workers]) => {
        const range = { first, last: first + size };
        const shares = Array.from({ length: workers }, (_, index) => portShare(range, workers, index));
        const evens = shares.flatMap((share) => {
          const ports: number[] = [];
          for (let port = share.first; port + 1 <= share.last; port += 2) ports.push(port);
          return ports;
        });
        expect(evens.every((port) => port % 2 === 0 && port >= first && port + 1 <= range.last)).toBe(true);
        expect(new Set(evens).size).toBe(evens.length);
        expect(evens.length).toBe((range.last - (first + (first & 1)) + 1) >> 1);
      }),
    );
  });
});

test('the least loaded is the earliest of equals, and nobody when there is nobody', () => {
  expect(leastLoaded(['aa', 'b', 'c'], (text) => text.length)).toBe('b');
  expect(leastLoaded([], () => 0)).toBeUndefined();
});

test('the worker is found from source and beside the bundle', () => {
  expect(workerUrl('file:///app/src/media/plane/worker-thread.ts').href).toBe(
    'file:///app/src/media/worker/worker-main.ts',
  );
  expect(workerUrl('file:///app/dist/main.js').href).toBe('file:///app/dist/worker-main.js');
});
