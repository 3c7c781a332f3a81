// Who waits while more is to be begun than a node can take at once: sources take turns, so that whoever sends much stands in nobody's
// way but its own. Bounded: what is large takes several places, one source has no more of them than it leaves free, and whoever may
// have forged its address shares half of them with its like.
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

/** What one place is for, on the wire: a REGISTER has some 600 bytes. */
export const placeSizeBytes = 2_048;

interface Stander<T> extends Place<T> {
  readonly places: number;
  readonly arrival: Arrival<T>;
  readonly source: Source<T>;
  readonly flow: Chain<Stander<T>>;
  ofSource: Link<Stander<T>> | undefined;
  ofFlow: Link<Stander<T>> | undefined;
}

interface Source<T> {
  readonly standers: Chain<Stander<T>>;
  places: number;
  turn: Link<Source<T>> | undefined;
}

export class WaitingLine<T> {
  readonly #places: () => number;
  readonly #turns = new Chain<Source<T>>();
  readonly #sources = new Map<string, Source<T>>();
  readonly #flows = new Map<string, Chain<Stander<T>>>();
  readonly #copies = new Set<string>();
  #length = 0;
  /** That are taken, and of these by what may be forged. */
  #taken = 0;
  #takenByCopies = 0;

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
    const places = Math.max(1, Math.ceil(arrival.sizeBytes / placeSizeBytes));
    if (!this.#hasRoomFor(arrival, places)) return false;
    const source = this.#sources.get(arrival.source) ?? this.#newSource(arrival.source);
    const flow = this.#flows.get(arrival.flow) ?? new Chain<Stander<T>>();
    this.#flows.set(arrival.flow, flow);
    const { what, now: since, copyOf } = arrival;
    const stander: Stander<T> = { what, since, places, arrival, source, flow, ofSource: undefined, ofFlow: undefined };
    stander.ofSource = source.standers.push(stander);
    stander.ofFlow = flow.push(stander);
    if (copyOf !== undefined) this.#copies.add(copyOf);
    this.#length += 1;
    this.#take(stander, places);
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

  #hasRoomFor({ source, copyOf }: Arrival<T>, places: number): boolean {
    const most = this.#places();
    const own = this.#sources.get(source)?.places ?? 0;
    if (own + places > most - this.#taken) return false;
    return copyOf === undefined || this.#takenByCopies + places <= most / 2;
  }

  /** Or gives back, where `places` is negative. */
  #take({ source, arrival }: Stander<T>, places: number): void {
    source.places += places;
    this.#taken += places;
    if (arrival.copyOf !== undefined) this.#takenByCopies += places;
  }

  #newSource(name: string): Source<T> {
    const source: Source<T> = { standers: new Chain(), places: 0, turn: undefined };
    source.turn = this.#turns.push(source);
    this.#sources.set(name, source);
    return source;
  }

  #endTurn({ turn }: Source<T>): void {
    if (turn !== undefined) this.#turns.remove(turn);
  }

  #remove(stander: Stander<T>): void {
    const { source, flow, ofSource, ofFlow, arrival, places } = stander;
    if (ofSource !== undefined) source.standers.remove(ofSource);
    if (ofFlow !== undefined) flow.remove(ofFlow);
    if (source.standers.length === 0) {
      this.#endTurn(source);
      this.#sources.delete(arrival.source);
    }
    if (flow.length === 0) this.#flows.delete(arrival.flow);
    if (arrival.copyOf !== undefined) this.#copies.delete(arrival.copyOf);
    this.#length -= 1;
    this.#take(stander, -places);
  }
}
