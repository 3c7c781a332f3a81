// The shared store of several nodes in one process, as Redis is between machines; it can be away, or swallow what it is asked.

import type { EpochMillis, Millis } from '../../src/core/clock.ts';
import { SbcError } from '../../src/core/errors.ts';
import type { BanRecord, BanTarget } from '../../src/policy/bans.ts';
import type { Claim } from '../../src/policy/verdict.ts';
import type { BindingRecord } from '../../src/registration/location.ts';
import type { KeptDocument } from '../../src/store/call-store.ts';
import { leastLease } from '../../src/store/least-lease.ts';
import type {
  Beat,
  Held,
  HeldBy,
  NodeEvent,
  Reassertion,
  SharedBinding,
  SharedOutcome,
  SharedStore,
} from '../../src/store/shared/shared-store.ts';

interface NodeState {
  aliveUntil: EpochMillis;
  owner: { readonly run: string; readonly machine: string; until: EpochMillis } | undefined;
  readonly held: Map<string, HeldBy>;
  readonly calls: Map<string, string>;
}

/** What all nodes see. */
export class FakeSharedState {
  readonly nodes = new Map<string, NodeState>();
  readonly used = new Map<string, Millis>();
  readonly rates = new Map<string, EpochMillis[]>();
  readonly events: NodeEvent[] = [];
  readonly bindings = new Map<string, Map<string, SharedBinding>>();
  readonly bans = new Map<string, BanRecord>();
  readonly secrets = new Map<string, string>();
  /** Nobody is answered. */
  isAway = false;

  /** It was started anew, and knows nothing. */
  forget(): void {
    for (const one of [this.nodes, this.used, this.rates, this.bindings, this.bans]) one.clear();
    this.events.splice(0);
  }

  node(name: string): NodeState {
    const known = this.nodes.get(name) ?? { aliveUntil: 0, owner: undefined, held: new Map(), calls: new Map() };
    this.nodes.set(name, known);
    return known;
  }
}

export interface FakeSharedStoreOptions {
  readonly state: FakeSharedState;
  readonly node: string;
  readonly run: string;
  /** Absent: one of its own. */
  readonly machine?: string;
  readonly now: () => EpochMillis;
  readonly lease?: Millis;
  readonly takeover?: Millis;
}

export class FakeSharedStore implements SharedStore {
  readonly #options: FakeSharedStoreOptions;
  readonly #state: FakeSharedState;
  readonly #lease: Millis;
  readonly #takeover: Millis;
  /** Does what it is asked, and its answer is lost. */
  losesAnswers = false;

  constructor(options: FakeSharedStoreOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#lease = options.lease ?? 10_000;
    this.#takeover = options.takeover ?? 1_000;
  }

