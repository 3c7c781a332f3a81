// What is told when it is seen first, and again only after it was gone for a while: a value at its limit does not chatter.

/** What was seen with one look, by a key that is the same for as long as it is the same thing. */
export type Seen = ReadonlyMap<string, () => void>;

export class ToldOnce {
  readonly #looksUntilOver: number;
  /** For how many looks each has been gone. */
  readonly #gone = new Map<string, number>();

  constructor(looksUntilOver: number) {
    this.#looksUntilOver = looksUntilOver;
  }

  look(seen: Seen): void {
    for (const [key, gone] of this.#gone) {
      if (gone >= this.#looksUntilOver) this.#gone.delete(key);
      else this.#gone.set(key, gone + 1);
    }
    for (const [key, tell] of seen) {
      const isNew = !this.#gone.has(key);
      this.#gone.set(key, 0);
      if (isNew) tell();
    }
  }
}
