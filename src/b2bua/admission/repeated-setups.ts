// Calls that are being set up and tell nothing apart: the same sender, the same caller, the same number. Another back-to-back user agent
// that sends a call back under a Call-ID of its own, without our token and without Session-ID, is a loop that no header names (RFC 5393
// §4.2 finds those of proxies); but none of its turns is answered, so that all of them are here at once.

/** One call that is being set up. */
export interface Setup {
  /** What a loop does not change: who sent it, whom it shows as the caller, whom it is to. */
  readonly what: string;
  /** How many hops it had left. */
  readonly hops: number;
  /** False: the caller hides or shows no number. Many callers look like this one, so that only a great many are a loop. */
  readonly isNamed: boolean;
}

/**
 * Turns of a loop that counts hops: each comes with less of them left than the one before, and always by as much, since it goes the same
 * way again. Several phones of one PBX that show one number and call one number at once have one or two counts between them.
 */
export const maxTurns = 5;
/** A turn goes by us and by at least one other. */
const leastStep = 2;
/** As many times more of those may be set up at once whose caller nobody knows. */
export const unnamedShare = 10;

export class RepeatedSetups {
  /** The hops of each call that is being set up. */
  readonly #hops = new Map<string, number[]>();

  get size(): number {
    return this.#hops.size;
  }

  /** Until `end`, unless that would be one too many: then it is a loop, and false. `most`: however many hops they have. */
  begin({ what, hops, isNamed }: Setup, most: number): boolean {
    const running = this.#hops.get(what);
    if (running === undefined) {
      this.#hops.set(what, [hops]);
      return true;
    }
    if (running.length >= (isNamed ? most : most * unnamedShare)) return false;
    if (isNamed && running.length >= maxTurns - 1 && isTurn(running, hops)) return false;
    running.push(hops);
    return true;
  }

  end({ what, hops }: Pick<Setup, 'what' | 'hops'>): void {
    const running = this.#hops.get(what);
    const index = running?.indexOf(hops) ?? -1;
    if (running === undefined || index < 0) return;
    running.splice(index, 1);
    if (running.length === 0) this.#hops.delete(what);
  }
}

/** Whether `hops` goes on a row of equal steps down, in the order in which the others came. */
function isTurn(running: readonly number[], hops: number): boolean {
  const highest = running.reduce((most, one) => Math.max(most, one), 0);
  for (let step = leastStep; hops + step * (maxTurns - 1) <= highest; step += 1) {
    let wanted = hops + step * (maxTurns - 1);
    for (const one of running) if (one === wanted) wanted -= step;
    if (wanted <= hops) return true;
  }
  return false;
}
