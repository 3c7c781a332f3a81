// What is done about one AoR is done one after the other; what is done about others meanwhile does not wait for it.
export class UserTurns {
  /** The end of the queue of each AoR that is being served, and how many stand in it. */
  readonly #queues = new Map<string, { readonly end: Promise<void>; readonly length: number }>();

  /** How many are served or wait. */
  waiting(aor: string): number {
    return this.#queues.get(aor)?.length ?? 0;
  }

  /** `serve` never rejects. */
  take(aor: string, serve: () => Promise<void>): void {
    const before = this.#queues.get(aor);
    const end = (before?.end ?? Promise.resolve()).then(serve);
    this.#queues.set(aor, { end, length: (before?.length ?? 0) + 1 });
    void end.then(() => {
      const queue = this.#queues.get(aor);
      if (queue === undefined || queue.end === end) this.#queues.delete(aor);
      else this.#queues.set(aor, { end: queue.end, length: queue.length - 1 });
    });
  }
}
