// What the running SBC tells of its machine: once, and again only after it was gone for a while.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { NodeWatch } from '../../../src/compose/node-watch.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Alert } from '../../../src/policy/alert.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

const minute = 60_000;

function watching(): { readonly told: string[]; heat(degrees: number): void; minutes(count: number): void } {
  const root = mkdtempSync(join(tmpdir(), 'pc-watch-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const chip = join(root, 'sys/class/hwmon/hwmon0');
  mkdirSync(chip, { recursive: true });
  writeFileSync(join(chip, 'temp1_max'), '70000');
  writeFileSync(join(chip, 'temp1_crit'), '90000');
  const heat = (degrees: number): void => writeFileSync(join(chip, 'temp1_input'), String(degrees * 1_000));
  heat(20);
  const scheduler = new FakeScheduler();
  const told: string[] = [];
  const watch = new NodeWatch({
    certificates: () => [],
    stateDirectory: root,
    files: () => [],
    root,
    workersLost: () => 0,
    scheduler,
    logger: silentLogger,
    onAlert: (alert: Alert) => {
      if (alert.kind === 'host' && alert.finding.startsWith('temperature')) told.push(alert.severity);
    },
  });
  onTestFinished(() => watch.close());
  return {
    told,
    heat,
    minutes: (count) => {
      for (let n = 0; n < count; n += 1) scheduler.advance(minute);
    },
  };
}

test('tells of a temperature once, not with every look', () => {
  const { told, heat, minutes } = watching();
  minutes(3);
  expect(told).toEqual([]);
  heat(75);
  minutes(10);
  expect(told).toEqual(['warning']);
});

test('tells of one that becomes worse', () => {
  const { told, heat, minutes } = watching();
  heat(75);
  minutes(2);
  heat(95);
  minutes(2);
  expect(told).toEqual(['warning', 'critical']);
});

test('does not chatter when a value swings about its limit, and tells again after it was well for five looks', () => {
  const { told, heat, minutes } = watching();
  for (let swing = 0; swing < 10; swing += 1) {
    heat(70);
    minutes(1);
    heat(69);
    minutes(1);
  }
  expect(told).toEqual(['warning']);
  minutes(5);
  heat(70);
  minutes(1);
  expect(told).toEqual(['warning', 'warning']);
});
