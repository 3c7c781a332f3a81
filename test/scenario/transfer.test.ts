// Blind transfer (RFC 3515, RFC 5589 §6): a REFER is a new call of whoever sends it, under its policy and with its own record. What
// fails leaves the first call as it was; nothing leaks whoever hangs up first.
import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { type Connected, connect, connectFromPbx, hangUp, pbxSdp, transfer } from '../support/scenario-calls.ts';
import { CalleeLeg, type Field } from '../support/scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

const on: ScenarioOptions = { tables: '[transfers]\nrefer = "handle"' };

function referTo(uri: string, fields: readonly Field[] = []): { readonly fields: readonly Field[] } {
  return { fields: [['Refer-To', `<${uri}>`], ...fields] };
}

/** The phone refers, and is told that it is tried. */
async function refer(
  { phone, call }: Connected,
  uri = 'sip:601@pbx.test',
  fields: readonly Field[] = [],
): Promise<void> {
  await call.send('REFER', referTo(uri, fields));
  phone.takeResponse(202, 'REFER');
  expect(await takeProgress({ phone, call })).toMatchObject({
    state: 'active;expires=180',
    fragment: 'SIP/2.0 100 Trying',
  });
}

async function takeProgress({ phone, call }: Pick<Connected, 'phone' | 'call'>): Promise<{
  readonly event: string | undefined;
  readonly state: string | undefined;
  readonly fragment: string;
}> {
  const notify = phone.takeRequest('NOTIFY');
  await call.respond(notify, 200);
  const { headers, body } = notify;
  const fragment = Buffer.from(body).toString().trim();
  return { event: headers.get('Event'), state: headers.get('Subscription-State'), fragment };
}

function origin(body: Uint8Array): { readonly session: string; readonly version: number } {
  const [, session = '', version = ''] = /^o=\S+ (\d+) (\d+) /m.exec(Buffer.from(body).toString()) ?? [];
  return { session, version: Number(version) };
}

