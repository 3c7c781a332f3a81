// The media ports of one worker that the main thread may give out by itself: bound ahead by the worker, and granted by the dozen, so
// that opening an endpoint asks nobody. What is asked for more often is kept in greater number, and what nobody wants goes back.
import type { Millis } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { EndpointSpec, MediaError, PortPlace } from './messages.ts';
import type { PortRequest } from './worker-protocol.ts';

export const supplyLimits = {
  /** Places of one kind that are wanted at first; twice as many each time they did not suffice … */
  first: 8,
  /** … up to this. */
  most: 64,
  /** Places that nobody took for so long go back to the worker. */
  idle: 60_000,
} as const;

export interface SupplyEvents {
  /** `granted` follows. */
  ask(request: PortRequest): void;
  giveBack(places: readonly PortPlace[]): void;
}

type Supplied = Result<readonly PortPlace[], MediaError>;

/** Places on one address, with an RTCP port or without. */
interface Kind {
  readonly address: string;
  readonly rtcpMux: boolean;
  ready: PortPlace[];
  /** Asked for, and not granted yet. */
  asked: number;
  wanted: number;
  /** Why the last request brought fewer than it asked for. */
  refusal: MediaError | undefined;
}

interface Waiter {
  readonly specs: readonly EndpointSpec[];
  readonly due: Millis;
  readonly settle: (supplied: Supplied) => void;
  /** Others have given back what they did not need. */
  hasTriedAll: boolean;
}

export class PortSupply {
  readonly #scheduler: Scheduler;
  readonly #patience: Millis;
  readonly #events: SupplyEvents;
  readonly #kinds = new Map<string, Kind>();
  /** Served in their order, all of the places of one before any of the next. */
  readonly #waiting: Waiter[] = [];
  #idleCheck: Timer | undefined;
  #lastTaken: Millis = 0;
  #gone: MediaError | undefined;

  /** `patience`: for an answer of the worker. */
  constructor(scheduler: Scheduler, patience: Millis, events: SupplyEvents) {
    this.#scheduler = scheduler;
    this.#patience = patience;
    this.#events = events;
  }

