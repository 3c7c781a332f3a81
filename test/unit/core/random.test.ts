import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PooledRandom, poolBytes, systemRandom, token } from '../../../src/core/random.ts';

/** Fills with 32-bit numbers that count up, so that every four bytes tell which draw they came from. */
class CountingFill {
  fills = 0;
  pool: Uint8Array | undefined;
  #next = 1;

  readonly fill = (bytes: Uint8Array): void => {
    this.fills += 1;
    if (bytes.length === poolBytes) this.pool = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      view.setUint32(at, this.#next);
      this.#next += 1;
    }
  };
}

function wordsOf(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index));
}

describe('the pool of random bytes', () => {
  test('hands out no byte twice, whatever is asked for', () => {
    const sizes = fc.array(
      fc.integer({ min: 0, max: 300 }).map((words) => 4 * words),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(sizes, (asked) => {
        const random = new PooledRandom(new CountingFill().fill);
        const words = asked.flatMap((size) => wordsOf(random.bytes(size)));
        expect(words).not.toContain(0);
        expect(new Set(words).size).toBe(words.length);
      }),
    );
  });

  test('gives as many bytes as were asked for', () => {
    const random = new PooledRandom(new CountingFill().fill);
    for (const size of [0, 1, 16, poolBytes / 8, poolBytes / 8 + 1, poolBytes, 3 * poolBytes]) {
      expect(random.bytes(size)).toHaveLength(size);
    }
  });

  test('draws from the system once for many small requests', () => {
    const counting = new CountingFill();
    const random = new PooledRandom(counting.fill);
    for (let count = 0; count < poolBytes / 8; count += 1) random.bytes(8);
    expect(counting.fills).toBe(1);
    random.bytes(8);
    expect(counting.fills).toBe(2);
  });

  test('wipes what it handed out, and what it made a number of', () => {
    const counting = new CountingFill();
    const random = new PooledRandom(counting.fill);
    random.bytes(32);
    random.below(1000);
    expect(counting.pool?.subarray(0, 38).every((byte) => byte === 0)).toBe(true);
    expect(wordsOf(counting.pool?.slice(40) ?? new Uint8Array(0))).not.toContain(0);
  });

  test('what was handed out is memory of its own: changing it changes nothing that comes later', () => {
    const random = new PooledRandom(new CountingFill().fill);
    random.bytes(16).fill(0xff);
    expect(wordsOf(random.bytes(16))).toEqual([5, 6, 7, 8]);
  });

  test('when the system gives none, nobody gets what was left over from before', () => {
    let isBroken = false;
    const counting = new CountingFill();
    const random = new PooledRandom((pool) => {
      if (isBroken) throw new Error('no entropy');
      counting.fill(pool);
    });
    for (let drawn = 0; drawn < poolBytes - 8; drawn += 8) random.bytes(8);
    isBroken = true;
    expect(() => random.bytes(16)).toThrow('no entropy');
    expect(() => random.bytes(16)).toThrow('no entropy');
    isBroken = false;
    expect(wordsOf(random.bytes(16))).toEqual([1025, 1026, 1027, 1028]);
  });
});

describe('numbers below a limit', () => {
  test('are drawn again where a remainder would favour the small ones', () => {
    // 2^48 = 3n + 1, so of all 48-bit numbers the last one is one too many.
    const draws = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    const random = new PooledRandom((pool) => pool.set(draws));
    expect(random.below(3)).toBe((2 ** 48 - 2) % 3);
  });

  test('take the whole range, and nothing beyond it', () => {
    const random = new PooledRandom((pool) => pool.fill(0xff));
    expect(random.below(2 ** 47)).toBe(2 ** 47 - 1);
    expect(random.below(1)).toBe(0);
    const seen = new Set(Array.from({ length: 1_000 }, () => systemRandom.below(7)));
    expect([...seen].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 47 + 1])('no number is below %s', (limit) => {
    expect(() => systemRandom.below(limit)).toThrow(RangeError);
  });
});

test('a token is hexadecimal, two characters a byte, and not the same twice', () => {
  expect(token(systemRandom, 8)).toMatch(/^[0-9a-f]{16}$/);
  expect(token(systemRandom, 8)).not.toBe(token(systemRandom, 8));
  expect(token({ bytes: () => Uint8Array.of(0, 1, 0xfe, 0xff), below: () => 0 }, 4)).toBe('0001feff');
});
