// The next hop of a call is found in DNS and fails over (RFC 3263 §4): while the caller waits, hangs up, or nothing answers.
import { describe, expect, test } from 'vitest';
import { FakeDns } from '../support/fake-dns.ts';
import { Scenario } from '../support/scenario.ts';
import { type Connected, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Peer } from '../support/scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

class Carriers {
  readonly dns = new FakeDns();
  readonly s: Scenario;
  readonly first: Peer;
  readonly second: Peer;

  constructor() {
    this.s = new Scenario({ dns: this.dns });
    this.first = this.#at('first', '198.51.100.71');
    this.second = this.#at('second', '198.51.100.72');
    this.dns.srvs.set('_sips._tcp.sip.carrier.example', [
      { priority: 1, weight: 0, port: 5061, name: 'a.carrier.example' },
      { priority: 2, weight: 0, port: 5061, name: 'b.carrier.example' },
    ]);
    this.dns.hosts.set('a.carrier.example', ['198.51.100.71']).set('b.carrier.example', ['198.51.100.72']);
  }

  /** The PBX calls a number over the trunk. */
  call(): Promise<CallerLeg> {
    const to = { uri: 'sip:+4912345@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() };
    return this.s.pbx.call(to);
  }

  async answered(call: CallerLeg, peer: Peer): Promise<Pick<Connected, 'call' | 'leg'>> {
    const leg = CalleeLeg.take(peer);
    const crypto = cryptoLine(9, cryptoOf(leg.invite.body)?.tag);
    await leg.answer(sdp({ address: peer.address.address, port: 40_000, crypto }));
    if (call.peer.inbox.length > 1) call.take(100);
    await call.takeAnswer();
    leg.takeAck();
    return { call, leg };
  }

  #at(name: string, address: string): Peer {
    return this.s.peer(name, 'carriers', address, 5061, { host: address, port: 5061 });
  }
}

describe('a trunk with two servers', () => {
  test('is called at the one that DNS prefers', async () => {
    const c = new Carriers();
    const call = await c.call();
    await hangUp(await c.answered(call, c.first));
    c.second.expectNothing();
    await c.s.finish();
  });

  test('is called at the other when the first says 503, under a branch of its own', async () => {
    const c = new Carriers();
    const call = await c.call();
    const refused = CalleeLeg.take(c.first);
    await refused.refuse(503);
    const connected = await c.answered(call, c.second);
    const { headers } = connected.leg.invite;
    expect(headers.get('Call-ID')).toBe(refused.invite.headers.get('Call-ID'));
    expect(headers.get('CSeq')).toBe(refused.invite.headers.get('CSeq'));
    expect(headers.get('Via')).not.toBe(refused.invite.headers.get('Via'));
    await hangUp(connected);
    await c.s.finish();
  });

  test('is called at the other when the first is silent, and the next call begins there', async () => {
    const c = new Carriers();
    const call = await c.call();
    c.first.takeRequest('INVITE');
    await c.s.advance(32_000);
    await hangUp(await c.answered(call, c.second));
    const again = await c.call();
    await hangUp(await c.answered(again, c.second));
    c.first.expectNothing();
    await c.s.finish();
  });

  test('is called at the other when the first cannot be reached', async () => {
    const c = new Carriers();
    c.s.wire.cut(c.first.flow);
    const call = await c.call();
    await hangUp(await c.answered(call, c.second));
    await c.s.finish();
  });

  test('whose servers both say 503 is out of order for the caller, who hears no 503 (RFC 3261 §16.7)', async () => {
    const c = new Carriers();
    const call = await c.call();
    await CalleeLeg.take(c.first).refuse(503);
    await CalleeLeg.take(c.second).refuse(503);
    await call.takeRefusal(500);
    await c.s.finish();
  });

  test('that asked for quiet by Retry-After is left alone until then', async () => {
    const c = new Carriers();
    const call = await c.call();
    await CalleeLeg.take(c.first).refuse(503, [['Retry-After', '100 (overload);duration=60']]);
    await CalleeLeg.take(c.second).refuse(503, [['Retry-After', '200']]);
    await call.takeRefusal(500);
    const second = await c.call();
    await second.takeRefusal(500);
    c.first.expectNothing();
    c.second.expectNothing();
    await c.s.advance(100_000);
    const third = await c.call();
    await hangUp(await c.answered(third, c.first));
    await c.s.finish();
  });

  test('is not called at the other when the first refuses the call itself', async () => {
    const c = new Carriers();
    const call = await c.call();
    await CalleeLeg.take(c.first).refuse(486);
    await call.takeRefusal(486);
    c.second.expectNothing();
    await c.s.finish();
  });

  test('cancelled before the first answers is not called at the other', async () => {
    const c = new Carriers();
    const call = await c.call();
    c.first.takeRequest('INVITE');
    await call.cancel();
    await call.takeRefusal(487);
    await c.s.advance(33_000);
    c.second.expectNothing();
    await c.s.finish();
  });
});

describe('DNS that is silent', () => {
  test('lets the caller cancel, who is answered at once; nothing is sent when DNS wakes up', async () => {
    const c = new Carriers();
    c.dns.mode = 'silent';
    const call = await c.call();
    await call.cancel();
    await call.takeRefusal(487);
    c.dns.wake();
    await c.s.settle();
    c.first.expectNothing();
    await c.s.finish();
    expect(c.s.record).toMatchObject({ cause: 'caller-cancelled', status: 487 });
  });

  test('fails the call after four seconds, and holds up no other', async () => {
    const c = new Carriers();
    c.dns.mode = 'silent';
    const waiting = await c.call();
    const alice = c.s.phone('alice');
    const inside = await alice.invite('600');
    const leg = CalleeLeg.take(c.s.pbx);
    await leg.answer(pbxSdp());
    await inside.takeAnswer();
    leg.takeAck();
    await c.s.advance(4_000);
    waiting.take(100);
    await waiting.takeRefusal(500);
    await hangUp({ call: inside, leg });
    await c.s.finish();
  });

  test('for a caller whose connection is gone leaves nothing', async () => {
    const c = new Carriers();
    c.dns.mode = 'silent';
    await c.call();
    c.s.b2bua.endAll();
    await c.s.finish();
  });
});
