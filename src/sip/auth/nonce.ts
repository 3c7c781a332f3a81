// Nonces that need no memory: issue time, random bytes and a keyed hash over both, the listener and the realm (RFC 7616 §3.3).
// Time is the wall clock as it was at start, moved on by the monotonic clock: a wall-clock jump expires nothing, and the secret
// outlives a restart, so that an older nonce is still known as ours. It is then stale, unless what was used with it is known.
// Not bound to the peer's address: a phone behind a NAT changes its own, and the nonce count already stops a second use.
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Clock, EpochMillis, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { deriveKey, keyedHash } from './keyed-hash.ts';

/** A nonce is good only where it was given out. */
export interface NonceScope {
  readonly listener: string;
  readonly realm: string;
}

/** `fresh` may be used; `stale` is ours but too old; `foreign` was never issued here for that listener and realm. */
export type NonceState = 'fresh' | 'stale' | 'foreign';

export interface NonceReading {
  readonly state: NonceState;
  readonly issuedAt: EpochMillis;
}

export const defaultNonceLifetime: Millis = 300_000;

const timeBytes = 6;
const randomSize = 8;
const macBytes = 16;
const totalBytes = timeBytes + randomSize + macBytes;
/** 30 bytes are exactly 40 characters of base64url: there is one way only to write a nonce. */
const textLength = (totalBytes * 4) / 3;

export class NonceIssuer {
  readonly lifetime: Millis;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #offset: Millis;
  readonly #knownSince: EpochMillis;

  constructor(options: {
    readonly secret: Uint8Array;
    readonly clock: Clock;
    readonly random: Random;
    readonly lifetime?: Millis | undefined;
    /** What was used of nonces that were given out since is known. Absent: of those of this process. */
    readonly knownSince?: EpochMillis | undefined;
  }) {
    this.lifetime = options.lifetime ?? defaultNonceLifetime;
    this.#key = deriveKey(options.secret, 'nonce');
    this.#clock = options.clock;
    this.#random = options.random;
    this.#offset = options.clock.wall() - options.clock.now();
    this.#knownSince = Math.min(options.knownSince ?? this.now(), this.now());
  }

  /** Nonces that were given out before are stale. */
  get knownSince(): EpochMillis {
    return this.#knownSince;
  }

  /** The time that nonces are dated with: whole milliseconds that never jump while the process lives. */
  now(): EpochMillis {
    return Math.floor(this.#offset + this.#clock.now());
  }

  /** A new nonce: 40 characters of base64url, different each time. */
  issue(scope: NonceScope): string {
    const bytes = Buffer.alloc(totalBytes);
    bytes.writeUIntBE(this.now(), 0, timeBytes);
    bytes.set(this.#random.bytes(randomSize), timeBytes);
    bytes.set(this.#mac(bytes, scope), timeBytes + randomSize);
    return bytes.toString('base64url');
  }

  /** What a nonce from the network is. `issuedAt` is 0 for a foreign one. */
  read(nonce: string, scope: NonceScope): NonceReading {
    if (nonce.length !== textLength) return foreign;
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== totalBytes || bytes.toString('base64url') !== nonce) return foreign;
    if (!timingSafeEqual(bytes.subarray(timeBytes + randomSize), this.#mac(bytes, scope))) return foreign;
    const issuedAt = bytes.readUIntBE(0, timeBytes);
    const now = this.now();
    const isFresh = issuedAt >= this.#knownSince && issuedAt <= now && now - issuedAt <= this.lifetime;
    return { state: isFresh ? 'fresh' : 'stale', issuedAt };
  }

  #mac(bytes: Buffer, scope: NonceScope): Buffer {
    const head = bytes.toString('latin1', 0, timeBytes + randomSize);
    return keyedHash(this.#key, head, scope.listener, scope.realm).subarray(0, macBytes);
  }
}

const foreign: NonceReading = { state: 'foreign', issuedAt: 0 };
