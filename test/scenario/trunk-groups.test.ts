// Several trunks or PBXs for one route: who is called first, who is called next, who is left out (RFC 3261 §16.7, §21.5.4).
import { describe, expect, test } from 'vitest';
import { Scenario, type ScenarioOptions } from '../support/scenario.ts';
import { hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg, type Peer } from '../support/scenario-peer.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

const routes = `
[[route]]
from = "user"
via = "pbx:main"
[[route]]
from = "pbx"
to = "+*"
via = "group:carriers"
[[route]]
from = "pbx"
via = "users"
[[trunk]]
name = "backup"
listener = "carriers"
uri = "sips:sip.backup.example"
max_call_duration = "60s"
`;

function group(first: string, second: string): string {
  return `${routes}
[[trunk_group]]
name = "carriers"
members = [{ via = "trunk:carrier", ${first} }, { via = "trunk:backup", ${second} }]
`;
}

const inOrder = group('priority = 1', 'priority = 2');
const probes = 'probe = "30s"\nprobe_down_after = 2\nprobe_up_after = 2';

class Site {
  readonly s: Scenario;
  readonly carrier: Peer;
  readonly backup: Peer;

  constructor(options: ScenarioOptions = {}) {
    this.s = new Scenario({ routes: inOrder, ...options });
    this.carrier = this.s.carrier();
    this.backup = this.s.peer('backup', 'carriers', '198.51.100.80', 5061, { host: 'sip.backup.example', port: 5061 });
  }