  /** Granted places that nobody has. */
  get ready(): number {
    let ready = 0;
    for (const kind of this.#kinds.values()) ready += kind.ready.length;
    return ready;
  }

  /** A place for each of them, in their order; undefined: `wait` must be asked. */
  take(specs: readonly EndpointSpec[]): readonly PortPlace[] | undefined {
    return this.#waiting.length > 0 || this.#gone !== undefined ? undefined : this.#takeAll(specs);
  }

  /** The same when the worker has granted them, or why there are none. */
  wait(specs: readonly EndpointSpec[]): Promise<Supplied> {
    if (this.#gone !== undefined) return Promise.resolve(err(this.#gone));
    for (const spec of specs) {
      const kind = this.#kindOf(spec);
      kind.refusal = undefined;
      if (kind.ready.length === 0 && this.#waiting.length === 0)
        kind.wanted = Math.min(2 * kind.wanted, supplyLimits.most);
    }
    return new Promise((resolve) => {
      const due = this.#scheduler.clock.now() + this.#patience;
      this.#waiting.push({ specs, due, settle: resolve, hasTriedAll: false });
      this.#serve();
    });
  }

  /** From the worker, for a request of `ask`. */
  granted(request: PortRequest, places: readonly PortPlace[], error: MediaError | undefined): void {
    if (this.#gone !== undefined) return;
    const kind = this.#kindOf(request);
    kind.asked -= request.count;
    kind.refusal = error;
    kind.ready.push(...places);
    this.#lastTaken = this.#scheduler.clock.now();
    this.#watchIdleness();
    this.#serve();
  }

  /** Taken, and not used after all. */
  putBack(places: readonly PortPlace[]): void {
    if (this.#gone === undefined && places.length > 0) this.#events.giveBack(places);
  }

  /** All that nobody has. */
  giveBack(): void {
    for (const kind of this.#kinds.values()) {
      this.putBack(kind.ready);
      kind.ready = [];
      kind.wanted = supplyLimits.first;
    }
  }

  /** Whoever has waited too long is told so. A few times a second. */
  expire(): void {
    const now = this.#scheduler.clock.now();
    for (let first = this.#waiting[0]; first !== undefined && first.due <= now; first = this.#waiting[0]) {
      this.#waiting.shift();
      const detail = `no ports were granted within ${this.#patience} ms`;
      first.settle(err({ code: 'deadline', detail }));
    }
  }

  /** The worker is gone: nothing is given out any more. */
  end(error: MediaError): void {
    this.#gone = error;
    this.#idleCheck?.cancel();
    this.#kinds.clear();
    for (const { settle } of this.#waiting.splice(0)) settle(err(error));
  }

  #takeAll(specs: readonly EndpointSpec[]): readonly PortPlace[] | undefined {
    const places: PortPlace[] = [];
    for (const spec of specs) {
      const place = this.#kindOf(spec).ready.pop();
      if (place !== undefined) places.push(place);
      else break;
    }
    if (places.length < specs.length) {
      for (const [index, place] of places.entries()) {
        const spec = specs[index];
        if (spec !== undefined) this.#kindOf(spec).ready.push(place);
      }
      return undefined;
    }
    this.#lastTaken = this.#scheduler.clock.now();
    for (const spec of specs) this.#refill(this.#kindOf(spec));
    return places;
  }

  /** Before it runs dry. */
  #refill(kind: Kind): void {
    const coming = kind.ready.length + kind.asked;
    if (2 * coming <= kind.wanted) this.#ask(kind, kind.wanted - coming, 0);
  }

  #ask(kind: Kind, count: number, needed: number): void {
    const { address, rtcpMux } = kind;
    kind.asked += count;
    this.#events.ask({ address, rtcpMux, count, needed });
  }

  #serve(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const places = this.#takeAll(first.specs);
      const refusal = places === undefined ? this.#lacks(first) : undefined;
      if (places === undefined && refusal === undefined) return;
      this.#waiting.shift();
      first.settle(refusal === undefined ? ok(places ?? []) : err(refusal));
    }
  }

  /** Asks for what it lacks, and returns why that cannot be had. */
  #lacks(waiter: Waiter): MediaError | undefined {
    for (const [kind, count] of this.#countsOf(waiter.specs)) {
      const missing = count - kind.ready.length;
      if (missing <= 0 || kind.asked >= missing) continue;
      const { refusal } = kind;
      if (refusal !== undefined && kind.asked === 0) {
        if (waiter.hasTriedAll || !this.#giveBackOthers(kind)) return refusal;
        waiter.hasTriedAll = true;
        kind.refusal = undefined;
      }
      const needed = missing - kind.asked;
      this.#ask(kind, Math.max(needed, kind.wanted - kind.ready.length - kind.asked), needed);
    }
    return undefined;
  }

  #countsOf(specs: readonly EndpointSpec[]): ReadonlyMap<Kind, number> {
    const counts = new Map<Kind, number>();
    for (const spec of specs) {
      const kind = this.#kindOf(spec);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return counts;
  }

  /** Ports and descriptors that other kinds keep in store; false when they keep none. */
  #giveBackOthers(kind: Kind): boolean {
    const idle: PortPlace[] = [];
    for (const other of this.#kinds.values()) {
      if (other === kind) continue;
      idle.push(...other.ready);
      other.ready = [];
    }
    this.putBack(idle);
    return idle.length > 0;
  }

  #watchIdleness(): void {
    this.#idleCheck ??= this.#scheduler.after(supplyLimits.idle, () => {
      this.#idleCheck = undefined;
      const idle = this.#scheduler.clock.now() - this.#lastTaken;
      if (idle >= supplyLimits.idle) this.giveBack();
      else if (this.ready > 0) this.#watchIdleness();
    });
  }

  #kindOf({ address, rtcpMux }: EndpointSpec | PortRequest): Kind {
    const key = rtcpMux ? `${address} mux` : address;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const { first } = supplyLimits;
    const kind: Kind = { address, rtcpMux, ready: [], asked: 0, wanted: first, refusal: undefined };
    this.#kinds.set(key, kind);
    return kind;
  }
}
