// What may cross, what is refused, and what is answered twice the same (RFC 3261 §8.2, §16.3, §17; RFC 5853 §3.1).
import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, PeerLeg } from '../support/scenario-peer.ts';
import { cryptoLine, sdp } from '../support/scenario-sdp.ts';

describe('the other side', () => {
  test('sees none of our headers, addresses, Call-IDs or products', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = await alice.invite('600', {
      fields: [
        ['Subject', 'hello'],
        ['X-Secret', 'crossing-not-allowed'],
        ['User-Agent', 'Phone/1.0 crossing-not-allowed'],
        ['Record-Route', '<sip:crossing-not-allowed.test;lr>'],
        ['Geolocation', '<cid:crossing-not-allowed>'],
        ['Alert-Info', '<http://crossing-not-allowed.test/ring.wav>'],
      ],
    });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.get('Subject')).toBe('hello');
    expect([...leg.invite.headers.names()].toSorted()).toEqual([
      'Allow',
      'CSeq',
      'Call-ID',
      'Contact',
      'Content-Length',
      'Content-Type',
      'From',
      'Max-Forwards',
      'Min-SE',
      'P-Asserted-Identity',
      'Session-Expires',
      'Subject',
      'Supported',
      'Supported',
      'To',
      'Via',
      // Our token, by which the PBX may tell us whose call it places (b2bua/admission/charging.ts).
      'X-Sbc-Call',
    ]);
    const server = [
      ['Server', 'PBX 9.9 crossing-not-allowed'],
      ['X-Inside', 'crossing-not-allowed'],
      ['Warning', '399 inside.test "crossing-not-allowed"'],
    ] as const;
    await leg.ring(180, { fields: server });
    call.take(180);
    await leg.answer(`${pbxSdp()}a=x-inside:10.0.0.5 crossing-not-allowed\r\n`, server);
    await call.takeAnswer();
    leg.takeAck();
    await call.hangUp([['X-Secret', 'crossing-not-allowed']]);
    await leg.takeBye();
    await s.finish();
    const sent = s.wire.log.filter(({ direction, message }) => direction === 'to' && !isEcho(message.headers.names()));
    expect(sent.map(({ text }) => text).filter((text) => text.includes('crossing-not-allowed'))).toEqual([]);
  });

  test('never sees the keys of the first side', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    await hangUp({ call, leg });
    await s.finish();
    const inside = s.wire.log.filter(({ direction, flow }) => direction === 'to' && flow.network === 'inside');
    expect(inside.some(({ text }) => text.includes('crypto'))).toBe(false);
  });
});

describe('identity', () => {
  test('is asserted from who proved it: what the phone claims is thrown away', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', {
      from: '"The Director" <sip:alice@pbx.test>',
      fields: [
        ['P-Asserted-Identity', '<sip:director@pbx.test>'],
        ['P-Preferred-Identity', '<sip:director@pbx.test>'],
        ['Remote-Party-ID', '<sip:director@pbx.test>'],
      ],
    });
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.all('P-Asserted-Identity')).toEqual(['"The Director" <sip:alice@pbx.test>']);
    expect(leg.invite.headers.has('P-Preferred-Identity')).toBe(false);
    expect(leg.invite.headers.has('Remote-Party-ID')).toBe(false);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('of a trunk is believed only where the configuration says so', async () => {
    for (const trust of [false, true]) {
      const s = new Scenario({ trunk: `trust_identity = ${trust}` });
      const carrier = s.carrier();
      const call = await carrier.call({
        uri: 'sip:600@sbc.example.com',
        from: '<sip:anonymous@anonymous.invalid>',
        fields: [['P-Asserted-Identity', '<sip:+441632960000@carrier.example>']],
        body: sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) }),
      });
      const leg = CalleeLeg.take(s.pbx);
      const asserted = leg.invite.headers.get('P-Asserted-Identity');
      expect(asserted).toBe(trust ? '<sip:+441632960000@pbx.test>' : undefined);
      await leg.refuse(486);
      await call.takeRefusal(486);
      await s.finish();
    }
  });

  test('another than the one that proved itself may not be in From', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = alice.dial('600', { from: '<sip:bob@pbx.test>' });
    await alice.send(call.invite);
    await alice.authenticate(call);
    await call.takeRefusal(403);
    s.pbx.expectNothing();
    await s.finish();
  });
});

