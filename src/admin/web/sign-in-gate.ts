// How often anybody may try to sign in, before a password is looked at: by source, in all, and at a time, since each look costs 32 MB and
// a tenth of a second. The account's own lock, which grows with each failure, is with the accounts.
import type { Clock, Millis } from '../../core/clock.ts';
import { sourceBlock } from '../../core/ip-address.ts';

export const signInLimits = {
  /** Attempts of one source (an IPv4 address, an IPv6 /64) in a window, and of everybody. */
  perSource: 10,
  inAll: 60,
  window: 60_000,
  /** Passwords that are looked at at a time; more wait for as long as they may. */
  atOnce: 2,
  waiting: 8,
  /** Sources that are counted apart; what comes beyond them is counted together. */
  sources: 10_000,
} as const;

export type GateAnswer<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'too-many'; readonly isFirst: boolean };

interface Window {
  readonly beganAt: Millis;
  count: number;
}

export class SignInGate {
  readonly #clock: Clock;
  readonly #sources = new Map<string, Window>();
  #all: Window = { beganAt: -Infinity, count: 0 };
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `isFirst` of a refusal: the first one of that source in its window, which is worth a line in a log. */
  async pass<T>(source: string, attempt: () => Promise<T>): Promise<GateAnswer<T>> {
    const block = sourceBlock(source);
    const own = this.#windowOf(block);
    own.count += 1;
    if (own.count > signInLimits.perSource)
      return { kind: 'too-many', isFirst: own.count === signInLimits.perSource + 1 };
    const all = this.#allNow();
    all.count += 1;
    if (all.count > signInLimits.inAll) return { kind: 'too-many', isFirst: all.count === signInLimits.inAll + 1 };
    if (this.#running >= signInLimits.atOnce && this.#waiting.length >= signInLimits.waiting) {
      return { kind: 'too-many', isFirst: false };
    }
    await this.#turn();
    try {
      return { kind: 'done', value: await attempt() };
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Whoever has proven himself starts anew. */
  forget(source: string): void {
    this.#sources.delete(sourceBlock(source));
  }

  #windowOf(block: string): Window {
    const now = this.#clock.now();
    const found = this.#sources.get(block);
    if (found !== undefined && now - found.beganAt < signInLimits.window) return found;
    this.#sources.delete(block);
    if (this.#sources.size >= signInLimits.sources) this.#forgetOld(now);
    const key = this.#sources.size >= signInLimits.sources ? 'others' : block;
    const window = this.#sources.get(key) ?? { beganAt: now, count: 0 };
    this.#sources.set(key, window);
    return window;
  }

  #forgetOld(now: Millis): void {
    for (const [block, { beganAt }] of this.#sources) {
      if (now - beganAt < signInLimits.window) return;
      this.#sources.delete(block);
    }
  }

  #allNow(): Window {
    const now = this.#clock.now();
    if (now - this.#all.beganAt >= signInLimits.window) this.#all = { beganAt: now, count: 0 };
    return this.#all;
  }

  async #turn(): Promise<void> {
    if (this.#running >= signInLimits.atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }
}
