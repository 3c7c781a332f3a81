// Bans of one process, for tests.
import type { BanRecord, BanStore, BanTarget } from '../../src/policy/bans.ts';

export class MemoryBanStore implements BanStore {
  readonly kept: BanRecord[] = [];

  load(): readonly BanRecord[] {
    return [...this.kept];
  }

  keep(record: BanRecord): void {
    this.forget(record);
    this.kept.push(record);
  }

  forget({ source, account }: BanTarget): void {
    const at = this.kept.findIndex((one) => one.source === source && one.account === account);
    if (at >= 0) this.kept.splice(at, 1);
  }
}
