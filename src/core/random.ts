// Randomness comes from outside, so that a test can replay it. Keys, tags, branches and nonces all draw from here.
import { randomFillSync } from 'node:crypto';

export interface Random {
  /** `sizeBytes` unpredictable bytes. */
  bytes(sizeBytes: number): Uint8Array;
  /** A whole number in [0, limit), each as likely as the others. `limit` is 1 to 2^47; throws RangeError for any other. */
  below(limit: number): number;
}

/** Bytes that are drawn from the operating system at once; asking for each tag by itself cost 8 % of a call's CPU time. */
export const poolBytes = 4_096;

/** Draws in bulk and hands every byte out once; what was handed out is wiped, so that no later reader of the pool finds it. */
export class PooledRandom implements Random {
  readonly #fill: (pool: Uint8Array) => void;
  /** Memory of its own, never a part of Node's shared buffer pool. */
  readonly #pool = new Uint8Array(poolBytes);
  #next = poolBytes;

  constructor(fill: (pool: Uint8Array) => void) {
    this.#fill = fill;
  }

  bytes(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    if (sizeBytes > poolBytes / 8) {
      this.#fill(bytes);
      return bytes;
    }
    const start = this.#take(sizeBytes);
    const end = start + sizeBytes;
    bytes.set(this.#pool.subarray(start, end));
    this.#pool.fill(0, start, end);
    return bytes;
  }

  below(limit: number): number {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > 2 ** 47) {
      throw new RangeError(`expected a whole number from 1 to 2^47, got ${limit}`);
    }
    const fair = draws - (draws % limit);
    for (;;) {
      const drawn = this.#draw();
      if (drawn < fair) return drawn % limit;
    }
  }

  /** 48 bits as a number. */
  #draw(): number {
    const start = this.#take(drawBytes);
    let drawn = 0;
    for (let index = start; index < start + drawBytes; index += 1) drawn = drawn * 256 + (this.#pool[index] ?? 0);
    this.#pool.fill(0, start, start + drawBytes);
    return drawn;
  }

  /** Where the next bytes begin. When the pool cannot be filled it stays empty, and the failure is the caller's. */
  #take(sizeBytes: number): number {
    if (this.#next + sizeBytes > poolBytes) {
      this.#next = poolBytes;
      this.#fill(this.#pool);
      this.#next = 0;
    }
    const start = this.#next;
    this.#next += sizeBytes;
    return start;
  }
}

export const systemRandom: Random = new PooledRandom(randomFillSync);

/** An unguessable identifier of `sizeBytes` random bytes as lower-case hexadecimal, safe in every SIP grammar position. */
export function token(random: Random, sizeBytes: number): string {
  const bytes = random.bytes(sizeBytes);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

const drawBytes = 6;
const draws = 2 ** (8 * drawBytes);