describe('hops', () => {
  test('are counted down', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = await alice.invite('600');
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.headers.get('Max-Forwards')).toBe('69');
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });

  test('are used up: 483', async () => {
    const s = new Scenario();
    const call = s.pbx.newCall({ uri: 'sip:bob@10.0.0.10', body: pbxSdp() });
    call.invite = { ...call.invite, headers: call.invite.headers.with('Max-Forwards', '0') };
    await s.pbx.send(call.invite);
    await call.takeRefusal(483);
    await s.finish();
    expect(s.record.refusal?.code).toBe('loop');
  });

  test.each(['INVITE', 'UPDATE', 'INFO', 'MESSAGE'])(
    'of a %s in a call go on from those of the other leg, in both directions, and at 0 it is refused with 483',
    async (method) => {
      const s = new Scenario({ tables: '[messages]\nrelay = true\ninfo = ["application/dtmf-relay"]' });
      const phone = await s.registered('bob');
      const call = await callFromPbx(s, 'bob');
      const leg = CalleeLeg.take(phone);
      const allow = [['Allow', 'INVITE, ACK, BYE, UPDATE']] as const;
      await leg.answer(phone.answer(leg.invite.body), allow);
      await call.takeAnswer();
      leg.takeAck();
      const bodies: Record<string, readonly [string, string]> = {
        INFO: ['application/dtmf-relay', 'Signal=7'],
        MESSAGE: ['text/plain', 'hello'],
      };
      const [type, text] = bodies[method] ?? ['application/sdp', ''];
      const asked = (from: PeerLeg, offer: string, hops: string): SipRequest => {
        const request = from.request(method, {
          body: text === '' ? offer : text,
          fields: method === 'UPDATE' ? allow : [],
        });
        return { ...request, headers: request.headers.with('Max-Forwards', hops).with('Content-Type', type) };
      };
      for (const [from, to, offer] of [
        [call, leg, (version: number) => pbxSdp({ version })],
        [leg, call, (version: number) => phone.offer({ version })],
      ] as const) {
        const used = asked(from, offer(2), '0');
        await from.peer.send(used);
        if (method === 'INVITE') await from.takeReinviteRefusal(used, 483);
        else from.peer.takeResponse(483, method);
        to.peer.expectNothing();
        const passed = asked(from, offer(2), '12');
        await from.peer.send(passed);
        const arrived = to.peer.inbox.shift();
        if (arrived?.kind !== 'request') throw new Error('expected a request');
        expect(arrived.headers.all('Max-Forwards')).toEqual(['11']);
        await to.respond(arrived, 486);
        if (arrived.method === 'INVITE') to.peer.takeRequest('ACK');
        if (method === 'INVITE') await from.takeReinviteRefusal(passed, 486);
        else from.peer.takeResponse(486, method);
      }
      await hangUp({ call, leg });
      await s.finish();
    },
  );

  test('lead back to us by two ways: the second copy of an INVITE is refused with 482', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    const copy = { ...call.invite, headers: call.invite.headers.with('Via', s.pbx.via) };
    await s.pbx.send(copy);
    s.pbx.takeResponse(482, 'INVITE');
    const leg = CalleeLeg.take(bob);
    await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});

