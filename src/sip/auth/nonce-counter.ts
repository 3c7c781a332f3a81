// Each count of a nonce is good once (RFC 7616 §3.4.6): a window of 64 for each nonce that proved a password, in bounded memory.
// Forgetting must not make a used count good again: when a window is dropped for want of room, every nonce as old as it
// that has no window is stale from then on, which costs its owner one more round trip.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import { ownText } from '../../core/own-text.ts';
import type { KeptNonces } from './kept-nonces.ts';

/** `replayed`: that count was used, or is too far behind; `forgotten`: treat the nonce as stale. */
export type CountUse = 'good' | 'replayed' | 'forgotten';

export const defaultNonceWindows = 65_536;

/** How far behind the highest count another may come, as it does when datagrams overtake one another. */
export const nonceWindowSize = 64;

const allSeen = (1n << BigInt(nonceWindowSize)) - 1n;

interface Window {
  readonly issuedAt: EpochMillis;
  highest: number;
  /** Bit n is set when the count `highest - n` was used. */
  seen: bigint;
}

export class NonceCounter {
  readonly #capacity: number;
  readonly #lifetime: Millis;
  /** The least recently used first. */
  readonly #windows = new Map<string, Window>();
  #forgottenUpTo: EpochMillis = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly lifetime: Millis;
    readonly capacity?: number | undefined;
    readonly kept?: KeptNonces | undefined;
  }) {
    this.#lifetime = options.lifetime;
    this.#capacity = options.capacity ?? defaultNonceWindows;
    for (const { nonce, issuedAt, highest, seen } of options.kept?.windows ?? []) {
      this.#windows.set(nonce, { issuedAt, highest, seen: BigInt(`0x${seen}`) });
    }
    this.#forgottenUpTo = options.kept?.forgottenUpTo ?? Number.NEGATIVE_INFINITY;
  }

  /** All that may be used again at `now`, for another process. */
  kept(now: EpochMillis): Pick<KeptNonces, 'forgottenUpTo' | 'windows'> {
    const windows = [...this.#windows]
      .filter(([, { issuedAt }]) => now - issuedAt <= this.#lifetime)
      .map(([nonce, { issuedAt, highest, seen }]) => ({ nonce, issuedAt, highest, seen: seen.toString(16) }));
    const forgottenUpTo = Number.isFinite(this.#forgottenUpTo) ? this.#forgottenUpTo : undefined;
    return { forgottenUpTo, windows };
  }

  /** How many nonces have a window. */
  get size(): number {
    return this.#windows.size;
  }

  /** Spends one count of a fresh nonce. Only after the response was verified: nobody else may make state here. */
  use(nonce: string, issuedAt: EpochMillis, count: number, now: EpochMillis): CountUse {
    // Its window may have been dropped as expired while a look-up was waited for.
    if (now - issuedAt > this.#lifetime) return 'forgotten';
    const window = this.#windows.get(nonce);
    if (window === undefined) {
      if (issuedAt <= this.#forgottenUpTo) return 'forgotten';
      if (count < 1) return 'replayed';
      this.#makeRoom(now);
      this.#windows.set(ownText(nonce), { issuedAt, highest: count, seen: 1n });
      return 'good';
    }
    if (!spend(window, count)) return 'replayed';
    this.#windows.delete(nonce);
    this.#windows.set(nonce, window);
    return 'good';
  }

  #makeRoom(now: EpochMillis): void {
    for (const [nonce, window] of this.#windows) {
      const isExpired = now - window.issuedAt > this.#lifetime;
      if (!isExpired && this.#windows.size < this.#capacity) return;
      this.#forgottenUpTo = Math.max(this.#forgottenUpTo, window.issuedAt);
      this.#windows.delete(nonce);
    }
  }
}

function spend(window: Window, count: number): boolean {
  if (count < 1) return false;
  if (count > window.highest) {
    const ahead = count - window.highest;
    window.seen = ahead >= nonceWindowSize ? 1n : ((window.seen << BigInt(ahead)) & allSeen) | 1n;
    window.highest = count;
    return true;
  }
  const behind = window.highest - count;
  if (behind >= nonceWindowSize) return false;
  const bit = 1n << BigInt(behind);
  if ((window.seen & bit) !== 0n) return false;
  window.seen |= bit;
  return true;
}
