import { describe, expect, test } from 'vitest';
import { accessRefusal } from '../../../src/policy/access.ts';
import { deviceOf, isCertificateOf, networkOf } from '../../../src/policy/device.ts';
import { Devices, defaultDeviceRules } from '../../../src/policy/devices.ts';
import type { RuleTrace } from '../../../src/policy/verdict.ts';
import { MemoryDeviceStore } from '../../../src/store/memory/device-store.ts';

const alice = 'alice@pbx.test';
const phone = { instance: '<urn:uuid:1>', userAgent: 'Phone/1', source: '198.51.100.7' };
const nameless = { instance: undefined, userAgent: 'Phone/1', source: '198.51.100.7' };

function unknown(number: number, aor = alice): ReturnType<typeof deviceOf> {
  return deviceOf(aor, { ...phone, instance: `<urn:uuid:${number}>` }, 'device');
}

describe('a device', () => {
  test('is its instance, wherever it comes from and whatever it calls itself', () => {
    const { id } = deviceOf(alice, phone, 'device');
    expect(deviceOf(alice, { ...phone, userAgent: 'Phone/2', source: '2001:db8::1' }, 'device').id).toBe(id);
    expect(deviceOf(alice, { ...phone, instance: '<urn:uuid:2>' }, 'device').id).not.toBe(id);
    expect(deviceOf('bob@pbx.test', phone, 'device').id).not.toBe(id);
  });

  test('without an instance is its User-Agent in its network; in each network it is another one where that is asked', () => {
    const { id } = deviceOf(alice, nameless, 'device');
    expect(deviceOf(alice, { ...nameless, source: '198.51.100.250' }, 'device').id).toBe(id);
    expect(deviceOf(alice, { ...nameless, source: '198.51.101.7' }, 'device').id).not.toBe(id);
    expect(deviceOf(alice, { ...nameless, userAgent: 'Other' }, 'device').id).not.toBe(id);
    const moving = deviceOf(alice, phone, 'device-and-network').id;
    expect(deviceOf(alice, { ...phone, source: '192.0.2.1' }, 'device-and-network').id).not.toBe(moving);
  });

  test('cannot make its text pass for another device: an instance that says what an agent would', () => {
    const forged = { ...phone, instance: 'Phone/1' };
    expect(deviceOf(alice, forged, 'device').id).not.toBe(deviceOf(alice, nameless, 'device').id);
  });

  test('is described in printable characters, bounded', () => {
    const { description } = deviceOf(alice, { ...phone, userAgent: `\u001b[2J${'x'.repeat(5_000)}` }, 'device');
    expect(description).toMatch(/^[ -~]+$/);
    expect(description.length).toBeLessThan(400);
  });

  test.each([
    ['198.51.100.7', '198.51.100.0/24'],
    ['::ffff:198.51.100.7', '198.51.100.0/24'],
    ['2001:db8:1:2:3::4', '2001:db8:1::/48'],
  ])('comes from a network: %s is in %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  test.each([
    [['sip:alice@PBX.test'], true],
    [['alice@pbx.test'], true],
    [['sips:alice@pbx.test'], true],
    [['Alice@pbx.test'], false],
    [['pbx.test', 'sip:pbx.test'], false],
    [['sip:bob@pbx.test'], false],
    [['sip:alice@pbx.test.evil'], false],
    [[], false],
  ])('is certified by a name of its user alone: %s %s', (names, expected) => {
    expect(isCertificateOf(alice, names)).toBe(expected);
  });
});

describe('devices', () => {
  test('wait once, until somebody decides; a decision holds for a new process too', () => {
    const store = new MemoryDeviceStore();
    const devices = new Devices(store);
    const device = unknown(1);
    expect(devices.ask(device, '198.51.100.7', 10)).toEqual({ standing: 'pending', isNew: true });
    expect(devices.ask(device, '198.51.100.7', 20)).toEqual({ standing: 'pending', isNew: false });
    devices.decide(device.id, 'approved', 'admin', 30);
    expect(devices.pending).toBe(0);
    const after = new Devices(store);
    expect(after.standing(device, 40)).toBe('approved');
    expect(after.list(40)).toMatchObject([{ state: 'approved', decidedBy: 'admin', decidedAt: 30, firstAt: 10 }]);
    after.forget(device.id);
    expect(new Devices(store).standing(device, 50)).toBe('unknown');
  });

  test('that nobody decided on are forgotten after a day, and cannot be approved any more', () => {
    const devices = new Devices(new MemoryDeviceStore());
    const device = unknown(1);
    devices.ask(device, '198.51.100.7', 0);
    const late = defaultDeviceRules.patience;
    expect(devices.list(late)).toEqual([]);
    expect(devices.decide(device.id, 'approved', 'admin', late)).toBeUndefined();
    expect(devices.ask(device, '198.51.100.7', late)).toEqual({ standing: 'pending', isNew: true });
    expect(devices.pending).toBe(1);
  });

  test('of one user wait five at a time, of all together ten thousand; those that were denied are not listed again', () => {
    const store = new MemoryDeviceStore();
    const devices = new Devices(store);
    for (let number = 0; number < 1_000; number += 1) devices.ask(unknown(number), '198.51.100.7', 0);
    expect(devices.pending).toBe(5);
    for (let user = 0; user < 3_000; user += 1) {
      for (let number = 0; number < 5; number += 1) devices.ask(unknown(number, `u${user}@pbx.test`), '192.0.2.1', 0);
    }
    expect(devices.pending).toBe(defaultDeviceRules.pending);
    expect(store.load().length).toBe(defaultDeviceRules.pending);
    const first = unknown(0);
    devices.decide(first.id, 'denied', 'admin', 1);
    expect(devices.ask(first, '198.51.100.7', 2)).toEqual({ standing: 'denied', isNew: false });
    expect(devices.ask(unknown(77, 'late@pbx.test'), '192.0.2.1', defaultDeviceRules.patience).standing).toBe(
      'pending',
    );
  });
});

