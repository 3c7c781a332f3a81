import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Devices } from '../../../src/policy/devices.ts';
import { StateDatabase } from '../../../src/store/sqlite/database.ts';
import { SqliteDeviceStore } from '../../../src/store/sqlite/device-store.ts';

test('devices, what was decided on them and what was forgotten outlive the process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pc-devices-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'portcullis.db');
  const use = <T>(work: (devices: Devices) => T): T => {
    const database = StateDatabase.open(file);
    try {
      return work(new Devices(new SqliteDeviceStore(database)));
    } finally {
      database.close();
    }
  };
  const one = { id: '1'.repeat(16), aor: 'alice@pbx.test', description: 'Phone, 198.51.100.0/24' };
  const two = { ...one, id: '2'.repeat(16) };
  use((devices) => {
    devices.ask(one, '198.51.100.7', 10.4);
    devices.ask(two, '198.51.100.7', 11);
    devices.decide(one.id, 'approved', 'admin', 12.6);
  });
  expect(use((devices) => devices.list(20))).toEqual([
    { ...two, state: 'pending', source: '198.51.100.7', firstAt: 11, decidedAt: 11, decidedBy: '' },
    { ...one, state: 'approved', source: '198.51.100.7', firstAt: 10, decidedAt: 13, decidedBy: 'admin' },
  ]);
  use((devices) => devices.forget(two.id));
  expect(use((devices) => devices.list(20).map(({ id }) => id))).toEqual([one.id]);
});
