import { describe, expect, test } from 'vitest';
import { DeviceDesk } from '../../../../src/compose/site/device-desk.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import type { DeviceRecord } from '../../../../src/policy/devices.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody } from '../../../../src/sip/message/message.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { FakeClock } from '../../../support/fake-time.ts';

const aor = 'alice@pbx.test';
const flow: Flow = {
  id: 'flow-1',
  listener: 'phones',
  network: 'outside',
  transport: 'tls',
  reliable: true,
  secure: true,
  local: { address: '192.0.2.1', port: 5_061 },
  remote: { address: '198.51.100.7', port: 40_000 },
  peerNames: [],
};
const request = {
  kind: 'request',
  method: 'REGISTER',
  uri: 'sip:pbx.test',
  headers: Headers.empty,
  body: noBody,
} as const;
const asking = { request, flow, aor, factor: 'device' } as const;

/** A node that tells `others` what it decides. */
function node(others: () => DeviceDesk): { readonly desk: DeviceDesk; readonly dropped: string[] } {
  const kept = new Map<string, DeviceRecord>();
  const dropped: string[] = [];
  const desk = new DeviceDesk({
    store: {
      load: () => [],
      keep: (record) => void kept.set(record.id, record),
      forget: (id) => void kept.delete(id),
    },
    instanceOn: () => undefined,
    judgeCode: () => 'not-enrolled',
    onDropped: (user) => void dropped.push(user),
    clock: new FakeClock(),
    logger: silentLogger,
    onAlert: () => {},
    others: {
      decided: (record) => others().adopt(record),
      forgotten: (device) => void others().adoptForgotten(device),
    },
  });
  return { desk, dropped };
}

describe('a device', () => {
  test('that is decided at one node is so at another one, which may never have seen it', () => {
    const one = node(() => two.desk);
    const two = node(() => one.desk);
    one.desk.ask(asking);
    const [pending] = one.desk.list();
    expect(two.desk.list()).toEqual([]);
    one.desk.decide(pending?.id ?? '', 'approved', 'admin');
    expect(two.desk.facts(asking)?.standing).toBe('approved');
    two.desk.decide(pending?.id ?? '', 'denied', 'admin');
    expect([one, two].map(({ desk }) => desk.facts(asking)?.standing)).toEqual(['denied', 'denied']);
    expect([one.dropped, two.dropped]).toEqual([[aor], [aor]]);
    one.desk.forget(pending?.id ?? '');
    expect([one, two].map(({ desk }) => desk.list().length)).toEqual([0, 0]);
  });
});
