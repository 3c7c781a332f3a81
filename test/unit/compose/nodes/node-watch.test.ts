// What the running SBC tells of its machine: once, and again only after it was gone for a while.
import { expect, onTestFinished, test } from 'vitest';
import { NodeWatch } from '../../../../src/compose/nodes/node-watch.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { HostFacts } from '../../../../src/observe/doctor/host-facts.ts';
import type { Alert } from '../../../../src/policy/alert.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

const minute = 60_000;
const emptyFacts: Omit<HostFacts, 'sensors'> = {
  uid: 1_000,
  nodeVersion: process.versions.node,
  opensslVersion: process.versions.openssl ?? '',
  files: [],
  certificates: [],
  disk: undefined,
  descriptors: undefined,
  ioUringDisabled: undefined,
};

/** What was asked of the machine has been judged. */
async function looked(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function watching(): { readonly told: string[]; heat(degrees: number): void; minutes(count: number): Promise<void> } {
  let value = 20;
  const scheduler = new FakeScheduler();
  const told: string[] = [];
  const watch = new NodeWatch({
    certificates: () => [],
    stateDirectory: '/nowhere',
    files: () => [],
    root: '/nowhere',
    workersLost: () => 0,
    scheduler,
    logger: silentLogger,
    onAlert: (alert: Alert) => {
      if (alert.kind === 'host' && alert.finding.startsWith('temperature')) told.push(alert.severity);
    },
    gather: async () => ({
      ...emptyFacts,
      sensors: [{ kind: 'temperature', name: 'hwmon0/temp1', value, max: 70, critical: 90, isAlarm: false }],
    }),
  });
  onTestFinished(() => watch.close());
  return {
    told,
    heat: (degrees) => {
      value = degrees;
    },
    minutes: async (count) => {
      for (let n = 0; n < count; n += 1) {
        scheduler.advance(minute);
        await looked();
      }
    },
  };
}

test('tells of a temperature once, not with every look', async () => {
  const { told, heat, minutes } = watching();
  await minutes(3);
  expect(told).toEqual([]);
  heat(75);
  await minutes(10);
  expect(told).toEqual(['warning']);
});

test('tells of one that becomes worse', async () => {
  const { told, heat, minutes } = watching();
  heat(75);
  await minutes(2);
  heat(95);
  await minutes(2);
  expect(told).toEqual(['warning', 'critical']);
});

test('does not chatter when a value swings about its limit, and tells again after it was well for five looks', async () => {
  const { told, heat, minutes } = watching();
  for (let swing = 0; swing < 10; swing += 1) {
    heat(70);
    await minutes(1);
    heat(69);
    await minutes(1);
  }
  expect(told).toEqual(['warning']);
  await minutes(5);
  heat(70);
  await minutes(1);
  expect(told).toEqual(['warning', 'warning']);
});
