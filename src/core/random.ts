// Randomness comes from outside, so that a test can replay it. Keys, tags, branches and nonces all draw from here.
import { randomBytes, randomInt } from 'node:crypto';

export interface Random {
  /** `sizeBytes` unpredictable bytes. */
  bytes(sizeBytes: number): Uint8Array;
  /** A whole number in [0, limit). `limit` is at most 2^47. */
  below(limit: number): number;
}

export const systemRandom: Random = {
  bytes: (sizeBytes) => randomBytes(sizeBytes),
  below: (limit) => randomInt(limit),
};

/** An unguessable identifier of `sizeBytes` random bytes as lower-case hexadecimal, safe in every SIP grammar position. */
export function token(random: Random, sizeBytes: number): string {
  return Buffer.from(random.bytes(sizeBytes)).toString('hex');
}
