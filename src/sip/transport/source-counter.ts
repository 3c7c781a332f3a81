// How many of something each source address holds, with a bound for one and for all. Nothing is kept for a source at zero.

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

  /** False, and nothing counted, when a bound is reached. */
  add(source: string): boolean {
    const held = this.#held.get(source) ?? 0;
    if (this.#total >= this.#limit || held >= this.#limitPerSource) return false;
    this.#held.set(source, held + 1);
    this.#total += 1;
    return true;
  }

  remove(source: string): void {
    const held = this.#held.get(source);
    if (held === undefined) return;
    this.#total -= 1;
    if (held > 1) this.#held.set(source, held - 1);
    else this.#held.delete(source);
  }
}
