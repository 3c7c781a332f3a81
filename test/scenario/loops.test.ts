// Requests that come back to us, and forks that multiply (RFC 3261 §16.3 step 4, RFC 5393).
import { describe, expect, test, vi } from 'vitest';
import { maxTurns } from '../../src/b2bua/admission/repeated-setups.ts';
import { maxCallsOfSession } from '../../src/b2bua/call-paths.ts';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { sameHop } from '../support/scenario-headers.ts';
import { CalleeLeg, type CallerLeg, type Field, type Peer } from '../support/scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

/** What a proxy makes of an INVITE of ours: a Via and a hop, and the rest as it was. */
async function sendBack(by: Peer, { uri, ...invite }: SipRequest, to = uri): Promise<SipRequest> {
  const hops = Number(invite.headers.get('Max-Forwards')) - 1;
  const headers = invite.headers.prepend('Via', by.via).with('Max-Forwards', String(hops));
  const sent = { ...invite, uri: to, headers };
  await by.send(sent);
  return sent;
}

describe('an INVITE that comes back', () => {
  test('by proxies, from the same side to the same number, is a loop: 482, on the way and to the caller', async () => {
    const s = new Scenario();
    const carrier = s.carrier();
    const dialled = { uri: 'sip:+4912345@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() };
    const call = await s.pbx.call(dialled);
    const out = CalleeLeg.take(carrier);
    // The carrier takes the number for one of ours, and so it reaches the PBX, which sends it out again.
    const back = await sendBack(carrier, out.invite, 'sip:+4912345@sbc.example.com:5062');
    const inside = CalleeLeg.take(s.pbx, 'again');
    const looped = await sendBack(s.pbx, inside.invite, 'sip:+4912345@10.0.0.10:5060');
    await s.pbx.send(sameHop(looped, 'ACK', s.pbx.takeResponse(482, 'INVITE').headers.get('To') ?? ''));
    carrier.expectNothing();
    expect(s.record).toMatchObject({ status: 482, refusal: { code: 'loop' } });
    await inside.refuse(482);
    const refusal = carrier.takeResponse(482, 'INVITE');
    await carrier.send(sameHop(back, 'ACK', refusal.headers.get('To') ?? ''));
    await out.refuse(482);
    await call.takeRefusal(482);
    await s.finish();
    expect(s.b2bua.paths.size).toBe(0);
  });

  test('from the other side is a spiral and goes on: a PBX that is a proxy sends a call to the phone that is called', async () => {
    const s = new Scenario();
    const bob = await s.registered('bob');
    const call = await s.phone('alice').invite('bob');
    const out = CalleeLeg.take(s.pbx);
    const back = await sendBack(s.pbx, out.invite, 'sip:bob@10.0.0.10:5060');
    const leg = CalleeLeg.take(bob);
    await leg.refuse(486);
    await s.pbx.send(sameHop(back, 'ACK', s.pbx.takeResponse(486, 'INVITE').headers.get('To') ?? ''));
    await out.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
    expect(s.b2bua.paths.size).toBe(0);
  });
});

describe('a call that another back-to-back user agent brings back', () => {
  const own = '0123456789abcdef0123456789abcdef';
  const dialled = { uri: 'sip:+4912345@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() };

  /** A new call of the PBX, which knows nothing of what it is the other half of but its Session-ID. */
  function again(s: Scenario, id: string, hops: number): Promise<CallerLeg> {
    const leg = s.pbx.newCall({ ...dialled, fields: [['Session-ID', `${id};remote=${'0'.repeat(32)}`]] });
    return s.pbx
      .send({ ...leg.invite, headers: leg.invite.headers.with('Max-Forwards', String(hops)) })
      .then(() => leg);
  }

  test('with fewer hops, from the same side to the same number, is a loop by its Session-ID (RFC 7989)', async () => {
    const s = new Scenario();
    const carrier = s.carrier();
    const first = await again(s, own, 70);
    const out = CalleeLeg.take(carrier);
    await (await again(s, own, 60)).takeRefusal(482);
    carrier.expectNothing();
    expect(s.record).toMatchObject({ status: 482, refusal: { code: 'loop' } });
    await out.refuse(486);
    await first.takeRefusal(486);
    await s.finish();
    expect(s.b2bua.paths.size).toBe(0);
  });

  test('is none once the call before is over, under another Session-ID, or to another number', async () => {
    const s = new Scenario();
    const carrier = s.carrier();
    const first = await again(s, own, 70);
    const out = CalleeLeg.take(carrier, 'one');
    const other = await again(s, own.toUpperCase(), 60);
    const second = CalleeLeg.take(carrier, 'two');
    await out.refuse(486);
    await first.takeRefusal(486);
    const later = await again(s, own, 60);
    const third = CalleeLeg.take(carrier, 'three');
    for (const [leg, call] of [
      [second, other],
      [third, later],
    ] as const) {
      await leg.refuse(486);
      await call.takeRefusal(486);
    }
    await s.finish();
    expect(s.b2bua.paths.size).toBe(0);
  });

  test('with no hop fewer may be a fork of the PBX, up to a number of them', async () => {
    const s = new Scenario({ trunk: 'concurrent_calls = 20' });
    const carrier = s.carrier();
    const calls: CallerLeg[] = [];
    for (let index = 0; index < maxCallsOfSession; index += 1) calls.push(await again(s, own, 70));
    await (await again(s, own, 70)).takeRefusal(482);
    const legs = calls.map((_, index) => CalleeLeg.take(carrier, `fork-${index}`));
    for (const leg of legs) await leg.refuse(486);
    for (const call of calls) await call.takeRefusal(486);
    await s.finish();
    expect(s.b2bua.paths.size).toBe(0);
  });
});

describe('a call that is brought back without a Session-ID', () => {
  /** A new call of the PBX that tells nothing but who calls whom. */
  async function turn(
    s: Scenario,
    hops: number,
    { from = '100', to = '+4912345', privacy = '' } = {},
  ): Promise<CallerLeg> {
    const leg = s.pbx.newCall({ uri: `sip:${to}@10.0.0.10:5060`, from: `<sip:${from}@pbx.test>`, body: pbxSdp() });
    const headers = leg.invite.headers.with('Max-Forwards', String(hops));
    await s.pbx.send({ ...leg.invite, headers: privacy === '' ? headers : headers.append('Privacy', privacy) });
    return leg;
  }

  async function refuseAll(carrier: Peer, calls: readonly CallerLeg[]): Promise<void> {
    const legs = calls.map((_, index) => CalleeLeg.take(carrier, `turn-${index}`));
    for (const leg of legs) await leg.refuse(486);
    for (const call of calls) await call.takeRefusal(486);
  }

  test('by somebody who counts hops is a loop at its fifth turn: 482', async () => {
    const s = new Scenario({ trunk: 'concurrent_calls = 20' });
    const carrier = s.carrier();
    const calls: CallerLeg[] = [];
    for (let hops = 70; calls.length < maxTurns - 1; hops -= 2) calls.push(await turn(s, hops));
    await (await turn(s, 62)).takeRefusal(482);
    expect(s.record).toMatchObject({ status: 482, refusal: { code: 'loop' } });
    // Nor is it a loop where the counts do not go down, or somebody else calls.
    calls.push(await turn(s, 64), await turn(s, 62, { from: '101' }));
    await refuseAll(carrier, calls);
    await s.finish();
  });

  test('by somebody who begins to count anew each time ends with as many as may be set up at once', async () => {
    const s = new Scenario({ trunk: 'concurrent_calls = 20', limits: 'identical_setups = 6' });
    const carrier = s.carrier();
    const calls: CallerLeg[] = [];
    for (let index = 0; index < 6; index += 1) calls.push(await turn(s, 70));
    await (await turn(s, 70)).takeRefusal(482);
    expect(s.record.refusal?.code).toBe('loop');
    expect(s.record.refusal?.detail).toMatch(/pbx:main to \+4912345 by 100$/);
    await refuseAll(carrier, calls);
    await s.finish();
  });

  test('is not meant by calls that talk, by callers who hide or have no number, and by emergency calls', async () => {
    const s = new Scenario({
      trunk: 'concurrent_calls = 20',
      limits: 'identical_setups = 2',
      tables: '[emergency]\nvia = "trunk:carrier"',
    });
    const carrier = s.carrier();
    const talking: { readonly call: CallerLeg; readonly leg: CalleeLeg }[] = [];
    for (let index = 0; index < 3; index += 1) {
      const call = await turn(s, 70);
      const leg = CalleeLeg.take(carrier, `talks-${index}`);
      await leg.answer(
        sdp({ address: '198.51.100.70', port: 20_000, crypto: cryptoLine(7, cryptoOf(leg.invite.body)?.tag) }),
      );
      await call.takeAnswer();
      leg.takeAck();
      talking.push({ call, leg });
    }
    const words = ['anonymous', 'unavailable', 'Restricted', '+', '10x'].map((from) => ({ from }));
    for (const who of [...words, { privacy: 'id' }, { privacy: 'user;critical' }, { to: '112' }]) {
      const calls: CallerLeg[] = [];
      for (let index = 0; index < 3; index += 1) calls.push(await turn(s, 70, who));
      await refuseAll(carrier, calls);
    }
    for (const { call, leg } of talking) await hangUp({ call, leg });
    await s.finish();
  });
});

test('a caller that gives up while it is being decided on leaves no trace of its way', async () => {
  const s = new Scenario();
  let decide = (): void => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const admit = s.site.admissions.admit.bind(s.site.admissions);
  vi.spyOn(s.site.admissions, 'admit').mockImplementation((...asked) => decided.then(() => admit(...asked)));
  const call = await s.phone('alice').invite('600');
  await call.cancel();
  await call.takeRefusal(487);
  decide();
  await s.settle();
  await s.finish();
  expect([s.b2bua.paths.size, s.b2bua.setups.size]).toEqual([0, 0]);
});

describe('Max-Breadth', () => {
  async function ringingAt(count: number, fields: readonly Field[]): Promise<readonly (string | undefined)[]> {
    const s = new Scenario();
    const phones: Peer[] = [];
    for (let index = 0; index < count; index += 1) phones.push(await s.registered('bob', `198.51.100.${index + 1}`));
    const call = await s.pbx.call({
      uri: 'sip:bob@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      body: pbxSdp(),
      fields,
    });
    if (phones.every(({ inbox }) => inbox.length === 0)) {
      await call.takeRefusal(440);
      await s.finish();
      expect(s.record.refusal?.code).toBe('loop');
      return [];
    }
    const legs = phones.map((phone, index) => CalleeLeg.take(phone, `fork-${index}`));
    for (const leg of legs) await leg.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
    return legs.map(({ invite }) => invite.headers.get('Max-Breadth'));
  }

  test.each([
    {
      title: 'is shared by the phones that ring at once',
      count: 3,
      fields: [['Max-Breadth', '10']],
      shares: ['4', '3', '3'],
    },
    { title: 'is 60 where the request has none', count: 2, fields: [], shares: ['30', '30'] },
    { title: 'goes on as it is to one phone', count: 1, fields: [['Max-Breadth', '7']], shares: ['7'] },
    { title: 'is not said to one phone where nobody said it', count: 1, fields: [], shares: [undefined] },
    { title: 'is never more than 60', count: 1, fields: [['Max-Breadth', '9999']], shares: ['60'] },
    { title: 'that is too small for the phones is 440', count: 3, fields: [['Max-Breadth', '2']], shares: [] },
    { title: 'of 0 is 440 for one phone, too', count: 1, fields: [['Max-Breadth', '0']], shares: [] },
    { title: 'that is no number is as good as none', count: 2, fields: [['Max-Breadth', 'x']], shares: ['30', '30'] },
  ] as const)('$title', async ({ count, fields, shares }) => {
    expect(await ringingAt(count, fields)).toEqual(shares);
  });

  test('of a redirect is what the phone had that gives it', async () => {
    const s = new Scenario({ tables: '[redirects]\nlimit = 1' });
    const [desk, mobile] = [await s.registered('bob', '198.51.100.1'), await s.registered('bob', '198.51.100.2')];
    const call = await callFromPbx(s, 'bob');
    await CalleeLeg.take(desk, 'desk').refuse(302, [['Contact', '<sip:601@pbx.test>']]);
    const target = CalleeLeg.take(s.pbx, 'target');
    expect(target.invite.headers.get('Max-Breadth')).toBe('30');
    await target.refuse(486);
    await CalleeLeg.take(mobile, 'mobile').refuse(486);
    await call.takeRefusal(486);
    await s.finish();
  });
});
