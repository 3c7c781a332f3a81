// How many of something each source holds, with a bound for one and for all. An IPv6 host is one source whichever address
// of its /64 it takes. Nothing is kept for a source at zero.
import { sourceBlock } from '../../core/ip-address.ts';

export class SourceCounter {
  readonly #limit: number;
  readonly #limitPerSource: number;
  readonly #held = new Map<string, number>();
  #total = 0;

  constructor(limit: number, limitPerSource: number) {
    this.#limit = limit;
    this.#limitPerSource = limitPerSource;
  }

  get total(): number {
    return this.#total;
  }

  /** Sources that hold something. */
  get sources(): number {
    return this.#held.size;
  }

  /** False, and nothing counted, when a bound is reached. */
  add(address: string): boolean {
    const source = sourceBlock(address);
    const held = this.#held.get(source) ?? 0;
    if (this.#total >= this.#limit || held >= this.#limitPerSource) return false;
    this.#held.set(source, held + 1);
    this.#total += 1;
    return true;
  }

  remove(address: string): void {
    const source = sourceBlock(address);
    const held = this.#held.get(source);
    if (held === undefined) return;
    this.#total -= 1;
    if (held > 1) this.#held.set(source, held - 1);
    else this.#held.delete(source);
  }
}
