import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { AlertDelivery, firstRetry } from '../../../src/observe/alerts/alert-delivery.ts';
import { AlertGatherer } from '../../../src/observe/alerts/alert-gatherer.ts';
import { AlertSpool, mostSpooled, type SpooledNotice } from '../../../src/observe/alerts/alert-spool.ts';
import { describe as describeAlert, isAtLeast, type Notice } from '../../../src/observe/alerts/notice.ts';
import type { Alert } from '../../../src/policy/alert.ts';
import { FakeScheduler, SeededRandom } from '../../support/fake-time.ts';

const down: Alert = { kind: 'peer-down', peer: 'trunk:carrier' };
const window = 300_000;

class Gathered {
  readonly scheduler = new FakeScheduler();
  readonly notices: Notice[] = [];
  readonly gatherer = new AlertGatherer({
    node: 'edge1',
    rules: { window, noticesPerMinute: 5 },
    scheduler: this.scheduler,
    random: new SeededRandom(1),
    onNotice: (notice) => this.notices.push(notice),
  });
}

describe('gathering', () => {
  test('the first goes out at once, those after it as one when the window is over, and so on while they come', () => {
    const g = new Gathered();
    g.gatherer.take(down);
    expect(g.notices).toMatchObject([{ kind: 'peer-down', subject: 'trunk:carrier', count: 1, severity: 'critical' }]);
    for (let n = 0; n < 7; n += 1) g.gatherer.take(down);
    expect(g.notices).toHaveLength(1);
    g.scheduler.advance(window);
    expect(g.notices[1]).toMatchObject({ count: 7 });
    g.gatherer.take(down);
    expect(g.notices).toHaveLength(2);
    g.scheduler.advance(window);
    expect(g.notices[2]).toMatchObject({ count: 1 });
    g.scheduler.advance(window);
    g.gatherer.take(down);
    expect(g.notices).toHaveLength(4);
    g.scheduler.advance(window);
    expect(g.scheduler.pending).toBe(0);
  });

  test('others are not held back by it, but there are no more than so many a minute, and none is lost', () => {
    const g = new Gathered();
    for (let n = 0; n < 12; n += 1) g.gatherer.take({ kind: 'peer-down', peer: `trunk:${n}` });
    expect(g.notices).toHaveLength(5);
    g.gatherer.flush();
    expect(new Set(g.notices.map(({ subject }) => subject)).size).toBe(12);
    expect(g.scheduler.pending).toBe(0);
  });

  test('a thousand subjects are told apart; more are gathered by their kind, and none is lost', () => {
    const g = new Gathered();
    const alert = (n: number): Alert => ({ kind: 'banned', source: `192.0.2.${n}`, reason: 'malformed', until: 0 });
    for (let n = 0; n < 5_000; n += 1) g.gatherer.take(alert(n));
    g.gatherer.flush();
    expect(g.notices.reduce((sum, { count }) => sum + count, 0)).toBe(5_000);
    expect(g.notices.length).toBeLessThanOrEqual(1_001);
  });
});

test.each<[Alert, string, string]>([
  [
    { kind: 'emergency-call', call: '1', caller: 'alice', number: '112' },
    'critical',
    'emergency call from alice to 112',
  ],
  [
    { kind: 'fraud', rule: 'night', subject: 'bob', level: 'warn', detail: 'x', actions: [], shadow: false },
    'warning',
    'fraud rule night: bob: x',
  ],
  [
    { kind: 'fraud', rule: 'night', subject: 'bob', level: 'act', detail: 'x', actions: ['refuse-all'], shadow: true },
    'critical',
    'fraud rule night: bob: x; in shadow, would have done: refuse-all',
  ],
  [
    { kind: 'banned', source: '192.0.2.1', account: 'eve', reason: 'wrong-password', until: 0 },
    'warning',
    'eve from 192.0.2.1',
  ],
  [{ kind: 'peer-up', peer: 'pbx:main' }, 'info', 'answers again'],
  [
    { kind: 'media-flood', call: 'c1', party: 'user:eve@pbx.test', packetsPerSecond: 175, bytesPerSecond: 18_400 },
    'warning',
    'user:eve@pbx.test sends more media than it may (175 packets and 18400 bytes a second; call c1)',
  ],
  [{ kind: 'media-flood', call: 'c1', packetsPerSecond: 1, bytesPerSecond: 2 }, 'warning', 'call c1 sends more'],
  [
    { kind: 'one-way-audio', call: 'c1', party: 'user:eve@pbx.test' },
    'info',
    'one-way audio: nothing is heard of user:eve@pbx.test while the other side is (call c1)',
  ],
  [{ kind: 'worker-lost', count: 2 }, 'critical', '2 media workers'],
  [{ kind: 'records-lost' }, 'critical', 'call records are lost'],
  [
    { kind: 'store-trouble', trouble: 'not-written', detail: 'disk full' },
    'critical',
    'cannot be written, and is tried again: disk full',
  ],
  [{ kind: 'store-trouble', trouble: 'thread-lost', detail: 'gone' }, 'warning', 'the thread of the store ended'],
  [{ kind: 'certificate-expiring', file: 'a.crt', daysLeft: 3 }, 'critical', 'expires in 3 days'],
  [{ kind: 'certificate-expiring', file: 'a.crt', daysLeft: 13 }, 'warning', 'expires in 13 days'],
  [{ kind: 'disk-low', path: '/var', freeBytes: 1, totalBytes: 2 }, 'critical', '/var has 1 bytes'],
  [{ kind: 'clock-jumped', millis: -7_000 }, 'warning', 'jumped by -7000 ms'],
  [{ kind: 'host', finding: 'fan', severity: 'warning', detail: 'fan 2 stands still' }, 'warning', 'fan 2'],
])('%j is %s', (alert, severity, text) => {
  const described = describeAlert(alert);
  expect(described.severity).toBe(severity);
  expect(described.text).toContain(text);
});

