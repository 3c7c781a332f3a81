// What the nodes of one site share, as one node uses it. Whoever implements it promises that each method is one atomic step over all
// nodes, and that steps of one node happen in the order in which it asked for them.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { BanRecord, BanTarget } from '../../policy/bans.ts';
import type { Claim } from '../../policy/verdict.ts';
import type { BindingRecord } from '../../registration/location.ts';
import type { KeptDocument } from '../call-store.ts';

/** What one call of this node holds of one key. */
export type Held =
  | { readonly kind: 'slot' }
  | { readonly kind: 'budget'; readonly lease: Millis; readonly leasedAt: EpochMillis; readonly until: EpochMillis };

export interface HeldBy {
  readonly owner: string;
  readonly key: string;
  readonly held: Held;
}

export type SharedOutcome =
  /** `leases`: what the owner has of each budget that was claimed, by this claim or an earlier one. */
  | { readonly kind: 'granted'; readonly leases: readonly { readonly key: string; readonly held: Held }[] }
  | { readonly kind: 'full'; readonly claim: Claim; readonly held: number };

/** A lease that ended while the store could not be told, or may not have been. */
export interface Settlement {
  readonly owner: string;
  readonly key: string;
  readonly used: Millis;
  readonly until: EpochMillis;
  /** The store never knew of the lease. */
  readonly isLocal: boolean;
}

/** What a node says that its calls hold: this, and no more. */
export interface Reassertion {
  readonly held: readonly HeldBy[];
  /** Asked for and not answered yet: stays as it is. */
  readonly undecided: readonly { readonly owner: string; readonly key: string }[];
  readonly settled: readonly Settlement[];
  /** What is not named belonged to calls that ended with their process: their time counts as used until now, the lease at most. */
  readonly isSuccessor: boolean;
}

/** Something that one node tells all others. */
export interface NodeEvent {
  readonly node: string;
  readonly kind: string;
  /** JSON that only its kind's readers understand. */
  readonly body: string;
}

export interface Beat {
  /** False: another process is this node now, and nothing that this one writes is taken any more. */
  readonly isOwner: boolean;
  /** What others told since the cursor. */
  readonly events: readonly NodeEvent[];
  readonly cursor: string;
  /** More was told than is kept: what is shared must be read as a whole. */
  readonly hasMissed: boolean;
  /** Nodes that are alive, this one included. */
  readonly nodes: readonly string[];
}

/** A binding, by the run of the node whose flow it stands on. */
export interface SharedBinding {
  readonly node: string;
  readonly run: string;
  readonly record: BindingRecord;
}

/** Every method rejects with SbcError `store-lost` when the store is away or slow, and `not-owner` as `Beat.isOwner` says. */
export interface SharedStore {
  /** As a ReservationStore does. Also renews the node's lease. */
  reserve(owner: string, claims: readonly Claim[]): Promise<SharedOutcome>;
  /** Keys that the owner does not hold are ignored. */
  release(owner: string, keys: readonly string[], used: Millis): Promise<void>;
  /** What calls of this node held when it was last heard of. */
  held(): Promise<readonly HeldBy[]>;
  /** Makes of what calls of this node hold what the node says, even above a cap. */
  reassert(said: Reassertion): Promise<void>;
  /** This node lives. `cursor`: where the last beat ended; undefined: nothing that was told before. */
  beat(cursor: string | undefined): Promise<Beat>;
  tell(kind: string, body: string): Promise<void>;
  /**
   * Makes this process the node: whoever was it before; only when nobody has said so for the time of a takeover; or only when the last that was
   * it ran on this machine, and so is dead. False when it is not.
   */
  own(when: 'at-once' | 'when-free' | 'again'): Promise<boolean>;
  /** An orderly end: the node is free at once. */
  disown(): Promise<void>;

  bindings(aor: string): Promise<readonly SharedBinding[]>;
  allBindings(): Promise<readonly SharedBinding[]>;
  /** One of `remove` that is another one by now stays. */
  changeBindings(aor: string, put: readonly BindingRecord[], remove: readonly SharedBinding[]): Promise<void>;

  /** Sealed documents of this node's calls. */
  writeCalls(put: readonly KeptDocument[], remove: readonly string[]): Promise<void>;
  calls(): Promise<readonly KeptDocument[]>;

  bans(): Promise<readonly BanRecord[]>;
  keepBan(record: BanRecord): Promise<void>;
  forgetBan(target: BanTarget): Promise<void>;

  /** The first that any node offered under that name. */
  secret(name: string, offered: string): Promise<string>;
}
