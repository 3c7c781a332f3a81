// Who waits while more is to be begun than a node can take at once: sources take turns, so that whoever sends much stands in nobody's
// way but its own. Bounded in places and in bytes: one source has no more places than it leaves free, and whoever may have forged
// its address shares half of them with its like.
import { Chain, type Link } from '../core/chain.ts';
import type { Millis } from '../core/clock.ts';

/** Something that waits. */
export interface Place<T> {
  readonly what: T;
  readonly since: Millis;
}

export interface Arrival<T> {
  readonly what: T;
  readonly now: Millis;
  /** Whose turn it is when it is this one's. */
  readonly source: string;
  /** What ends together: a connection. */
  readonly flow: string;
  readonly sizeBytes: number;
  /** Present where the sender may have forged its address: what its copies have in common. */
  readonly copyOf: string | undefined;
}

/** Of what waits, on average: a REGISTER has some 600 bytes, and what is read of it a few times as much. */
export const averageSizeBytes = 2_048;

interface Stander<T> extends Place<T> {
  readonly arrival: Arrival<T>;
  readonly source: Source<T>;
  readonly flow: Chain<Stander<T>>;
  ofSource: Link<Stander<T>> | undefined;
  ofFlow: Link<Stander<T>> | undefined;
}

interface Source<T> {
  readonly standers: Chain<Stander<T>>;
  turn: Link<Source<T>> | undefined;
}

export class WaitingLine<T> {
  readonly #places: () => number;
  readonly #turns = new Chain<Source<T>>();
  readonly #sources = new Map<string, Source<T>>();
  readonly #flows = new Map<string, Chain<Stander<T>>>();
  readonly #copies = new Set<string>();
  #length = 0;
  #sizeBytes = 0;

  /** `places` may change at any time. */
  constructor(places: () => number) {
    this.#places = places;
  }

  get length(): number {
    return this.#length;
  }

  /** Whose turn is next. */
  get next(): Place<T> | undefined {
    return this.#turns.first?.standers.first;
  }

  /** How many came over that flow. */
  waitingOn(flow: string): number {
    return this.#flows.get(flow)?.length ?? 0;
  }

  /** Whether something waits that this is a copy of. */
  holds(copyOf: string): boolean {
    return this.#copies.has(copyOf);
  }

  /** False: there is no place for it. */
  add(arrival: Arrival<T>): boolean {
    if (!this.#hasRoomFor(arrival)) return false;
    const source = this.#sources.get(arrival.source) ?? this.#newSource(arrival.source);
    const flow = this.#flows.get(arrival.flow) ?? new Chain<Stander<T>>();
    this.#flows.set(arrival.flow, flow);
    const { what, now: since, copyOf } = arrival;
    const stander: Stander<T> = { what, since, arrival, source, flow, ofSource: undefined, ofFlow: undefined };
    stander.ofSource = source.standers.push(stander);
    stander.ofFlow = flow.push(stander);
    if (copyOf !== undefined) this.#copies.add(copyOf);
    this.#length += 1;
    this.#sizeBytes += arrival.sizeBytes;
    return true;
  }

  /** The next one, which waits no longer; then it is another source's turn. */
  take(): Place<T> | undefined {
    const source = this.#turns.first;
    const stander = source?.standers.first;
    if (source === undefined || stander === undefined) return undefined;
    this.#remove(stander);
    this.#endTurn(source);
    if (source.standers.length > 0) source.turn = this.#turns.push(source);
    return stander;
  }

  /** Nobody is there any more to be answered over that flow. */
  leave(flow: string): void {
    const standers = this.#flows.get(flow);
    for (let stander = standers?.first; stander !== undefined; stander = standers?.first) this.#remove(stander);
  }

  clear(): void {
    for (const flow of [...this.#flows.keys()]) this.leave(flow);
  }

  #hasRoomFor({ source, sizeBytes, copyOf }: Arrival<T>): boolean {
    const places = this.#places();
    const free = places - this.#length;
    const own = this.#sources.get(source)?.standers.length ?? 0;
    if (free <= own || this.#sizeBytes + sizeBytes > places * averageSizeBytes) return false;
    return copyOf === undefined || this.#copies.size < places / 2;
  }

  #newSource(name: string): Source<T> {
    const source: Source<T> = { standers: new Chain(), turn: undefined };
    source.turn = this.#turns.push(source);
    this.#sources.set(name, source);
    return source;
  }

  #endTurn({ turn }: Source<T>): void {
    if (turn !== undefined) this.#turns.remove(turn);
  }

  #remove({ source, flow, ofSource, ofFlow, arrival }: Stander<T>): void {
    if (ofSource !== undefined) source.standers.remove(ofSource);
    if (ofFlow !== undefined) flow.remove(ofFlow);
    if (source.standers.length === 0) {
      this.#endTurn(source);
      this.#sources.delete(arrival.source);
    }
    if (flow.length === 0) this.#flows.delete(arrival.flow);
    if (arrival.copyOf !== undefined) this.#copies.delete(arrival.copyOf);
    this.#length -= 1;
    this.#sizeBytes -= arrival.sizeBytes;
  }
}