  call(): Promise<CallerLeg> {
    return this.s.pbx.call({ uri: 'sip:+4912345@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() });
  }

  async answer(call: CallerLeg, peer: Peer): Promise<{ readonly call: CallerLeg; readonly leg: CalleeLeg }> {
    const leg = CalleeLeg.take(peer);
    const crypto = cryptoLine(9, cryptoOf(leg.invite.body)?.tag);
    await leg.answer(sdp({ address: peer.address.address, port: 40_000, crypto }));
    if (call.peer.inbox.length > 1) call.take(100);
    await call.takeAnswer();
    leg.takeAck();
    return { call, leg };
  }

  /** The ping that has come to the carrier is answered. */
  async pong(status = 200, fields: readonly (readonly [string, string])[] = []): Promise<void> {
    const ping = this.carrier.takeRequest('OPTIONS');
    await CalleeLeg.of(this.carrier, ping, 'pong').respond(ping, status, { fields });
  }
}

describe('a group of trunks', () => {
  test('calls the one with the lowest priority', async () => {
    const site = new Site();
    const call = await site.call();
    await hangUp(await site.answer(call, site.carrier));
    site.backup.expectNothing();
    await site.s.finish();
  });

  test.each([503, 500, 408])('calls the next one after %i, as a call of its own to another host', async (status) => {
    const site = new Site();
    const call = await site.call();
    await CalleeLeg.take(site.carrier).refuse(status);
    const connected = await site.answer(call, site.backup);
    expect(connected.leg.invite.uri).toMatch(/^sips:\+4912345@sip\.backup\.example/);
    await hangUp(connected);
    await site.s.finish();
    expect(site.s.record.attempts.map(({ target, status: told }) => `${target} ${told}`)).toEqual([
      `trunk:carrier ${status}`,
      'trunk:backup 200',
    ]);
  });

  test('calls the next one when the first does not answer', async () => {
    const site = new Site();
    const call = await site.call();
    site.carrier.takeRequest('INVITE');
    await site.s.advance(32_000);
    await hangUp(await site.answer(call, site.backup));
    await site.s.finish();
  });

  test('calls the next one when the first says nothing within its response_timeout, and ends what it answers later', async () => {
    const site = new Site({ trunk: 'response_timeout = "4s"' });
    const call = await site.call();
    const silent = CalleeLeg.take(site.carrier);
    await site.s.advance(3_900);
    site.backup.expectNothing();
    await site.s.advance(100);
    const connected = await site.answer(call, site.backup);
    await silent.answer(sdp({ address: silent.peer.address.address, port: 40_002, crypto: cryptoLine(8) }));
    silent.takeAck();
    await silent.respond(site.carrier.takeRequest('BYE'), 200);
    await hangUp(connected);
    await site.s.finish();
    expect(site.s.record.attempts.map(({ target, status }) => `${target} ${status}`)).toEqual([
      'trunk:carrier 408',
      'trunk:backup 200',
    ]);
  });

  test('calls the next one when the first cannot be reached', async () => {
    const site = new Site();
    site.s.wire.cut(site.carrier.flow);
    const call = await site.call();
    await hangUp(await site.answer(call, site.backup));
    await site.s.finish();
  });

  test('takes a busy callee for what it is', async () => {
    const site = new Site();
    const call = await site.call();
    await CalleeLeg.take(site.carrier).refuse(486);
    await call.takeRefusal(486);
    site.backup.expectNothing();
    await site.s.finish();
  });

  test('of which all say 503 is out of order, and the caller hears no 503', async () => {
    const site = new Site();
    const call = await site.call();
    await CalleeLeg.take(site.carrier).refuse(503, [['Retry-After', '60']]);
    await CalleeLeg.take(site.backup).refuse(503);
    await call.takeRefusal(500);
    await site.s.finish();
  });

  test('passes over a trunk that is full, and frees its slots one by one', async () => {
    const site = new Site({ trunk: 'concurrent_calls = 1' });
    const first = await site.answer(await site.call(), site.carrier);
    const second = await site.answer(await site.call(), site.backup);
    await hangUp(first);
    const third = await site.answer(await site.call(), site.carrier);
    await hangUp(second);
    await hangUp(third);
    await site.s.finish();
  });

  test('holds a call to the strictest limits of its members', async () => {
    const site = new Site();
    const { call, leg } = await site.answer(await site.call(), site.carrier);
    await site.s.advance(60_000);
    await call.takeBye();
    await leg.takeBye();
    await site.s.finish();
    expect(site.s.record.cause).toBe('duration-limit');
  });

  test('is not tried further once the caller has hung up', async () => {
    const site = new Site();
    const call = await site.call();
    const leg = CalleeLeg.take(site.carrier);
    await leg.ring();
    call.take(180);
    await call.cancel();
    await call.takeRefusal(487);
    await leg.takeCancel();
    site.backup.expectNothing();
    await site.s.finish();
  });

  test('of the same priority shares calls by weight', async () => {
    const site = new Site({ routes: group('weight = 90', 'weight = 10'), limits: 'concurrent_calls = 100' });
    let carrier = 0;
    for (let count = 0; count < 60; count += 1) {
      const call = await site.call();
      const peer = site.carrier.inbox.length > 0 ? site.carrier : site.backup;
      if (peer === site.carrier) carrier += 1;
      await CalleeLeg.take(peer).refuse(486);
      await call.takeRefusal(486);
    }
    expect(carrier).toBeGreaterThan(45);
    expect(carrier).toBeLessThan(60);
    await site.s.finish();
  });
});

describe('several PBXs', () => {
  const pbxs = `
[[route]]
from = "user"
via = "group:pbxs"
[[pbx]]
name = "second"
listener = "to-pbx"
uri = "sip:10.0.0.6:5060"
accept_from = ["10.0.0.7"]
[[trunk_group]]
name = "pbxs"
members = [{ via = "pbx:main", priority = 1 }, { via = "pbx:second", priority = 2 }]
`;

  test('are called one after the other', async () => {
    const s = new Scenario({ routes: pbxs });
    const second = s.peer('second', 'to-pbx', '10.0.0.6', 5060, { host: '10.0.0.6', port: 5060 });
    const call = await s.phone('alice').invite('600');
    await CalleeLeg.take(s.pbx).refuse(503);
    const leg = CalleeLeg.take(second);
    await leg.answer(sdp({ address: '10.0.0.6', port: 30_000 }));
    await call.takeAnswer();
    leg.takeAck();
    await hangUp({ call, leg });
    await s.finish();
  });
});

describe('a trunk that is pinged', () => {
  test('is down after two pings in vain, is left out, and comes back after two answers; each change is logged once', async () => {
    const site = new Site({ trunk: probes });
    const { s, carrier } = site;
    const changes = (): readonly string[] =>
      s.logged.filter(({ event }) => event.startsWith('peer-')).map(({ event }) => event);
    await s.advance(6_000);
    await site.pong();
    expect(await s.metrics.text()).toContain('sbc_trunk_up{peer="trunk:carrier"} 1');
    // Two time-outs of 32 seconds, 30 seconds after the outcome before.
    await s.advance(2 * 62_000 + 1_000);
    expect(changes()).toEqual(['peer-down']);
    expect(await s.metrics.text()).toContain('sbc_trunk_up{peer="trunk:carrier"} 0');
    carrier.inbox = [];
    await hangUp(await site.answer(await site.call(), site.backup));
    carrier.expectNothing();
    await s.advance(30_000);
    await site.pong(404);
    await s.advance(30_000);
    await site.pong(200);
    expect(changes()).toEqual(['peer-down', 'peer-up']);
    await hangUp(await site.answer(await site.call(), carrier));
    await s.finish();
  });

  test('that answers 503 does not serve, and is pinged again when Retry-After says', async () => {
    const site = new Site({ trunk: probes });
    await site.s.advance(6_000);
    await site.pong(503, [['Retry-After', '100']]);
    await site.s.advance(99_000);
    site.carrier.expectNothing();
    await site.s.advance(1_500);
    await site.pong(503);
    await hangUp(await site.answer(await site.call(), site.backup));
    await site.s.finish();
  });

  test('and is the only way is refused with the reason, and no 503', async () => {
    const s = new Scenario({ trunk: probes });
    await s.advance(2 * 62_000);
    const call = await s.pbx.call({ uri: 'sip:+4912345@10.0.0.10:5060', from: '<sip:100@pbx.test>', body: pbxSdp() });
    const refusal = await call.takeRefusal(480);
    expect(refusal.headers.get('Reason')).toContain('Out of service');
    await s.finish();
    expect(s.record.refusal?.code).toBe('peer-down');
  });
});
