// Requests from forged sources leave nothing behind (RFC 3261 §26.1.5, RFC 7616 §5.7 on denial of service).
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Headers } from '../../src/sip/message/headers.ts';
import { noBody, type SipRequest } from '../../src/sip/message/message.ts';
import { authorization, datagramFrom, GateFixture } from '../unit/sip/auth/gate-fixture.ts';

setFlagsFromString('--expose-gc');
const exposed: unknown = runInNewContext('gc');

function collectGarbage(): void {
  if (typeof exposed !== 'function') throw new Error('the collector is not exposed');
  Reflect.apply(exposed, undefined, []);
}

/** As the parser makes it, without the cost of parsing. */
function spoofed(index: number, headers: readonly (readonly [string, string])[]): SipRequest {
  return {
    kind: 'request',
    method: 'INVITE',
    uri: 'sip:600@pbx.test',
    headers: Headers.of(
      ['Via', `SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK${index}`],
      ['From', `<sip:user${index}@pbx.test>;tag=${index}`],
      ['To', '<sip:600@pbx.test>'],
      ['Call-ID', `spoofed-${index}`],
      ['CSeq', '1 INVITE'],
      ...headers,
    ),
    body: noBody,
  };
}

test('300,000 requests from forged sources leave no state', { timeout: 120_000 }, async () => {
  const fixture = new GateFixture();
  const forged = authorization({ method: 'INVITE', uri: 'sip:600@pbx.test', nonce: 'A'.repeat(40) });
  const credentials: readonly [string, string] = ['Authorization', forged.slice('Authorization: '.length)];
  const flood = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      const flow = datagramFrom(`${index >>> 16}.${(index >>> 8) & 255}.${index & 255}.7`);
      fixture.gate.admit(spoofed(index, index % 2 === 0 ? [] : [credentials]), flow);
      fixture.outcomes.length = 0;
      fixture.observed.length = 0;
    }
  };
  flood(20_000);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  flood(300_000);
  collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000);
  expect(fixture.gate.pending).toBe(0);
  expect(fixture.gate.nonceWindows).toBe(0);
  expect(fixture.scheduler.pending).toBe(0);
  expect(fixture.store.asked).toEqual([]);
});

test('wrong passwords under good nonces leave no state either', async () => {
  const fixture = new GateFixture();
  for (let index = 0; index < 2000; index += 1) {
    await fixture.send(await fixture.signed('REGISTER', {}, { username: `user${index}`, password: 'guess' }));
  }
  expect(fixture.observed.filter((event) => event.startsWith('failed wrong-response'))).toHaveLength(2000);
  expect({ pending: fixture.gate.pending, windows: fixture.gate.nonceWindows }).toEqual({ pending: 0, windows: 0 });
  expect(fixture.scheduler.pending).toBe(0);
});

test('who knows a password can fill the nonce windows, and no more', async () => {
  const fixture = new GateFixture({
    limits: { pendingLookUps: 8, lookUpDeadline: 3000, nonceLifetime: 300_000, nonceWindows: 50 },
  });
  for (let index = 0; index < 500; index += 1) {
    fixture.scheduler.advance(1);
    await fixture.send(await fixture.signed('REGISTER'));
  }
  expect(fixture.gate.nonceWindows).toBe(50);
  fixture.scheduler.advance(300_001);
  await fixture.send(await fixture.signed('REGISTER'));
  expect(fixture.gate.nonceWindows).toBe(1);
});