test('a receiver hears what is at least as bad as it asked for', () => {
  expect(isAtLeast('critical', 'warning')).toBe(true);
  expect(isAtLeast('warning', 'warning')).toBe(true);
  expect(isAtLeast('info', 'warning')).toBe(false);
});

describe('delivery', () => {
  let directory = '';
  const notice = (id: string): Notice => ({
    v: 1,
    id,
    node: 'edge1',
    kind: 'peer-down',
    severity: 'critical',
    subject: 's',
    text: 't',
    firstAt: 1,
    lastAt: 1,
    count: 1,
  });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pc-alerts-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  });

  /** A receiver that refuses while `isDown`. */
  class Receiver {
    readonly name = 'ops';
    readonly scheduler = new FakeScheduler();
    readonly taken: string[] = [];
    isDown = false;
    lost = 0;
    readonly delivery = new AlertDelivery({
      receiver: { name: this.name, deliver: (one) => this.#deliver(one) },
      spool: new AlertSpool(join(directory, this.name)),
      scheduler: this.scheduler,
      logger: silentLogger,
      onLost: (count) => {
        this.lost += count;
      },
    });

    #deliver({ id }: SpooledNotice): Promise<void> {
      if (this.isDown) return Promise.reject(new Error('down'));
      this.taken.push(id);
      return Promise.resolve();
    }
  }

  async function until(isSo: () => boolean): Promise<void> {
    for (let tries = 0; tries < 100_000 && !isSo(); tries += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isSo()).toBe(true);
  }

  test('takes a notice off the disk when it was taken', async () => {
    const ops = new Receiver();
    await ops.delivery.send(notice('one'));
    await until(() => ops.taken.length === 1);
    await ops.delivery.close();
    expect(readdirSync(join(directory, 'ops'))).toEqual([]);
  });

  test('keeps the order while the receiver is down, and tries again later each time', async () => {
    const ops = new Receiver();
    ops.isDown = true;
    await ops.delivery.send(notice('one'));
    await until(() => ops.scheduler.pending === 1);
    await ops.delivery.send(notice('two'));
    ops.scheduler.advance(firstRetry);
    await until(() => ops.scheduler.pending === 1);
    ops.isDown = false;
    ops.scheduler.advance(firstRetry);
    expect(ops.taken).toEqual([]);
    ops.scheduler.advance(firstRetry);
    await until(() => ops.taken.length === 2);
    expect(ops.taken).toEqual(['one', 'two']);
    await ops.delivery.close();
  });

  test('is taken up by the next process, and a damaged file is put aside', async () => {
    const first = new Receiver();
    first.isDown = true;
    await first.delivery.send(notice('one'));
    await until(() => first.scheduler.pending === 1);
    await first.delivery.close();
    writeFileSync(join(directory, 'ops', '000000000000000-000000-x.json'), '{"v":1');
    const second = new Receiver();
    second.delivery.begin();
    await until(() => second.taken.length === 1);
    await second.delivery.close();
    expect(readdirSync(join(directory, 'ops'))).toEqual(['000000000000000-000000-x.json.damaged']);
  });

  test('counts what a disk does not take', async () => {
    const file = join(directory, 'ops');
    writeFileSync(file, 'not a folder');
    const ops = new Receiver();
    await ops.delivery.send(notice('one'));
    expect(ops.lost).toBe(1);
    await ops.delivery.close();
    expect(existsSync(file)).toBe(true);
    expect(mostSpooled).toBeGreaterThan(100);
  });
});