describe('a REFER', () => {
  test('becomes a call of the referrer: its target answers, and the leg that stays gets its media', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    const { phone, leg } = first;
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    expect(target.invite.uri).toBe('sip:601@10.0.0.5:5060');
    expect(target.invite.headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(target.invite.body).toHaveLength(0);
    await target.ring();
    expect(await takeProgress(first)).toMatchObject({ event: 'refer', fragment: 'SIP/2.0 180 Ringing' });
    await target.answer(pbxSdp({ port: 31_000 }));
    const reinvite = s.pbx.takeRequest('INVITE');
    expect(reinvite.headers.get('Call-ID')).toBe(leg.state.callId);
    // RFC 3264 §8: the same description goes on, one version further.
    expect(origin(reinvite.body)).toEqual({
      session: origin(leg.invite.body).session,
      version: origin(leg.invite.body).version + 1,
    });
    await leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    expect(leg.takeAck().headers.get('Call-ID')).toBe(leg.state.callId);
    expect(target.takeAck().body.length).toBeGreaterThan(0);
    expect(await takeProgress(first)).toMatchObject({
      state: 'terminated;reason=noresource',
      fragment: 'SIP/2.0 200 OK',
    });
    await first.call.takeBye();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test' }]);
    phone.expectNothing();
    await s.advance(3_000);
    await target.hangUp();
    await leg.takeBye();
    await s.finish();
    const [before, after] = s.records;
    expect(before).toMatchObject({ cause: 'transferred', transferOf: undefined });
    expect(after).toMatchObject({
      cause: 'callee-hung-up',
      transferOf: before?.callId,
      caller: { kind: 'user', name: 'alice@pbx.test' },
      dialled: '601',
      duration: 3_000,
    });
  });

  test('whose target is busy leaves the first call as it was', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    await CalleeLeg.take(s.pbx, 'target-tag').refuse(486);
    expect(await takeProgress(first)).toMatchObject({
      state: 'terminated;reason=noresource',
      fragment: 'SIP/2.0 486 Busy Here',
    });
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    await first.call.send('REFER', referTo('sip:602@pbx.test'));
    first.phone.takeResponse(202, 'REFER');
    expect((await takeProgress(first)).event).toMatch(/^refer;id=\d+$/);
    await CalleeLeg.take(s.pbx, 'target-tag').refuse(404);
    await takeProgress(first);
    await hangUp(first);
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['failed', 'failed', 'caller-hung-up']);
  });

  test('goes on when the referrer hangs up at once, as phones do', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    const { phone, leg } = first;
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    await first.call.hangUp();
    s.pbx.expectNothing();
    await target.answer(pbxSdp({ port: 31_000 }));
    await leg.respond(s.pbx.takeRequest('INVITE'), 200, { body: pbxSdp({ version: 2 }) });
    leg.takeAck();
    target.takeAck();
    // The subscription is a usage of its own, and outlives the BYE (RFC 5057 §4.1).
    expect(await takeProgress(first)).toMatchObject({ fragment: 'SIP/2.0 200 OK' });
    phone.expectNothing();
    await leg.hangUp();
    await target.takeBye();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['caller-hung-up', 'caller-hung-up']);
  });

  test('that fails when the referrer has hung up ends the leg that stayed', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    await first.call.hangUp();
    await target.refuse(486);
    const bye = await first.leg.takeBye();
    expect(bye.headers.get('Reason')).toContain('Transfer failed');
    await takeProgress(first);
    await s.finish();
  });

  test.each([false, true])('is given up when the leg that was to stay hangs up (referrer gone: %s)', async (isGone) => {
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    await target.ring();
    await takeProgress(first);
    if (isGone) await first.call.hangUp();
    await first.leg.hangUp();
    await target.takeCancel();
    const { fragment } = await takeProgress(first);
    expect(fragment).toBe('SIP/2.0 487 Request Terminated');
    if (!isGone) await first.call.takeBye();
    await s.finish();
  });

  test('whose target hangs up before the leg that stays has answered ends everything', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    await target.answer(pbxSdp({ port: 31_000 }));
    const reinvite = s.pbx.takeRequest('INVITE');
    await target.hangUp();
    await first.leg.respond(reinvite, 200, { body: pbxSdp({ version: 2 }) });
    s.pbx.inbox = s.pbx.inbox.filter((message) => !(message.kind === 'request' && message.method === 'ACK'));
    await first.leg.takeBye();
    await takeProgress(first);
    await first.call.takeBye();
    await s.finish();
  });

  test('is tried again elsewhere when the leg that stays refuses the media of the target', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    await target.answer(pbxSdp({ port: 31_000 }));
    await first.leg.respond(s.pbx.takeRequest('INVITE'), 488);
    first.leg.takeAck();
    s.pbx.inbox = s.pbx.inbox.filter((message) => !(message.kind === 'request' && message.method === 'ACK'));
    await target.takeBye();
    expect(await takeProgress(first)).toMatchObject({ fragment: 'SIP/2.0 488 Not Acceptable Here' });
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    await hangUp(first);
    await s.finish();
  });

  test('of the callee transfers the caller, at the cost of the callee', async () => {
    const s = new Scenario(on);
    const bob = await s.registered('bob');
    const { call, leg } = await connectFromPbx(s, bob);
    await leg.send('REFER', referTo('sip:601@pbx.test', [['Refer-Sub', 'false']]));
    expect(bob.takeResponse(202, 'REFER').headers.get('Refer-Sub')).toBe('false');
    const target = CalleeLeg.take(s.pbx, 'target-tag');
    expect(target.invite.headers.get('P-Asserted-Identity')).toContain('sip:bob@pbx.test');
    await target.answer(pbxSdp({ port: 31_000 }));
    await call.respond(s.pbx.takeRequest('INVITE'), 200, { body: pbxSdp({ version: 2 }) });
    s.pbx.takeRequest('ACK');
    s.pbx.takeRequest('ACK');
    await leg.takeBye();
    bob.expectNothing();
    await target.hangUp();
    await call.takeBye();
    await s.finish();
    expect(s.records[1]).toMatchObject({ caller: { kind: 'user', name: 'bob@pbx.test' } });
  });
});

test('a PBX transfers a phone to a trunk: the phone gets keys of its own for it', async () => {
  const s = new Scenario(on);
  const carrier = s.carrier();
  const bob = await s.registered('bob');
  const { call, leg } = await connectFromPbx(s, bob);
  await call.send('REFER', referTo('sip:+442071838750@10.0.0.10'));
  s.pbx.takeResponse(202, 'REFER');
  await call.respond(s.pbx.takeRequest('NOTIFY'), 200);
  const target = CalleeLeg.take(carrier);
  await target.answer(sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }));
  const reinvite = bob.takeRequest('INVITE');
  const key = cryptoOf(reinvite.body)?.key;
  expect(key).toBeDefined();
  expect(key).not.toBe(cryptoOf(leg.invite.body)?.key);
  await leg.respond(reinvite, 200, { body: bob.answer(reinvite.body) });
  leg.takeAck();
  expect(cryptoOf(target.takeAck().body)).toBeDefined();
  await call.respond(s.pbx.takeRequest('NOTIFY'), 200);
  await call.takeBye();
  await leg.hangUp();
  await target.takeBye();
  await s.finish();
  expect(s.records[1]).toMatchObject({ caller: { kind: 'pbx' }, callee: { kind: 'trunk', name: 'carrier' } });
});

