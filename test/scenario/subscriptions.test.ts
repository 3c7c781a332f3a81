// SUBSCRIBE and NOTIFY between phones and the PBX (RFC 6665): two dialogs bridged, bounded, proven, and nothing left of them.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { serializeMessage } from '../../src/sip/message/serializer.ts';
import { Scenario } from '../support/scenario.ts';
import { PeerLeg } from '../support/scenario-peer.ts';
import {
  PbxSubscription,
  PhoneSubscription,
  subscribe,
  subscribing,
  summaryType,
  unsubscribe,
} from '../support/scenario-subscriptions.ts';

const on = { tables: subscribing };
const waiting = 'Messages-Waiting: yes\r\nMessage-Account: sip:alice@10.0.0.5:5060\r\nVoice-Message: 2/8 (0/2)\r\n';

describe('a subscription of a phone', () => {
  test('is refused with 405 and a Reason where nobody asked for it', async () => {
    const s = new Scenario();
    const own = await PhoneSubscription.ask(s.phone('alice'));
    expect(own.take(405).headers.get('Reason')).toContain('not relayed');
    s.pbx.expectNothing();
    await s.finish();
  });

  test('is another dialog with the PBX: identity proven, Call-ID, tags, CSeq and Contact ours, one hop fewer', async () => {
    const s = new Scenario(on);
    const alice = s.phone('alice');
    const own = await PhoneSubscription.ask(alice, { expires: 600, uri: 'sip:*97@pbx.test' });
    const pbx = PbxSubscription.take(s);
    const { headers, uri } = pbx.subscribe;
    expect(uri).toBe('sip:*97@10.0.0.5:5060');
    expect(headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(headers.get('Event')).toBe('message-summary');
    expect(headers.get('Expires')).toBe('600');
    expect(headers.get('Accept')).toBe(summaryType);
    expect(headers.all('Max-Forwards')).toEqual(['69']);
    expect(headers.get('Contact')).toContain('10.0.0.10');
    expect(headers.get('Call-ID')).not.toBe(own.state.callId);
    await pbx.accept(500);
    const answer = own.take(200);
    expect(answer.headers.get('Expires')).toBe('500');
    expect(answer.headers.get('Contact')).toContain('sbc.example.com');
    await pbx.notify('active;expires=500', { body: waiting });
    const told = await own.told();
    expect(told.headers.get('Subscription-State')).toBe('active;expires=500');
    expect(told.headers.get('Content-Type')).toBe(summaryType);
    expect(Buffer.from(told.body).toString()).toBe(
      'Messages-Waiting: yes\r\nMessage-Account: sip:alice@pbx.test\r\nVoice-Message: 2/8 (0/2)\r\n',
    );
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(s.subscriptions.list()).toMatchObject([{ user: 'alice@pbx.test', event: 'message-summary' }]);
    await unsubscribe(s, own, pbx);
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
    expect(s.records).toEqual([]);
  });

  test('is told to the PBX and to the phone as the golden messages have it', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), {
      expires: 600,
      event: 'dialog',
      uri: 'sip:600@pbx.test',
    });
    const pbx = PbxSubscription.take(s);
    await pbx.accept(600);
    own.take(200);
    await pbx.notify('active;expires=600', { event: 'dialog', type: dialogType, body: dialogInfo });
    const told = await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    expectGolden('subscribe-to-pbx', text(pbx.subscribe));
    expectGolden('notify-to-phone', text(told));
    await unsubscribe(s, own, pbx, 'dialog');
    await s.finish();
  });

  test('hears its answer first where the NOTIFY of the PBX overtakes it (§4.4.1)', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600 });
    const pbx = PbxSubscription.take(s);
    await pbx.notify('active;expires=600', { body: waiting });
    own.phone.expectNothing();
    await pbx.accept(600);
    own.take(200);
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('is not that of another fork: its NOTIFY has 481 (§4.1.4)', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await new PbxSubscription(s, pbx.subscribe, 'other-fork').notify('active');
    s.pbx.takeResponse(481, 'NOTIFY');
    own.phone.expectNothing();
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('is refreshed end to end, in the sequence numbers of each dialog', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await s.advance(500_000);
    await own.subscribe({ expires: 600 });
    const refresh = s.pbx.takeRequest('SUBSCRIBE');
    expect(refresh.headers.get('CSeq')).toBe('2 SUBSCRIBE');
    expect(refresh.headers.get('To')).toContain('tag=pbx-tag');
    await pbx.accept(600, refresh);
    own.take(200);
    await pbx.notify('active;expires=600');
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.advance(500_000);
    expect(s.subscriptions.active).toBe(1);
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('is refreshed by a phone that says more of its event than we do, and not under another id', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600, event: 'dialog;sla;id=7' });
    const pbx = PbxSubscription.take(s);
    await pbx.accept(600);
    own.take(200);
    await pbx.notify('active;expires=600', { event: 'dialog;id=7' });
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await own.subscribe({ expires: 600, event: 'dialog;id=8' });
    own.take(481);
    await own.subscribe({ expires: 600, event: 'dialog;sla;id=7' });
    await pbx.accept(600, s.pbx.takeRequest('SUBSCRIBE'));
    own.take(200);
    await pbx.notify('active;expires=600', { event: 'dialog;id=7' });
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await unsubscribe(s, own, pbx, 'dialog;id=7');
    await s.finish();
  });

  test('for no time is a fetch: one NOTIFY, and it is over (§4.4.3)', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 0 });
    const pbx = PbxSubscription.take(s);
    expect(pbx.subscribe.headers.get('Expires')).toBe('0');
    await pbx.accept(0);
    expect(own.take(200).headers.get('Expires')).toBe('0');
    await pbx.notify('terminated;reason=timeout', { body: waiting });
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=timeout');
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test.each([
    { title: 'too briefly', asking: { expires: 10 }, status: 423, header: ['Min-Expires', '60'] },
    {
      title: 'to a package that is not served',
      asking: { event: 'reg' },
      status: 489,
      header: ['Allow-Events', 'message-summary, dialog, presence'],
    },
    {
      title: 'without an Event',
      asking: { event: '' },
      status: 489,
      header: ['Allow-Events', 'message-summary, dialog, presence'],
    },
    {
      title: 'to a number that is none',
      asking: { uri: 'sip:++44@pbx.test' },
      status: 484,
      header: ['Reason', 'SIP;cause=484;text="Address incomplete"'],
    },
    {
      title: 'with no hops left',
      asking: { maxForwards: 0 },
      status: 483,
      header: ['Reason', 'SIP;cause=483;text="Too many hops"'],
    },
  ])('$title is refused with $status', async ({ asking, status, header }) => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), asking);
    expect(own.take(status).headers.get(header[0] ?? '')).toBe(header[1]);
    s.pbx.expectNothing();
    expect(await s.metrics.text()).toMatch(/sbc_subscription_refusals_total\{reason="[a-z-]+"\} 1/);
    expect(s.logged.some(({ event }) => event === 'subscription-refused')).toBe(true);
    await s.finish();
  });

  test.each([
    { status: 423, fields: [['Min-Expires', '900']] as const, told: 423, header: ['Min-Expires', '900'] },
    {
      status: 489,
      fields: [['Allow-Events', 'x-inside']] as const,
      told: 489,
      header: ['Allow-Events', 'message-summary, dialog, presence'],
    },
    {
      status: 401,
      fields: [['WWW-Authenticate', 'Digest realm="inside", nonce="n"']] as const,
      told: 500,
      header: ['WWW-Authenticate', undefined],
    },
    { status: 404, fields: [] as const, told: 404, header: ['Contact', undefined] },
  ])('that the PBX refuses with $status is refused with $told', async ({ status, fields, told, header }) => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600 });
    const pbx = PbxSubscription.take(s);
    await pbx.respond(pbx.subscribe, status, { fields });
    expect(own.take(told).headers.get(header[0] ?? '')).toBe(header[1]);
    await s.finish();
  });

  test('that the PBX never answers is not answered either, and is gone (RFC 4320 §4.2, timer N)', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600 });
    await s.advance(40_000);
    expect(own.phone.takeAll().filter((summary) => summary !== '100 SUBSCRIBE')).toEqual([]);
    s.pbx.takeAll();
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test('that the PBX grants and never notifies of is ended, and may be asked for again (timer N)', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600 });
    const pbx = PbxSubscription.take(s);
    await pbx.accept(600);
    own.take(200);
    await s.advance(33_000);
    expect((await own.told()).headers.get('Subscription-State')).toMatch(
      /^terminated;reason=probation;retry-after=1[0-9]$/,
    );
    await s.finish();
  });

  test('stays within a number for each user, and one for all', async () => {
    const s = new Scenario({ tables: `${subscribing}per_user = 1\ntotal = 2\n` });
    const [alice, bob, carol] = [s.phone('alice'), s.phone('bob'), s.phone('carol')];
    const first = await subscribe(s, alice);
    expect((await PhoneSubscription.ask(alice)).take(403).headers.get('Reason')).toContain('Too many');
    const second = await subscribe(s, bob);
    expect((await PhoneSubscription.ask(carol)).take(503).headers.has('Retry-After')).toBe(true);
    await unsubscribe(s, first.own, first.pbx);
    const third = await subscribe(s, alice);
    await unsubscribe(s, second.own, second.pbx);
    await unsubscribe(s, third.own, third.pbx);
    await s.finish();
  });
});