test('the list has those that wait first, then goes by user, then by when they came', () => {
  const devices = new Devices(new MemoryDeviceStore());
  const orders = [
    [3, 'bob@pbx.test', 30],
    [1, 'bob@pbx.test', 10],
    [2, 'bob@pbx.test', 20],
    [4, 'alice@pbx.test', 40],
    [5, 'alice@pbx.test', 50],
    [6, 'bob@pbx.test', 25],
  ] as const;
  for (const [number, aor, at] of orders) devices.ask(unknown(number, aor), '192.0.2.1', at);
  devices.decide(unknown(4, 'alice@pbx.test').id, 'approved', 'admin', 60);
  devices.decide(unknown(1, 'bob@pbx.test').id, 'denied', 'admin', 60);
  expect(devices.list(60).map(({ aor, firstAt }) => `${aor} ${firstAt}`)).toEqual([
    'alice@pbx.test 50',
    'bob@pbx.test 20',
    'bob@pbx.test 25',
    'bob@pbx.test 30',
    'alice@pbx.test 40',
    'bob@pbx.test 10',
  ]);
});

test('one of several that wait may be decided, and the others of the user still count', () => {
  const devices = new Devices(new MemoryDeviceStore(), { pendingPerUser: 3, pending: 10, patience: 100 });
  const ask = (number: number): string => devices.ask(unknown(number), '192.0.2.1', 0).standing;
  expect([1, 2, 3, 4].map(ask)).toEqual(['pending', 'pending', 'pending', 'unlisted']);
  devices.decide(unknown(2).id, 'approved', 'admin', 0);
  expect(devices.pending).toBe(2);
  expect([4, 5].map(ask)).toEqual(['pending', 'unlisted']);
  for (const number of [1, 3, 4]) devices.forget(unknown(number).id);
  expect(devices.pending).toBe(0);
});

test('where all places are taken, each that becomes free is given to who asks next', () => {
  const rules = { pendingPerUser: 2, pending: 3, patience: 100 };
  const devices = new Devices(new MemoryDeviceStore(), rules);
  const ask = (number: number, now: number): string =>
    devices.ask(unknown(number, `u${number}@pbx.test`), '192.0.2.1', now).standing;
  expect([0, 10, 20].map((now) => ask(now, now))).toEqual(['pending', 'pending', 'pending']);
  expect([ask(1, 21), ask(1, 99)]).toEqual(['unlisted', 'unlisted']);
  expect([ask(1, 100), ask(2, 100), ask(2, 109)]).toEqual(['pending', 'unlisted', 'unlisted']);
  devices.decide(unknown(20, 'u20@pbx.test').id, 'approved', 'admin', 109);
  expect([ask(2, 109), ask(3, 109), ask(3, 110)]).toEqual(['pending', 'unlisted', 'pending']);
  expect(devices.pending).toBe(3);
});

describe('a second factor', () => {
  const terms = { zones: [], secondFactor: 'device' } as const;
  const facts = { from: '198.51.100.7 over phones', zones: [] };

  test.each(['pending', 'unknown', 'unlisted', 'denied'] as const)(
    'is missing with a device that is %s',
    (standing) => {
      const trace: RuleTrace[] = [];
      const refusal = accessRefusal(alice, terms, { ...facts, device: { standing, text: '3f2a: Phone' } }, trace);
      expect(refusal).toMatchObject({ code: 'device-denied', status: 403, text: 'Device not approved' });
      expect(refusal?.detail).toContain(standing);
      expect(trace).toEqual([{ rule: 'device', input: '3f2a: Phone', answer: `deny: ${standing}` }]);
    },
  );

  test('is there with an approved device or a certificate, and missing where nothing is known', () => {
    for (const standing of ['approved', 'certified'] as const) {
      expect(accessRefusal(alice, terms, { ...facts, device: { standing, text: '' } }, [])).toBeUndefined();
    }
    expect(accessRefusal(alice, terms, facts, [])?.code).toBe('device-denied');
    expect(accessRefusal(alice, terms, undefined, [])?.code).toBe('device-denied');
  });
});
