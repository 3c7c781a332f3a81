// Calls that are being set up and tell nothing apart: the same sender, the same caller, the same number. Another back-to-back user agent
// that sends a call back under a Call-ID of its own, without our token and without Session-ID, is a loop that no header names (RFC 5393
// §4.2 finds those of proxies); but none of its turns is answered, so that all of them are here at once.

/** One call that is being set up. */
export interface Setup {
  /** What a loop does not change: who sent it, whom it shows as the caller, whom it is to. */
  readonly what: string;
  /** How many hops it had left. */
  readonly hops: number;
}

/**
 * Turns of a loop that counts hops: each has less of them left than the one before. Several phones of one PBX that show one number and
 * call one number at once have one or two counts between them.
 */
export const maxTurns = 5;

export class RepeatedSetups {
  /** The hops of each call that is being set up. */
  readonly #hops = new Map<string, number[]>();

  get size(): number {
    return this.#hops.size;
  }

  /** Until `end`, unless that would be one too many: then it is a loop, and false. `most`: however many hops they have. */
  begin({ what, hops }: Setup, most: number): boolean {
    const running = this.#hops.get(what);
    if (running === undefined) {
      this.#hops.set(what, [hops]);
      return true;
    }
    if (running.length >= most) return false;
    if (running.length >= maxTurns - 1 && new Set(running.filter((one) => one > hops)).size >= maxTurns - 1)
      return false;
    running.push(hops);
    return true;
  }

  end({ what, hops }: Setup): void {
    const running = this.#hops.get(what);
    const index = running?.indexOf(hops) ?? -1;
    if (running === undefined || index < 0) return;
    running.splice(index, 1);
    if (running.length === 0) this.#hops.delete(what);
  }
}
