// The end of a process, and the operator's word: new calls are turned away, those that run are served or ended with a reason.
import { expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';

test('a drain refuses new calls with 503 and Retry-After, and serves those that run', async () => {
  const s = new Scenario();
  const { phone, call, leg } = await connect(s);
  let isDrained = false;
  void s.b2bua.drain().then(() => {
    isDrained = true;
  });
  const refused = await s.phone('bob').invite('600');
  const refusal = await refused.takeRefusal(503);
  expect(Number(refusal.headers.get('Retry-After'))).toBeGreaterThan(0);
  await call.send('INVITE', { body: phone.offer({ direction: 'sendonly', version: 2 }) });
  await leg.respond(leg.peer.takeRequest('INVITE'), 200, { body: pbxSdp({ direction: 'recvonly', version: 2 }) });
  await call.takeAnswer();
  leg.takeAck();
  expect(isDrained).toBe(false);
  await hangUp({ call, leg });
  expect(isDrained).toBe(true);
  await s.finish();
  expect(s.records.map(({ refusal: reason }) => reason?.code)).toEqual(['draining', undefined]);
});

test('the end of a drain ends what still runs, with its reason on both sides', async () => {
  const s = new Scenario();
  const { call, leg } = await connect(s);
  s.b2bua.endAll();
  await s.settle();
  expect((await call.takeBye()).headers.get('Reason')).toContain('Service is restarting');
  await leg.takeBye();
  await s.finish();
  expect(s.record.cause).toBe('draining');
});

test('an operator ends a call on both sides', async () => {
  const s = new Scenario();
  const { call, leg } = await connect(s);
  expect(s.b2bua.end(s.b2bua.calls()[0]?.id ?? '')).toBe(true);
  expect(s.b2bua.end('no-such-call')).toBe(false);
  await call.takeBye();
  await leg.takeBye();
  await s.finish();
  expect(s.record.cause).toBe('operator');
});
