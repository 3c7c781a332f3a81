// Which flow each binding of this process stands on and until when, by the monotonic clock. A binding that an earlier run
// of the process granted is here where its phone is reached by datagrams; a connection ended with that run.
import type { Clock, EpochMillis, Millis } from '../core/clock.ts';
import type { Flow } from '../sip/user-agent/session.ts';
import { instanceIn } from './instance.ts';
import type { BindingRecord } from './location.ts';

export interface Held {
  readonly flow: Flow;
  readonly until: Millis;
}

export class HeldFlows {
  readonly #clock: Clock;
  /** By AoR, then by the binding's key. */
  readonly #bindings = new Map<string, Map<string, Held>>();
  /** The AoRs on each flow, by its id. */
  readonly #aors = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Flows that at least one binding stands on. */
  get size(): number {
    return this.#aors.size;
  }

  /** The bindings of `aor` are these now. Those that were kept are as they were, the others stand on `flow` from `now` on. */
  replace(
    aor: string,
    flow: Flow,
    { bindings, kept, now }: { bindings: readonly BindingRecord[]; kept: readonly BindingRecord[]; now: EpochMillis },
  ): void {
    const after = new Map<string, Held>();
    for (const binding of bindings) {
      const held = kept.includes(binding)
        ? this.#find(binding)
        : { flow, until: this.#clock.now() + binding.expiresAt - now };
      if (held !== undefined) after.set(binding.key, held);
    }
    this.#put(aor, after);
  }

  /** A binding of an earlier process goes on where its phone is. */
  takeUp({ aor, key }: BindingRecord, held: Held): void {
    this.#put(aor, new Map([...(this.#bindings.get(aor) ?? []), [key, held]]));
  }

  /** Undefined when no flow of this process carries it any more. */
  flowOf(record: BindingRecord): Flow | undefined {
    const held = this.#find(record);
    return held !== undefined && held.until > this.#clock.now() ? held.flow : undefined;
  }

  /** Undefined for a binding of an earlier run. */
  timeLeft(record: BindingRecord): Millis | undefined {
    const held = this.#find(record);
    return held === undefined ? undefined : held.until - this.#clock.now();
  }

  /** The key of a binding of `aor` that stands on that flow, one that names an instance before another. */
  keyOn(aor: string, flowId: string): string | undefined {
    const now = this.#clock.now();
    const keys = [...(this.#bindings.get(aor) ?? [])].flatMap(([key, { flow, until }]) =>
      flow.id === flowId && until > now ? [key] : [],
    );
    return keys.find((key) => instanceIn(key) !== undefined) ?? keys[0];
  }

  /** Lets go of a flow; returns the AoRs that stood on it. */
  close(flowId: string): readonly string[] {
    const aors = [...(this.#aors.get(flowId) ?? [])];
    for (const aor of aors) this.#keep(aor, (held) => held.flow.id !== flowId);
    return aors;
  }

  /** AoRs with a binding whose time is over. */
  expired(): readonly string[] {
    const now = this.#clock.now();
    const aors: string[] = [];
    for (const [aor, bindings] of this.#bindings) {
      for (const { until } of bindings.values()) {
        if (until > now) continue;
        aors.push(aor);
        break;
      }
    }
    return aors;
  }

  drop(aor: string): void {
    this.#put(aor, new Map());
  }

  prune(aor: string): void {
    const now = this.#clock.now();
    this.#keep(aor, ({ until }) => until > now);
  }

  #find({ aor, key, flowId }: BindingRecord): Held | undefined {
    const held = this.#bindings.get(aor)?.get(key);
    return held?.flow.id === flowId ? held : undefined;
  }

  #keep(aor: string, stays: (held: Held) => boolean): void {
    this.#put(aor, new Map([...(this.#bindings.get(aor) ?? [])].filter(([, held]) => stays(held))));
  }

  #put(aor: string, bindings: Map<string, Held>): void {
    for (const { flow } of this.#bindings.get(aor)?.values() ?? []) {
      const aors = this.#aors.get(flow.id);
      aors?.delete(aor);
      if (aors?.size === 0) this.#aors.delete(flow.id);
    }
    if (bindings.size === 0) this.#bindings.delete(aor);
    else this.#bindings.set(aor, bindings);
    for (const { flow } of bindings.values()) {
      const aors = this.#aors.get(flow.id);
      if (aors === undefined) this.#aors.set(flow.id, new Set([aor]));
      else aors.add(aor);
    }
  }
}
