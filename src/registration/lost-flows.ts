// Which flow a phone had before it was lost, so that its calls are found when it registers over another one (RFC 5626 §5.3).

/** Beyond it the oldest is forgotten: that phone's calls wait for a request of the phone itself. */
export const maxLostFlows = 20_000;

export class LostFlows {
  /** Flow ids by AoR and binding key, the oldest first. */
  readonly #flows = new Map<string, string>();

  get size(): number {
    return this.#flows.size;
  }

  add(aor: string, key: string, flowId: string): void {
    const name = `${aor} ${key}`;
    this.#flows.delete(name);
    this.#flows.set(name, flowId);
    const [oldest] = this.#flows.keys();
    if (this.#flows.size > maxLostFlows && oldest !== undefined) this.#flows.delete(oldest);
  }

  /** The flow that this phone had; it is forgotten here. */
  take(aor: string, key: string): string | undefined {
    const name = `${aor} ${key}`;
    const flowId = this.#flows.get(name);
    this.#flows.delete(name);
    return flowId;
  }
}
