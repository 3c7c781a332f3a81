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

const day = 24 * 60 * minute;
const free = { path: '/state', totalBytes: 10_000_000_000 };

interface Machine {
  readonly scheduler: FakeScheduler;
  readonly alerts: Alert[];
  readonly warned: string[];
  /** When each certificate ends; the watch asks for these files. */
  readonly ends: Map<string, number | undefined>;
  freeBytes: number | undefined;
  lost: number;
  minutes(count: number): Promise<void>;
}

function machine(): Machine {
  const scheduler = new FakeScheduler();
  const alerts: Alert[] = [];
  const warned: string[] = [];
  const ends = new Map<string, number | undefined>();
  const made: Machine = {
    scheduler,
    alerts,
    warned,
    ends,
    freeBytes: free.totalBytes,
    lost: 0,
    minutes: async (count) => {
      for (let n = 0; n < count; n += 1) {
        scheduler.advance(minute);
        await looked();
      }
    },
  };
  const watch = new NodeWatch({
    certificates: () => [...ends.keys()],
    stateDirectory: free.path,
    files: () => [],
    root: '/nowhere',
    workersLost: () => made.lost,
    scheduler,
    logger: { ...silentLogger, warn: (event) => warned.push(event), child: () => silentLogger },
    onAlert: (alert) => {
      if (alert.kind !== 'host') alerts.push(alert);
    },
    gather: async ({ certificates }) => ({
      ...emptyFacts,
      sensors: [],
      certificates: certificates.flatMap((file) => {
        const validUntil = ends.get(file);
        return validUntil === undefined ? [] : [{ file, validUntil }];
      }),
      disk: made.freeBytes === undefined ? undefined : { ...free, freeBytes: made.freeBytes },
    }),
  });
  onTestFinished(() => watch.close());
  return made;
}

test('tells of a certificate in its last fourteen days, once a day, and of no other', async () => {
  const { scheduler, alerts, ends, minutes } = machine();
  ends.set('soon.crt', scheduler.clock.wall() + 14 * day + 10 * minute);
  ends.set('later.crt', scheduler.clock.wall() + 40 * day);
  await minutes(9);
  expect(alerts).toEqual([]);
  await minutes(120);
  expect(alerts).toEqual([{ kind: 'certificate-expiring', file: 'soon.crt', daysLeft: 13 }]);
  await minutes(day / minute);
  expect(alerts.slice(1)).toEqual([{ kind: 'certificate-expiring', file: 'soon.crt', daysLeft: 12 }]);
  ends.set('soon.crt', scheduler.clock.wall() + 90 * day);
  await minutes(120);
  expect(alerts).toHaveLength(2);
});

test('logs once of a certificate and of a disk that cannot be looked at', async () => {
  const made = machine();
  made.ends.set('none.crt', undefined);
  made.freeBytes = undefined;
  await made.minutes(120);
  expect(made.warned).toEqual(['certificate-unreadable', 'disk-unknown']);
  expect(made.alerts).toEqual([]);
});

test('tells of a disk with less than a twentieth free, once, and again after it had room for five minutes', async () => {
  const made = machine();
  const low: Alert = { kind: 'disk-low', ...free, freeBytes: 499_999_999 };
  made.freeBytes = 500_000_000;
  await made.minutes(120);
  expect(made.alerts).toEqual([]);
  const lowAfterRoomFor = async (minutes: number): Promise<void> => {
    made.freeBytes = free.totalBytes;
    await made.minutes(minutes);
    made.freeBytes = low.freeBytes;
    await made.minutes(120);
  };
  for (const minutes of [0, 1, 4]) await lowAfterRoomFor(minutes);
  expect(made.alerts).toEqual([low]);
  await lowAfterRoomFor(5);
  expect(made.alerts).toEqual([low, low]);
});

test('tells of a wall clock that jumps by five seconds or more, each way once, and again after it was steady for five minutes', async () => {
  const { scheduler, alerts, minutes } = machine();
  const jump = async (by: number): Promise<void> => {
    scheduler.clock.jumpWall(by);
    await minutes(1);
  };
  for (const drift of [4_999, -4_999]) await jump(drift);
  expect(alerts).toEqual([]);
  for (let n = 0; n < 10; n += 1) await jump(5_000);
  await jump(-3_600_000);
  const told: Alert[] = [
    { kind: 'clock-jumped', millis: 5_000 },
    { kind: 'clock-jumped', millis: -3_600_000 },
  ];
  expect(alerts).toEqual(told);
  await minutes(5);
  await jump(-5_000);
  expect(alerts).toEqual([...told, { kind: 'clock-jumped', millis: -5_000 }]);
});

test('tells of workers that were lost, once while as many are lost each minute, and again after none was for five', async () => {
  const made = machine();
  const lose = async (count: number): Promise<void> => {
    made.lost += count;
    await made.minutes(1);
  };
  await made.minutes(10);
  for (let n = 0; n < 10; n += 1) await lose(1);
  await lose(2);
  const told: Alert[] = [
    { kind: 'worker-lost', count: 1 },
    { kind: 'worker-lost', count: 2 },
  ];
  expect(made.alerts).toEqual(told);
  await made.minutes(5);
  await lose(1);
  expect(made.alerts).toEqual([...told, { kind: 'worker-lost', count: 1 }]);
});
