// Bans of all nodes: what one bans the others turn away too, as soon as their next beat tells them.
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { BanRecord, BanStore, BanTarget } from '../../policy/bans.ts';
import type { SharedStore } from './shared-store.ts';

export interface SharedBansParts {
  readonly store: Pick<SharedStore, 'bans' | 'keepBan' | 'forgetBan' | 'tell'>;
  readonly link: { readonly isUp: boolean; doubt(): void };
  /** What this node banned itself, and knows without the others. */
  readonly own: BanStore;
  readonly logger: Logger;
}

/** Kinds of `NodeEvent`. */
export const banEvent = 'ban';
export const banLiftedEvent = 'ban-lifted';

/** Changes that the store does not have; beyond that the oldest is not told to others. */
export const mostUntold = 10_000;

export class SharedBans implements BanStore {
  readonly #parts: SharedBansParts;
  #shared: readonly BanRecord[] = [];
  /** By target: what the store was not told. */
  readonly #untold = new Map<string, BanRecord | BanTarget>();

  constructor(parts: SharedBansParts) {
    this.#parts = parts;
  }

  /** Reads what all nodes banned, for `load`. Rejects as the store does. */
  async fetch(): Promise<readonly BanRecord[]> {
    this.#shared = await this.#parts.store.bans();
    return this.#shared;
  }

  /** The longer of two bans of the same target. */
  load(): readonly BanRecord[] {
    const bans = new Map<string, BanRecord>();
    for (const ban of [...this.#parts.own.load(), ...this.#shared]) {
      const other = bans.get(targetOf(ban));
      if (other === undefined || other.until < ban.until) bans.set(targetOf(ban), ban);
    }
    return [...bans.values()];
  }

  keep(record: BanRecord): void {
    this.#parts.own.keep(record);
    void this.#share(record);
  }

  forget(target: BanTarget): void {
    this.#parts.own.forget(target);
    void this.#share({ source: target.source, account: target.account });
  }

  /** The store is back: it learns what it was not told. Rejects as the store does. */
  async tell(): Promise<void> {
    for (const [key, change] of [...this.#untold]) {
      await this.#write(change);
      if (this.#untold.get(key) === change) this.#untold.delete(key);
    }
  }

  /** Never rejects. */
  async #share(change: BanRecord | BanTarget): Promise<void> {
    const { link, logger } = this.#parts;
    const key = targetOf(change);
    this.#untold.delete(key);
    this.#untold.set(key, change);
    const [oldest] = this.#untold.keys();
    if (this.#untold.size > mostUntold && oldest !== undefined) this.#untold.delete(oldest);
    if (!link.isUp) return;
    try {
      await this.#write(change);
      if (this.#untold.get(key) === change) this.#untold.delete(key);
    } catch (thrown) {
      link.doubt();
      logger.warn('ban-not-shared', { error: messageOf(thrown) });
    }
  }

  async #write(change: BanRecord | BanTarget): Promise<void> {
    const { store } = this.#parts;
    const isBan = 'until' in change;
    const kept = isBan ? store.keepBan(change) : store.forgetBan(change);
    await Promise.all([kept, store.tell(isBan ? banEvent : banLiftedEvent, JSON.stringify(change))]);
  }
}

function targetOf({ source, account }: BanTarget): string {
  return account === undefined ? source : `${source} ${account}`;
}
