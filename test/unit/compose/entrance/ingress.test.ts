// What the way in refuses before anything is kept of it: whole answers, the same for each copy (RFC 3261 §8.2.6.2, §8.2.7).
import { expect, test } from 'vitest';
import { Ingress } from '../../../../src/compose/entrance/ingress.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { messageError } from '../../../../src/sip/message/message-error.ts';
import { Scenario } from '../../../support/scenario.ts';

function ingressOf(s: Scenario): Ingress {
  return new Ingress({
    userAgent: s.userAgent,
    gate: s.gate,
    bans: s.bans,
    overload: s.overload,
    waiting: () => ({ places: 10, patience: 20_000 }),
    scheduler: s.scheduler,
    nextTurn: setImmediate,
    isEmergency: () => false,
    rate: () => ({ allow: () => Promise.resolve(false) }),
    rules: () => s.site.gateRules,
    transport: s.wire,
    metrics: { request: () => {}, dropped: () => {} },
    logger: silentLogger,
    onFlowClosed: () => {},
  });
}

test('a source that asks too often gets 503 with Retry-After and a To-tag, the same for each copy', async () => {
  const s = new Scenario();
  const ingress = ingressOf(s);
  const phone = s.phone('alice');
  const { invite } = phone.dial('600');
  for (let copy = 0; copy < 2; copy += 1) ingress.onMessage(invite, phone.flow, new Uint8Array(600));
  await s.settle();
  const [first, second] = [phone.takeResponse(503, 'INVITE'), phone.takeResponse(503, 'INVITE')];
  expect(first.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(first.headers.get('To')).toMatch(/;tag=\w+$/);
  expect(second).toEqual(first);
  await s.finish();
});

test('a request that cannot be read is answered with a To-tag', async () => {
  const s = new Scenario();
  const phone = s.phone('alice');
  const answerable = phone.dial('600').invite;
  ingressOf(s).onUnparsable({ ...messageError('header', 'unreadable'), answerable }, phone.flow);
  expect(phone.takeResponse(400, 'INVITE').headers.get('To')).toMatch(/;tag=\w+$/);
  await s.finish();
});
