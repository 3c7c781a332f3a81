// What every store of bans, devices and findings of fraud promises (`policy/bans.ts`, `policy/devices.ts`, `policy/fraud/fraud-store.ts`).
import { describe, expect, test } from 'vitest';
import type { BanRecord } from '../../../../src/policy/bans.ts';
import type { DeviceRecord } from '../../../../src/policy/devices.ts';
import type { KnownValue } from '../../../../src/policy/fraud/fraud-store.ts';
import type { Hold } from '../../../../src/policy/fraud/holds.ts';
import type { KeptNonces } from '../../../../src/sip/auth/kept-nonces.ts';
import { type MakePlace, Processes } from './place.ts';

const subject = 'user:alice@pbx.test';
const refused: Hold = { action: 'refuse', subject, of: 'international', rule: 'watch', since: 5, until: 4e12 };
const all: Hold = { ...refused, of: undefined, since: 6 };
const lock: Hold = { action: 'lock', subject, of: undefined, rule: 'places', since: 7, until: undefined };

export function describeGuards(name: string, make: MakePlace): void {
  describe(`bans ${name}`, () => {
    const ban = (source: string, account: string | undefined, until: number): BanRecord => {
      return { source, account, reason: 'wrong-password', until, times: 1 };
    };

    test('are found by the next process as they were kept last, of a source and of an account apart', async () => {
      const processes = new Processes(make);
      const until = processes.clock.wall() + 60_000;
      const { bans } = await processes.next();
      const whole = ban('192.0.2.1', undefined, until);
      const account = { ...ban('192.0.2.1', 'alice', until), reason: 'operator', times: 3 } as const;
      bans.keep(whole);
      bans.keep(ban('192.0.2.1', 'alice', until));
      bans.keep(account);
      bans.keep(ban('2001:db8::/64', undefined, until));
      bans.forget({ source: '2001:db8::/64' });
      const found = (await processes.next()).bans.load();
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([whole, account]));
    });

    test('that are lifted by the next process are lifted for the one after it', async () => {
      const processes = new Processes(make);
      const until = processes.clock.wall() + 60_000;
      (await processes.next()).bans.keep(ban('192.0.2.1', undefined, until));
      (await processes.next()).bans.forget(ban('192.0.2.1', undefined, until));
      expect((await processes.next()).bans.load()).toEqual([]);
    });
  });

  describe(`devices ${name}`, () => {
    const device = (id: string, more: Partial<DeviceRecord> = {}): DeviceRecord => ({
      id,
      aor: 'alice@pbx.test',
      description: 'Phone, 198.51.100.0/24',
      state: 'pending',
      source: '198.51.100.7',
      firstAt: 10,
      decidedAt: 10,
      decidedBy: '',
      ...more,
    });

    test('are found by the next process as they were decided last', async () => {
      const processes = new Processes(make);
      const { devices } = await processes.next();
      const approved = device('1'.repeat(16), { state: 'approved', decidedAt: 12, decidedBy: 'admin' });
      devices.keep(device('1'.repeat(16)));
      devices.keep(device('2'.repeat(16)));
      devices.keep(approved);
      devices.keep(device('3'.repeat(16)));
      devices.forget('3'.repeat(16));
      const found = (await processes.next()).devices.load();
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining([approved, device('2'.repeat(16))]));
    });
  });

  describe(`nonces ${name}`, () => {
    test('that were left at an orderly end are found once', async () => {
      const processes = new Processes(make);
      const first = await processes.next();
      expect(first.nonces.load()).toBeUndefined();
      const window = { nonce: 'n'.repeat(40), issuedAt: 1, highest: 4_294_967_295, seen: 'ffffffffffffffff' };
      const kept: KeptNonces = { v: 1, startedAt: 0, forgottenUpTo: 5, windows: [window] };
      first.nonces.keep({ v: 1, startedAt: 0, windows: [] });
      first.nonces.keep(kept);
      expect((await processes.next()).nonces.load()).toEqual(kept);
      expect((await processes.next()).nonces.load()).toBeUndefined();
    });
  });

  describe(`findings of fraud ${name}`, () => {
    test('hold until they are over or forgotten, locks until they are forgotten', async () => {
      const processes = new Processes(make);
      const { fraud } = await processes.next();
      for (const hold of [refused, all, lock, { ...all, subject: 'user:bob@pbx.test' }]) fraud.keep(hold);
      fraud.forget({ ...all, subject: 'user:bob@pbx.test' });
      expect(fraud.holds(0)).toEqual([refused, all, lock]);
      const over = processes.clock.wall() + 1_000;
      const second = await processes.next();
      expect(second.fraud.holds(0)).toEqual([refused, all, lock]);
      second.fraud.keep({ ...refused, until: over });
      expect(second.fraud.holds(over)).toEqual([all, lock]);
      second.fraud.forget(all);
      processes.clock.move(2_000);
      expect((await processes.next()).fraud.holds(processes.clock.wall())).toEqual([lock]);
    });

    test('know each value once, as it was last seen, the oldest first, and forget what is too old', async () => {
      const processes = new Processes(make);
      const value = { subject, of: 'called-country', value: 'FR', at: 10 } as const satisfies KnownValue;
      const place = { subject, of: 'source', value: '192.0.2.1', at: 20 } as const satisfies KnownValue;
      const { fraud } = await processes.next();
      fraud.learn([value, place], 0);
      fraud.learn([{ ...value, at: 30 }], 0);
      expect(fraud.known()).toEqual([place, { ...value, at: 30 }]);
      const second = await processes.next();
      expect(second.fraud.known()).toEqual([place, { ...value, at: 30 }]);
      second.fraud.learn([], 21);
      expect(second.fraud.known()).toEqual([{ ...value, at: 30 }]);
      expect((await processes.next()).fraud.known()).toEqual([{ ...value, at: 30 }]);
    });
  });
}