describe('a request that is not understood', () => {
  test('for an extension that is required is refused with 420, which names it', async () => {
    const s = new Scenario();
    const call = await s.phone('alice').invite('600', { fields: [['Require', '100rel, replaces, x-strange']] });
    const refusal = await call.takeRefusal(420);
    expect(refusal.headers.get('Unsupported')).toBe('replaces, x-strange');
    s.pbx.expectNothing();
    await s.finish();
  });

  test('for its method is refused with 405, which names those that are', async () => {
    const s = new Scenario();
    const leg = s.pbx.newCall({ uri: 'sip:10.0.0.10' });
    for (const method of ['BREW', 'SUBSCRIBE', 'MESSAGE']) {
      await leg.send(method);
      expect(s.pbx.takeResponse(405, method).headers.get('Allow')).toContain('INVITE');
    }
    await s.finish();
  });

  test('for its URI scheme is refused with 416', async () => {
    const s = new Scenario();
    const call = await s.pbx.call({ uri: 'mailto:bob@pbx.test', to: '<sip:bob@pbx.test>', body: pbxSdp() });
    await call.takeRefusal(416);
    await s.finish();
  });

  test('for its body is refused with 415', async () => {
    const s = new Scenario();
    const text = s.pbx.newCall({ uri: 'sip:bob@10.0.0.10', body: 'hello' });
    text.invite = { ...text.invite, headers: text.invite.headers.with('Content-Type', 'text/plain') };
    await s.registered('bob');
    await s.pbx.send(text.invite);
    await text.takeRefusal(415);
    await s.finish();
  });

  test('without a Contact cannot begin a dialog: 400', async () => {
    const s = new Scenario();
    const call = s.pbx.newCall({ uri: 'sip:bob@10.0.0.10', body: pbxSdp() });
    call.invite = { ...call.invite, headers: call.invite.headers.without('Contact') };
    await s.pbx.send(call.invite);
    await call.takeRefusal(400);
    await s.finish();
  });

  test('in a dialog is refused without harm to it', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    for (const method of ['INFO', 'REFER', 'PUBLISH']) {
      await call.send(method);
      phone.takeResponse(405, method);
    }
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('a dialog', () => {
  test('of somebody else is unknown to whoever asks (481)', async () => {
    const s = new Scenario();
    const { call, leg } = await connectFromPbx(s, await s.registered('bob'));
    const carol = await s.registered('carol', '198.51.100.3');
    // With everything that names the dialog, under an address of its own and under that of the dialog.
    for (const local of [`<${carol.aor}>`, leg.state.local]) {
      for (const method of ['BYE', 'INVITE']) {
        const thief = new PeerLeg(carol, { ...leg.state, local, sequence: 5 });
        const request = await thief.send(method);
        const answer = carol.credentials.answer(request, carol.takeResponse(401, method));
        if (!answer.ok) throw new Error(answer.error);
        await thief.send(method, { fields: [[answer.value.header, answer.value.value]] });
        carol.takeResponse(481, method);
      }
    }
    expect(s.b2bua.active).toBe(1);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('that never was is unknown: 481', async () => {
    const s = new Scenario();
    const call = s.pbx.newCall({ uri: 'sip:bob@10.0.0.10' });
    call.state.remoteTag = 'no-such-tag';
    for (const method of ['BYE', 'INVITE', 'INFO']) {
      await call.send(method);
      s.pbx.takeResponse(481, method);
    }
    await s.finish();
  });

  test('keeps out requests that come out of order (500)', async () => {
    const s = new Scenario();
    const { phone, call, leg } = await connect(s);
    await phone.send(call.compose('INFO', 1));
    phone.takeResponse(500, 'INFO');
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of the PBX is served at its second address too', async () => {
    const s = new Scenario();
    const { phone, leg } = await connect(s);
    const second = s.peer('pbx', 'to-pbx', '10.0.0.6', 5060);
    const moved = new PeerLeg(second, { ...leg.state });
    await moved.hangUp();
    phone.takeRequest('BYE');
    await s.finish();
  });
});

describe('copies', () => {
  test('of an INVITE make one call and get the same answers', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    await s.pbx.send(call.invite);
    const leg = CalleeLeg.take(bob);
    bob.expectNothing();
    await leg.ring();
    call.take(180);
    await s.pbx.send(call.invite);
    s.pbx.takeResponse(180, 'INVITE');
    await leg.answer(bob.answer(leg.invite.body));
    call.take(200);
    await s.pbx.send(call.invite);
    await call.ack();
    leg.takeAck();
    await s.pbx.settle();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of a 200 are acknowledged each, and of an ACK taken each', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    await leg.answer(pbxSdp());
    leg.takeAck();
    await call.ack();
    await call.ack();
    await hangUp({ call, leg });
    await s.finish();
  });

  test('of a BYE are answered each', async () => {
    const s = new Scenario();
    const { call, leg } = await connect(s);
    const bye = await leg.send('BYE');
    s.pbx.takeResponse(200, 'BYE');
    await s.pbx.send(bye);
    s.pbx.takeResponse(200, 'BYE');
    await call.takeBye();
    await s.finish();
  });
});

/** A response repeats Via and the like of its request; what a peer sent comes back to that peer only. */
function isEcho(names: Iterable<string>): boolean {
  return [...names].includes('Record-Route');
}