test('a transfer takes the routes of the listener that its referrer is at, and not of where the other side is', async () => {
  const routes = `
[[route]]
from = "user"
listeners = ["phones"]
to = ["600", "601"]
via = "pbx:main"
`;
  const s = new Scenario({ ...on, routes });
  const first = await connect(s);
  const { leg: target } = await transfer(s, first);
  await target.hangUp();
  await first.leg.takeBye();
  await s.finish();
});

describe('toll fraud by REFER', () => {
  test('meets the routes of the referrer: a number that it may not call is not called for it', async () => {
    const routes = '[[route]]\nfrom = "user"\nto = "6*"\nvia = "pbx:main"';
    const s = new Scenario({ ...on, routes });
    const first = await connect(s);
    await refer(first, 'sip:+449098790000@pbx.test');
    expect(await takeProgress(first)).toMatchObject({ fragment: 'SIP/2.0 404 Not Found' });
    s.pbx.expectNothing();
    await hangUp(first);
    await s.finish();
    expect(s.records[0]).toMatchObject({
      cause: 'refused',
      refusal: { code: 'no-route' },
      caller: { name: 'alice@pbx.test' },
    });
  });

  test('meets the caps of the referrer', async () => {
    const s = new Scenario({ ...on, limits: 'concurrent_calls = 1' });
    const first = await connect(s);
    await refer(first);
    expect(await takeProgress(first)).toMatchObject({ fragment: 'SIP/2.0 486 Busy Here' });
    s.pbx.expectNothing();
    await hangUp(first);
    await s.finish();
    expect(s.records[0]?.refusal?.code).toBe('user-cap');
  });

  test.each([
    ['a host of the inside', 'sip:601@10.0.0.5', 403],
    ['a foreign host', 'sip:601@evil.test', 403],
    ['another method', 'sip:601@pbx.test;method=BYE', 403],
    ['a dialog without its tags', 'sip:601@pbx.test?Replaces=x', 400],
    ['another scheme', 'mailto:a@b.test', 416],
    ['nothing that can be read', 'sip:', 400],
  ])('names %s and is refused', async (_title, uri, status) => {
    const s = new Scenario(on);
    const first = await connect(s);
    await first.call.send('REFER', referTo(uri));
    first.phone.takeResponse(status, 'REFER');
    s.pbx.expectNothing();
    await hangUp(first);
    await s.finish();
  });

  test('comes over another flow and is challenged; a stranger gets no further', async () => {
    const s = new Scenario(on);
    const first = await connect(s);
    const mallory = s.phone('bob', '198.51.100.66');
    const request: SipRequest = first.call.request('REFER', referTo('sip:601@pbx.test'));
    await mallory.send(request);
    const answer = mallory.credentials.answer(request, mallory.takeResponse(401, 'REFER'));
    if (!answer.ok) throw new Error(answer.error);
    const { header, value } = answer.value;
    await mallory.send(
      first.call.request('REFER', {
        fields: [
          ['Refer-To', '<sip:601@pbx.test>'],
          [header, value],
        ],
      }),
    );
    mallory.takeResponse(481, 'REFER');
    s.pbx.expectNothing();
    await hangUp(first);
    await s.finish();
  });

  test('is refused by default, while one is in progress, and by a node that drains', async () => {
    const off = new Scenario();
    const quiet = await connect(off);
    await quiet.call.send('REFER', referTo('sip:601@pbx.test'));
    quiet.phone.takeResponse(405, 'REFER');
    await hangUp(quiet);
    await off.finish();
    const s = new Scenario(on);
    const first = await connect(s);
    await refer(first);
    await first.call.send('REFER', referTo('sip:602@pbx.test'));
    first.phone.takeResponse(491, 'REFER');
    await CalleeLeg.take(s.pbx, 'target-tag').refuse(486);
    await takeProgress(first);
    void s.b2bua.drain();
    await first.call.send('REFER', referTo('sip:602@pbx.test'));
    expect(first.phone.takeResponse(503, 'REFER').headers.has('Retry-After')).toBe(true);
    await hangUp(first);
    await s.finish();
  });
});