describe('a notification', () => {
  test('that the phone answers 481 ends it on both sides, and the PBX is told so', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify('active', { body: waiting });
    await own.told(481);
    s.pbx.takeResponse(481, 'NOTIFY');
    expect(s.pbx.takeRequest('SUBSCRIBE').headers.get('Expires')).toBe('0');
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test('that the phone never answers is 481 to the PBX, and ends it', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify('active', { body: waiting });
    await s.advance(33_000);
    own.phone.takeAll();
    expect(s.pbx.takeAll()).toContain('481 NOTIFY');
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test.each([
    { title: 'of another type', type: 'text/html', body: '<p>10.0.0.5</p>', status: 415 },
    { title: 'that is too large', type: summaryType, body: 'x'.repeat(16_385), status: 413 },
    { title: 'in sixteen bits', type: summaryType, body: 'M\0', status: 415 },
  ])('$title is refused with $status, and the subscription goes on', async ({ type, body, status }) => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify('active', { type, body });
    s.pbx.takeResponse(status, 'NOTIFY');
    own.phone.expectNothing();
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test.each(['', 'never', 'active;x'])('with the state "%s" of another event is refused', async (state) => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify(state, { event: 'dialog' });
    s.pbx.takeResponse(state.startsWith('active') ? 481 : 400, 'NOTIFY');
    own.phone.expectNothing();
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('of a forged tag, outside a dialog, or from a phone has 481 and reaches nobody', async () => {
    const s = new Scenario({ ...on });
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    const forged = new PeerLeg(s.pbx, { ...pbx.state, remoteTag: 'guessed' });
    await forged.send('NOTIFY', {
      fields: [
        ['Event', 'message-summary'],
        ['Subscription-State', 'active'],
      ],
    });
    s.pbx.takeResponse(481, 'NOTIFY');
    await s.pbx.send(
      s.pbx.newCall({ uri: 'sip:alice@10.0.0.10' }).request('NOTIFY', { fields: [['Event', 'message-summary']] }),
    );
    s.pbx.takeResponse(481, 'NOTIFY');
    const bob = s.phone('bob');
    for (const leg of [
      bob.newCall({ uri: 'sip:alice@pbx.test', from: `<${bob.aor}>` }),
      new PeerLeg(bob, { ...own.state, local: `<${bob.aor}>` }),
    ]) {
      const first = await leg.send('NOTIFY', { fields: [['Event', 'message-summary']] });
      const signed = bob.credentials.answer(first, bob.takeResponse(401, 'NOTIFY'));
      if (!signed.ok) throw new Error(signed.error);
      await leg.send('NOTIFY', {
        fields: [
          ['Event', 'message-summary'],
          [signed.value.header, signed.value.value],
        ],
      });
      bob.takeResponse(481, 'NOTIFY');
    }
    own.phone.expectNothing();
    await unsubscribe(s, own, pbx);
    await s.finish();
  });
});

describe('a subscription ends', () => {
  test('when the PBX ends it: reason and retry-after cross', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await pbx.notify('terminated;reason=giveup;retry-after=30');
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=giveup;retry-after=30');
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(s.subscriptions.active).toBe(0);
    await own.subscribe({ expires: 600 });
    own.phone.takeResponse(401, 'SUBSCRIBE');
    await s.finish();
  });

  test('when nobody refreshes it and the PBX forgets to say so', async () => {
    const s = new Scenario(on);
    const { own } = await subscribe(s, s.phone('alice'));
    await s.advance(640_000);
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=timeout');
    expect(s.subscriptions.active).toBe(0);
    s.pbx.expectNothing();
    await s.finish();
  });

  test('when a refresh meets 481 at the PBX, and may be asked for anew', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await own.subscribe({ expires: 600 });
    await pbx.respond(s.pbx.takeRequest('SUBSCRIBE'), 481);
    own.take(481);
    expect((await own.told(481)).headers.get('Subscription-State')).toContain('terminated;reason=probation');
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test('not when a refresh fails otherwise: what was granted stands', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await own.subscribe({ expires: 600 });
    await pbx.respond(s.pbx.takeRequest('SUBSCRIBE'), 503);
    own.take(500);
    await pbx.notify('active', { body: waiting });
    await own.told();
    s.pbx.takeResponse(200, 'NOTIFY');
    await unsubscribe(s, own, pbx);
    await s.finish();
  });

  test('with the flow of its phone: the PBX is told, and what it still says is answered here', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    s.wire.cut(own.phone.flow);
    await s.settle();
    const last = s.pbx.takeRequest('SUBSCRIBE');
    expect(last.headers.get('Expires')).toBe('0');
    await pbx.accept(0, last);
    await pbx.notify('terminated;reason=timeout');
    s.pbx.takeResponse(200, 'NOTIFY');
    expect(s.subscriptions.active).toBe(0);
    await s.finish();
  });

  test('with the flow of its phone, before the PBX has answered', async () => {
    const s = new Scenario(on);
    const own = await PhoneSubscription.ask(s.phone('alice'), { expires: 600 });
    const pbx = PbxSubscription.take(s);
    s.wire.cut(own.phone.flow);
    await s.settle();
    await pbx.accept(600);
    const last = s.pbx.takeRequest('SUBSCRIBE');
    expect(last.headers.get('Expires')).toBe('0');
    await pbx.accept(0, last);
    await pbx.notify('terminated');
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.finish();
  });

  test('when its user is locked, at once and not only at the next refresh', async () => {
    const s = new Scenario(on);
    const { own, pbx } = await subscribe(s, s.phone('alice'));
    await s.lock('alice@pbx.test');
    await s.settle();
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=rejected');
    await pbx.accept(0, s.pbx.takeRequest('SUBSCRIBE'));
    await pbx.notify('terminated');
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.finish();
  });

  test('when its user was locked elsewhere, at the next refresh', async () => {
    const s = new Scenario(on);
    const { own } = await subscribe(s, s.phone('alice'));
    await s.site.users.lock('alice@pbx.test');
    await own.subscribe({ expires: 600 });
    own.take(403);
    expect((await own.told()).headers.get('Subscription-State')).toBe('terminated;reason=rejected');
    expect(s.pbx.takeRequest('SUBSCRIBE').headers.get('Expires')).toBe('0');
    await s.finish();
  });

  test.each(['denied', 'forgotten'] as const)(
    'when its device is %s, and is asked for anew by no such device',
    async (how) => {
      const s = new Scenario({ tables: subscribing, alice: 'second_factor = "device"' });
      const agent = { fields: [['User-Agent', 'Phone/1']] } as const;
      (await PhoneSubscription.ask(s.phone('alice'), agent)).take(403);
      const id = s.devices.list()[0]?.id ?? '';
      s.devices.decide(id, 'approved', 'admin');
      const { own, pbx } = await subscribe(s, s.phone('alice'), agent);
      if (how === 'denied') s.devices.decide(id, 'denied', 'admin');
      else s.devices.forget(id);
      await s.settle();
      expect((await own.told()).headers.get('Subscription-State')).toMatch(/^terminated;reason=probation;retry-after=/);
      await pbx.accept(0, s.pbx.takeRequest('SUBSCRIBE'));
      await pbx.notify('terminated');
      s.pbx.takeResponse(200, 'NOTIFY');
      (await PhoneSubscription.ask(own.phone, agent)).take(403);
      await s.finish();
    },
  );

  test('with the process: nobody new meanwhile, each phone told to come back at a time of its own', async () => {
    const s = new Scenario(on);
    const { own } = await subscribe(s, s.phone('alice'));
    s.isAvailable = false;
    expect((await PhoneSubscription.ask(s.phone('bob'))).take(503).headers.has('Retry-After')).toBe(true);
    s.subscriptions.endAll();
    await s.settle();
    expect((await own.told()).headers.get('Subscription-State')).toMatch(
      /^terminated;reason=probation;retry-after=1[0-9]$/,
    );
    expect(s.pbx.takeRequest('SUBSCRIBE').headers.get('Expires')).toBe('0');
    await s.finish();
  });
});

describe('a NOTIFY of messages that nobody subscribed to', () => {
  const unsolicited = { tables: `${subscribing}unsolicited = true\n` };
  const fields = [
    ['Event', 'message-summary'],
    ['Subscription-State', 'active'],
  ] as const;

  test('of the PBX reaches the phones of the user where policy lets it', async () => {
    const s = new Scenario(unsolicited);
    const bob = await s.registered('bob');
    const leg = s.pbx.newCall({ uri: 'sip:bob@10.0.0.10' });
    const request = leg.request('NOTIFY', { body: waiting.replace('alice', 'bob'), fields });
    await s.pbx.send({ ...request, headers: request.headers.with('Content-Type', summaryType) });
    const told = bob.takeRequest('NOTIFY');
    expect(told.headers.get('Event')).toBe('message-summary');
    expect(told.headers.get('Contact')).toContain('sbc.example.com');
    expect(Buffer.from(told.body).toString()).toContain('Message-Account: sip:bob@pbx.test\r\n');
    await new PeerLeg(bob, { ...leg.state, localTag: 'bob' }).respond(told, 200);
    s.pbx.takeResponse(200, 'NOTIFY');
    await s.finish();
  });

  test('has 481 from anybody else, for another event, and where policy does not let it', async () => {
    for (const [options, event] of [
      [on, 'message-summary'],
      [unsolicited, 'dialog'],
    ] as const) {
      const s = new Scenario(options);
      const bob = await s.registered('bob');
      await s.pbx.send(s.pbx.newCall({ uri: 'sip:bob@10.0.0.10' }).request('NOTIFY', { fields: [['Event', event]] }));
      s.pbx.takeResponse(481, 'NOTIFY');
      const carrier = s.carrier();
      await carrier.send(carrier.newCall({ uri: 'sip:bob@pbx.test' }).request('NOTIFY', { fields }));
      carrier.takeResponse(481, 'NOTIFY');
      bob.expectNothing();
      await s.finish();
    }
  });
});

const dialogType = 'application/dialog-info+xml';
const dialogInfo = `<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full" entity="sip:600@10.0.0.5:5060">
<dialog id="600" call-id="abc@10.0.0.5" local-tag='as1' remote-tag="as2" direction="recipient">
<remote><identity display="Carol">sip:carol:pw@inside.test;transport=udp</identity><target uri="sip:carol@10.0.0.9"/></remote>
<local><identity>sips:600@10.0.0.5?x=10.0.0.7</identity><target uri="sip:10.0.0.5"/></local>
<state>early</state></dialog></dialog-info>
`;

/** Without what differs in each run. */
function text(message: Parameters<typeof serializeMessage>[0]): string {
  return Buffer.from(serializeMessage(message))
    .toString()
    .replaceAll(/branch=[^;\r]+|tag=[0-9a-f]+|Call-ID: .*/g, (found) => `${found.split(/[=:]/, 1)[0]} *`)
    .replaceAll('\r\n', '\n');
}

function expectGolden(name: string, actual: string): void {
  const path = fileURLToPath(new URL(`../golden/messages/${name}.golden`, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, actual);
  expect(actual).toBe(readFileSync(path, 'utf8'));
}
