// Caps that count over all nodes: the shared store decides, this node remembers what its calls hold. While the store is away the
// configuration decides between refusing and counting alone; when it is back it is told what is held.
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { ReservationSnapshot, ReserveOutcome, RestorableReservations } from '../../policy/reservations.ts';
import type { Claim } from '../../policy/verdict.ts';
import { LeaseMirror, slot } from './lease-mirror.ts';
import type { Held, Settlement, SharedOutcome, SharedStore } from './shared-store.ts';

/** What becomes of new calls while the shared store is away. */
export type OnStoreLoss = 'refuse' | 'local';

export interface SharedReservationsParts {
  readonly store: Pick<SharedStore, 'reserve' | 'release' | 'held' | 'reassert'>;
  readonly link: {
    readonly isUp: boolean;
    /** Something may have been done or not: what is held is told again soon. */
    doubt(): void;
  };
  readonly onLoss: OnStoreLoss;
  /** Keys that this node counts for itself: no other one has a part in them. */
  readonly isOwn: (key: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A reserve that the store has not answered. */
interface Pending {
  readonly owner: string;
  readonly keys: readonly string[];
  /** Released meanwhile: what the store grants of them is given back already. */
  readonly released: Set<string>;
}

/** Leases that ended while the store was away; beyond that the oldest are not charged. */
export const mostSettlements = 100_000;

export class SharedReservations implements RestorableReservations {
  readonly #parts: SharedReservationsParts;
  readonly #mirror: LeaseMirror;
  readonly #pending = new Set<Pending>();
  #goesOn: (owner: string) => boolean = () => false;
  #settled: Settlement[] = [];
  /** What an earlier process of this node left: first it must be known which of its calls go on, then the store is told. */
  #earlier: 'unknown' | 'to-settle' | 'settled' = 'unknown';

  constructor(parts: SharedReservationsParts) {
    this.#parts = parts;
    this.#mirror = new LeaseMirror(parts.clock);
  }

  async reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    const own = claims.filter(({ key }) => this.#parts.isOwn(key));
    if (own.length === 0) return this.#reserve(owner, claims);
    const before = new Set(this.#mirror.keysOf(owner));
    const outcome = this.#mirror.decide(owner, own);
    // What asks nothing of others waits for nobody: an emergency call.
    if (outcome.kind === 'full' || own.length === claims.length) return outcome;
    const giveBack = (): void => {
      const taken = own.map(({ key }) => key).filter((key) => !before.has(key));
      this.#mirror.remove(owner, taken, 0);
    };
    try {
      const rest = await this.#reserve(
        owner,
        claims.filter((claim) => !own.includes(claim)),
      );
      if (rest.kind === 'full') giveBack();
      return rest;
    } catch (thrown) {
      giveBack();
      throw thrown;
    }
  }

  async release(owner: string, keys?: readonly string[], used: Millis = 0): Promise<void> {
    const { store, link, logger } = this.#parts;
    const asked = [...this.#pending].filter((one) => one.owner === owner);
    const known = [...this.#mirror.keysOf(owner), ...asked.flatMap((one) => one.keys)];
    const given = keys === undefined ? new Set(known) : new Set(keys.filter((key) => known.includes(key)));
    if (given.size === 0) return;
    for (const { released } of asked) for (const key of given) released.add(key);
    const settled = this.#mirror.remove(owner, [...given], used);
    const shared = [...given].filter((key) => !this.#parts.isOwn(key));
    if (shared.length === 0) return;
    if (!link.isUp) {
      this.#settleLater(settled);
      return;
    }
    try {
      await store.release(owner, shared, Math.round(used));
    } catch (thrown) {
      this.#settleLater(settled);
      link.doubt();
      logger.warn('release-not-shared', { error: messageOf(thrown) });
    }
  }

  async #reserve(owner: string, claims: readonly Claim[]): Promise<ReserveOutcome> {
    if (claims.length === 0) return { kind: 'granted' };
    const { store, link } = this.#parts;
    if (!link.isUp) return this.#alone(owner, claims, 'the shared store is away');
    const pending: Pending = { owner, keys: claims.map(({ key }) => key), released: new Set() };
    this.#pending.add(pending);
    try {
      const outcome = await store.reserve(owner, claims);
      return this.#take(pending, claims, outcome);
    } catch (thrown) {
      link.doubt();
      const outcome = this.#alone(owner, claims, messageOf(thrown));
      this.#mirror.remove(owner, [...pending.released], 0);
      return outcome;
    } finally {
      this.#pending.delete(pending);
    }
  }

  slotsOf(owner: string): readonly string[] {
    return this.#mirror.slotsOf(owner);
  }

  /** Slots of calls that go on are held again, even where a cap is lower by now. The store is told by `tell`. */
  restore({ owners }: ReservationSnapshot): void {
    for (const { owner, keys } of owners) for (const key of keys) this.#mirror.put(owner, key, slot);
  }

  snapshot(): ReservationSnapshot {
    const owners = new Set(this.#mirror.all().map(({ owner }) => owner));
    return { v: 1, owners: Array.from(owners, (owner) => ({ owner, keys: this.slotsOf(owner) })) };
  }

  settleEarlier(goesOn: (owner: string) => boolean): void {
    this.#goesOn = goesOn;
    this.#earlier = 'to-settle';
    this.#parts.link.doubt();
  }

  held(): number {
    return this.#mirror.size;
  }

  /** The store learns what this node's calls hold. Rejects as the store does; then it is to be told again. */
  async tell(): Promise<void> {
    const { store, isOwn } = this.#parts;
    if (this.#earlier === 'unknown') return;
    const isSuccessor = this.#earlier === 'to-settle';
    if (isSuccessor) await this.#inherit();
    const settled = this.#settled;
    this.#settled = [];
    const held = this.#mirror.all().filter(({ key }) => !isOwn(key));
    const undecided = [...this.#pending].flatMap(({ owner, keys }) => keys.map((key) => ({ owner, key })));
    try {
      await store.reassert({ held, undecided, settled, isSuccessor });
      this.#mirror.told(held);
      this.#earlier = 'settled';
    } catch (thrown) {
      this.#settled = [...settled, ...this.#settled];
      throw thrown;
    }
  }

  /** Calls that go on keep the talking time that they leased of an earlier process of this node. */
  async #inherit(): Promise<void> {
    for (const { owner, key, held } of await this.#parts.store.held()) {
      if (held.kind === 'budget' && this.#goesOn(owner)) this.#mirror.put(owner, key, held);
    }
  }

  #take({ owner, released }: Pending, claims: readonly Claim[], outcome: SharedOutcome): ReserveOutcome {
    if (outcome.kind === 'full') return outcome;
    const leases = new Map<string, Held>(outcome.leases.map(({ key, held }) => [key, held]));
    let longest: Millis | undefined;
    for (const { key, kind } of claims) {
      const lease = leases.get(key);
      if (lease?.kind === 'budget') longest = Math.min(longest ?? Infinity, lease.lease);
      if (kind !== 'rate' && !released.has(key)) this.#mirror.put(owner, key, lease ?? slot);
    }
    this.#mirror.rated(claims);
    return longest === undefined ? { kind: 'granted' } : { kind: 'granted', longest };
  }

  /** Throws where a call is rather refused than counted by this node alone. */
  #alone(owner: string, claims: readonly Claim[], why: string): ReserveOutcome {
    if (this.#parts.onLoss === 'refuse') {
      throw new SbcError('store-lost', `${why}, and [store] on_store_loss = "refuse"`);
    }
    return this.#mirror.decide(owner, claims);
  }

  #settleLater(settled: readonly Settlement[]): void {
    for (const one of settled) this.#mirror.spent(one);
    this.#settled.push(...settled);
    if (this.#settled.length > mostSettlements) this.#settled.splice(0, this.#settled.length - mostSettlements);
  }
}