  reserve(owner: string, claims: readonly Claim[]): Promise<SharedOutcome> {
    return this.#asOwner((me, now) => {
      me.aliveUntil = now + this.#lease;
      for (const claim of claims) {
        if (me.held.has(fieldOf(owner, claim.key))) continue;
        const held = this.#taken(claim, now);
        if (held + (claim.kind === 'budget' ? leastLease : 1) > claim.cap) return { kind: 'full', claim, held };
      }
      const leases: { key: string; held: Held }[] = [];
      for (const claim of claims) {
        const field = fieldOf(owner, claim.key);
        if (claim.kind === 'rate') this.#state.rates.set(claim.key, [...(this.#state.rates.get(claim.key) ?? []), now]);
        else if (claim.kind === 'slot') {
          if (!me.held.has(field)) me.held.set(field, { owner, key: claim.key, held: { kind: 'slot' } });
        } else {
          const lease = Math.min(claim.wanted, claim.cap - this.#taken(claim, now));
          const fresh: Held = { kind: 'budget', lease, leasedAt: now, until: claim.until };
          const { held } = me.held.get(field) ?? { held: fresh };
          me.held.set(field, { owner, key: claim.key, held });
          leases.push({ key: claim.key, held });
        }
      }
      return { kind: 'granted', leases };
    });
  }

  release(owner: string, keys: readonly string[], used: Millis): Promise<void> {
    return this.#asOwner((me, now) => {
      for (const key of keys) this.#drop(me, fieldOf(owner, key), used, now);
    });
  }

  held(): Promise<readonly HeldBy[]> {
    return this.#answer((me) => [...me.held.values()]);
  }

  reassert({ held, undecided, settled, isSuccessor }: Reassertion): Promise<void> {
    return this.#asOwner((me, now) => {
      me.aliveUntil = now + this.#lease;
      for (const { owner, key, used, isLocal } of settled) {
        if (isLocal) this.#charge(key, used);
        else this.#drop(me, fieldOf(owner, key), used, now);
      }
      const wanted = new Set([...held, ...undecided].map(({ owner, key }) => fieldOf(owner, key)));
      for (const field of [...me.held.keys()]) {
        if (!wanted.has(field)) this.#drop(me, field, isSuccessor ? undefined : 0, now);
      }
      for (const one of held) {
        const field = fieldOf(one.owner, one.key);
        if (!me.held.has(field)) me.held.set(field, one);
      }
    });
  }

  beat(cursor: string | undefined): Promise<Beat> {
    return this.#answer((me, now) => {
      if (this.#isFenced(me, now)) return { isOwner: false, events: [], cursor: '', hasMissed: false, nodes: [] };
      me.owner = this.#owner(now);
      me.aliveUntil = now + this.#lease;
      for (const [name, node] of this.#state.nodes) {
        if (node.aliveUntil > now || name === this.#options.node) continue;
        for (const field of [...node.held.keys()]) this.#drop(node, field, undefined, now);
      }
      const { events } = this.#state;
      const told = cursor === undefined ? [] : events.slice(Number(cursor));
      return {
        isOwner: true,
        events: told.filter(({ node }) => node !== this.#options.node),
        cursor: String(events.length),
        hasMissed: cursor !== undefined && Number(cursor) > events.length,
        nodes: [...this.#state.nodes].flatMap(([name, { aliveUntil }]) => (aliveUntil > now ? [name] : [])),
      };
    });
  }

  tell(kind: string, body: string): Promise<void> {
    return this.#answer(() => void this.#state.events.push({ node: this.#options.node, kind, body }));
  }

  own(when: 'at-once' | 'when-free' | 'again'): Promise<boolean> {
    return this.#answer((me, now) => {
      if (when === 'when-free' && this.#isFenced(me, now)) return false;
      if (when === 'again' && me.owner?.machine !== this.#owner(now).machine) return false;
      me.owner = this.#owner(now);
      return true;
    });
  }

  disown(): Promise<void> {
    return this.#asOwner((me, now) => {
      for (const field of [...me.held.keys()]) this.#drop(me, field, undefined, now);
      me.owner = undefined;
      me.aliveUntil = 0;
    });
  }

  bindings(aor: string): Promise<readonly SharedBinding[]> {
    return this.#answer(() => [...(this.#state.bindings.get(aor)?.values() ?? [])]);
  }

  allBindings(): Promise<readonly SharedBinding[]> {
    return this.#answer(() => [...this.#state.bindings.values()].flatMap((own) => [...own.values()]));
  }

  changeBindings(aor: string, put: readonly BindingRecord[], remove: readonly SharedBinding[]): Promise<void> {
    return this.#answer(() => {
      const { node, run } = this.#options;
      const own = this.#state.bindings.get(aor) ?? new Map<string, SharedBinding>();
      this.#state.bindings.set(aor, own);
      for (const record of put) own.set(record.key, { node, run, record });
      for (const { node: of, run: by, record } of remove) {
        const known = own.get(record.key);
        const isSame = known?.node === of && known.run === by && known.record.flowId === record.flowId;
        if (isSame && known.record.sequence === record.sequence) own.delete(record.key);
      }
    });
  }

  writeCalls(put: readonly KeptDocument[], remove: readonly string[]): Promise<void> {
    return this.#asOwner(({ calls }) => {
      for (const { id, document } of put) calls.set(id, document);
      for (const id of remove) calls.delete(id);
    });
  }

  calls(): Promise<readonly KeptDocument[]> {
    return this.#answer(({ calls }) =>
      Array.from(calls, ([id, document]) => ({ id, document })).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
  }

  bans(): Promise<readonly BanRecord[]> {
    return this.#answer(() => [...this.#state.bans.values()]);
  }

  keepBan(record: BanRecord): Promise<void> {
    return this.#answer(() => void this.#state.bans.set(targetOf(record), record));
  }

  forgetBan(target: BanTarget): Promise<void> {
    return this.#answer(() => void this.#state.bans.delete(targetOf(target)));
  }

  secret(name: string, offered: string): Promise<string> {
    return this.#answer(() => {
      const known = this.#state.secrets.get(name) ?? offered;
      this.#state.secrets.set(name, known);
      return known;
    });
  }

  #taken(claim: Claim, now: EpochMillis): number {
    if (claim.kind === 'rate') {
      const within = (this.#state.rates.get(claim.key) ?? []).filter((time) => time > now - claim.window);
      this.#state.rates.set(claim.key, within);
      return within.length;
    }
    let sum = claim.kind === 'budget' ? (this.#state.used.get(claim.key) ?? 0) : 0;
    for (const [name, { aliveUntil, held }] of this.#state.nodes) {
      if (aliveUntil <= now && name !== this.#options.node) continue;
      for (const one of held.values()) {
        if (one.key === claim.key) sum += one.held.kind === 'slot' ? 1 : one.held.lease;
      }
    }
    return sum;
  }

  #drop({ held }: NodeState, field: string, used: Millis | undefined, now: EpochMillis): void {
    const one = held.get(field);
    held.delete(field);
    if (one?.held.kind !== 'budget') return;
    const { lease, leasedAt } = one.held;
    this.#charge(one.key, Math.max(0, Math.min(lease, used ?? now - leasedAt)));
  }

  #charge(key: string, used: Millis): void {
    this.#state.used.set(key, (this.#state.used.get(key) ?? 0) + used);
  }

  #owner(now: EpochMillis): NonNullable<NodeState['owner']> {
    const { run, machine = run } = this.#options;
    return { run, machine, until: now + this.#takeover };
  }

  #isFenced({ owner }: NodeState, now: EpochMillis): boolean {
    return owner !== undefined && owner.until > now && owner.run !== this.#options.run;
  }

  #asOwner<T>(work: (me: NodeState, now: EpochMillis) => T): Promise<T> {
    return this.#answer((me, now) => {
      if (this.#isFenced(me, now)) throw new SbcError('not-owner', 'another process is this node');
      return work(me, now);
    });
  }

  async #answer<T>(work: (me: NodeState, now: EpochMillis) => T): Promise<T> {
    if (this.#state.isAway) throw new SbcError('store-lost', 'the shared store is away');
    const now = this.#options.now();
    const answer = work(this.#state.node(this.#options.node), now);
    if (this.losesAnswers) throw new SbcError('store-lost', 'no answer');
    return answer;
  }
}

function fieldOf(owner: string, key: string): string {
  return `${owner} ${key}`;
}

function targetOf({ source, account }: BanTarget): string {
  return account === undefined ? source : `${source} ${account}`;
}
