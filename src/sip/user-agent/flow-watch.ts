// Who must hear that a flow is gone.
export class FlowWatch {
  readonly #watches = new Map<string, Set<() => void>>();

  /** `onClosed` runs once, when the flow of that id closes. Returns what takes it back. */
  add(flowId: string, onClosed: () => void): () => void {
    const watches = this.#watches.get(flowId) ?? new Set();
    this.#watches.set(flowId, watches.add(onClosed));
    return () => {
      watches.delete(onClosed);
      if (watches.size === 0 && this.#watches.get(flowId) === watches) this.#watches.delete(flowId);
    };
  }

  closed(flowId: string): void {
    const watches = this.#watches.get(flowId);
    this.#watches.delete(flowId);
    for (const onClosed of [...(watches ?? [])]) onClosed();
  }
}
