// Devices of users who need more than a password: one that was not seen before waits until somebody approves it. Bounded: what waits
// for a user, and in all; nobody gets here who has not proved the user's password.
import type { EpochMillis, Millis } from '../core/clock.ts';
import type { Device } from './device.ts';

export type DeviceState = 'pending' | 'approved' | 'denied';

export interface DeviceRecord extends Device {
  readonly state: DeviceState;
  /** Where it was seen first. */
  readonly source: string;
  readonly firstAt: EpochMillis;
  /** When it was approved or denied, and by whom; while it waits its first time and nobody. */
  readonly decidedAt: EpochMillis;
  readonly decidedBy: string;
}

/** `unlisted`: it is unknown, and too many wait already for it to be listed. */
export type DeviceStanding = DeviceState | 'unknown' | 'unlisted';

export interface DeviceRules {
  readonly pendingPerUser: number;
  readonly pending: number;
  /** How long one waits before it is forgotten. */
  readonly patience: Millis;
}

export const defaultDeviceRules: DeviceRules = { pendingPerUser: 5, pending: 10_000, patience: 86_400_000 };

/** Where devices outlive the process. */
export interface DeviceStore {
  load(): readonly DeviceRecord[];
  keep(record: DeviceRecord): void;
  forget(id: string): void;
}

export class Devices {
  readonly #rules: DeviceRules;
  readonly #store: DeviceStore;
  readonly #records = new Map<string, DeviceRecord>();
  /** Ids of those that wait, by user. */
  readonly #pending = new Map<string, Set<string>>();
  #pendingInAll = 0;
  /** None of those that wait is over before then: until then there is nothing to look for among ten thousand. */
  #fullUntil: EpochMillis = Number.NEGATIVE_INFINITY;

  constructor(store: DeviceStore, rules: DeviceRules = defaultDeviceRules) {
    this.#store = store;
    this.#rules = rules;
    for (const record of store.load()) this.#put(record);
  }

  get pending(): number {
    return this.#pendingInAll;
  }

  standing(device: Device, now: EpochMillis): DeviceStanding {
    const record = this.#records.get(device.id);
    return record === undefined || this.#isOver(record, now) ? 'unknown' : record.state;
  }

  /** Lists an unknown device as one that waits. `isNew`: it was, and somebody should hear of it. */
  ask(
    device: Device,
    source: string,
    now: EpochMillis,
  ): { readonly standing: DeviceStanding; readonly isNew: boolean } {
    const standing = this.standing(device, now);
    if (standing !== 'unknown') return { standing, isNew: false };
    this.#sweep(device.aor, now);
    if ((this.#pending.get(device.aor)?.size ?? 0) >= this.#rules.pendingPerUser || this.#isFull(now)) {
      return { standing: 'unlisted', isNew: false };
    }
    this.#keep({ ...device, state: 'pending', source, firstAt: now, decidedAt: now, decidedBy: '' });
    return { standing: 'pending', isNew: true };
  }

  /** Undefined where there is no device of that id. */
  decide(id: string, state: 'approved' | 'denied', by: string, now: EpochMillis): DeviceRecord | undefined {
    const record = this.#records.get(id);
    if (record === undefined || this.#isOver(record, now)) return undefined;
    return this.#keep({ ...record, state, decidedAt: now, decidedBy: by });
  }

  /** Approves one that may never have asked. */
  admit(device: Device, source: string, by: string, now: EpochMillis): DeviceRecord {
    const firstAt = this.#records.get(device.id)?.firstAt ?? now;
    return this.#keep({ ...device, state: 'approved', source, firstAt, decidedAt: now, decidedBy: by });
  }

  /** As another node has decided. */
  adopt(record: DeviceRecord): void {
    this.#keep(record);
  }

  /** It is unknown from now on. */
  forget(id: string): DeviceRecord | undefined {
    const record = this.#records.get(id);
    if (record !== undefined) this.#drop(record);
    return record;
  }

  /** Those that wait first, then by user. */
  list(now: EpochMillis): readonly DeviceRecord[] {
    const current = [...this.#records.values()].filter((record) => !this.#isOver(record, now));
    const rank = ({ state, aor }: DeviceRecord): string => `${state === 'pending' ? 0 : 1}${aor}`;
    return current.toSorted((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.firstAt - b.firstAt));
  }

  #isOver({ state, firstAt }: DeviceRecord, now: EpochMillis): boolean {
    return state === 'pending' && now - firstAt >= this.#rules.patience;
  }

  #isFull(now: EpochMillis): boolean {
    if (this.#pendingInAll < this.#rules.pending) return false;
    if (now < this.#fullUntil) return true;
    for (const aor of [...this.#pending.keys()]) this.#sweep(aor, now);
    this.#fullUntil = this.#firstEnd();
    return this.#pendingInAll >= this.#rules.pending;
  }

  /** When the first of those that wait is over. */
  #firstEnd(): EpochMillis {
    let first = Number.POSITIVE_INFINITY;
    for (const ids of this.#pending.values()) {
      for (const id of ids) first = Math.min(first, this.#records.get(id)?.firstAt ?? first);
    }
    return first + this.#rules.patience;
  }

  #sweep(aor: string, now: EpochMillis): void {
    for (const id of [...(this.#pending.get(aor) ?? [])]) {
      const record = this.#records.get(id);
      if (record !== undefined && this.#isOver(record, now)) this.#drop(record);
    }
  }

  #keep(record: DeviceRecord): DeviceRecord {
    this.#store.keep(record);
    this.#put(record);
    return record;
  }

  #put(record: DeviceRecord): void {
    this.#unlist(record);
    this.#records.set(record.id, record);
    if (record.state !== 'pending') return;
    const waiting = this.#pending.get(record.aor);
    if (waiting === undefined) this.#pending.set(record.aor, new Set([record.id]));
    else waiting.add(record.id);
    this.#pendingInAll += 1;
  }

  #drop(record: DeviceRecord): void {
    this.#store.forget(record.id);
    this.#unlist(record);
    this.#records.delete(record.id);
  }

  #unlist({ aor, id }: DeviceRecord): void {
    const waiting = this.#pending.get(aor);
    if (waiting?.delete(id) !== true) return;
    this.#pendingInAll -= 1;
    if (waiting.size === 0) this.#pending.delete(aor);
  }
}
