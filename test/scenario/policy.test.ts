// Rules, limits beyond the caps, emergency calls and forwarded calls: what policy decides, seen from both ends of a call.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type Peer } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { cryptoLine, cryptoOf, sdp } from '../support/scenario-sdp.ts';

/** The scenarios begin on Monday 2026-01-05 at 10:00 UTC. */
const site = '[numbers]\ncountry = "GB"\nextensions = ["6xx"]';

async function refused(s: Scenario, phone: ScenarioPhone, number: string, status: number): Promise<string> {
  const call = await phone.invite(number);
  const refusal = await call.takeRefusal(status);
  s.pbx.expectNothing();
  return refusal.headers.get('Reason') ?? '';
}

async function talk(s: Scenario, phone: ScenarioPhone, number: string, millis = 0): Promise<void> {
  const connected = await connect(s, phone, { uri: `sip:${number}@pbx.test` });
  await s.advance(millis);
  await hangUp(connected);
}

async function answerTrunk(carrier: Peer): Promise<CalleeLeg> {
  const leg = CalleeLeg.take(carrier);
  const tag = cryptoOf(leg.invite.body)?.tag;
  await leg.answer(sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77, tag) }));
  return leg;
}

describe('a rule', () => {
  test('that denies a class refuses with 403 and a Reason, however the number is written; the record says which', async () => {
    const s = new Scenario({
      tables: `${site}\n[[rule]]\nname = "no-premium"\naction = "deny"\nclasses = ["premium-rate", "satellite"]`,
    });
    const alice = s.phone('alice');
    for (const number of ['+449012345678', '09012345678', '0044-9012-345678', '+8821612345678']) {
      expect(await refused(s, alice, number, 403)).toBe('SIP;cause=403;text="Not allowed"');
    }
    await talk(s, alice, '+442071838750');
    await s.finish();
    expect(s.records[0]).toMatchObject({ cause: 'refused', refusal: { code: 'rule-denied' } });
    expect(s.records[0]?.trace.at(-1)).toEqual({
      rule: 'rule no-premium',
      input: '+449012345678 (GB, premium-rate, national)',
      answer: 'deny',
    });
  });

  test('before it that allows lets one user or one group through, and the first that matches decides', async () => {
    const s = new Scenario({
      alice: 'group = "sales"',
      tables: `${site}
[[group]]
name = "sales"
[[rule]]
name = "sales-to-france"
action = "allow"
groups = ["sales"]
countries = ["FR"]
[[rule]]
name = "national-only"
action = "deny"
classes = ["international"]`,
    });
    await talk(s, s.phone('alice'), '+33142685300');
    await refused(s, s.phone('bob'), '+33142685300', 403);
    await refused(s, s.phone('alice'), '+8613912345678', 403);
    await s.finish();
    expect(s.records.map(({ refusal }) => refusal?.code)).toEqual([undefined, 'rule-denied', 'rule-denied']);
  });

  test('speaks inside or outside of hours, in the local time of their zone, and on holidays', async () => {
    const tables = (zone: string, holidays = ''): string => `${site}
[[hours]]
name = "office"
zone = "${zone}"
open = ["mon-fri 08:00-18:00"]
holidays = [${holidays}]
[[rule]]
name = "closed"
action = "deny"
classes = ["national"]
hours = "office"
when = "closed"`;
    const london = new Scenario({ tables: tables('Europe/London') });
    await talk(london, london.phone('alice'), '+442071838750');
    await london.finish();
    for (const other of [tables('America/Los_Angeles'), tables('Europe/London', '"01-05"')]) {
      const s = new Scenario({ tables: other });
      await refused(s, s.phone('alice'), '+442071838750', 403);
      await s.finish();
      expect(s.record.trace.at(-1)?.input).toMatch(/(mon 02:00 America\/Los_Angeles|mon 10:00 Europe\/London)$/);
    }
  });

  test('about what the caller shows refuses those who call in under one of our numbers, or under none', async () => {
    const s = new Scenario({
      tables: `${site}
[[rule]]
name = "not-our-own"
action = "deny"
direction = "in"
caller_ids = ["+442071838*", "anonymous"]`,
    });
    const carrier = s.carrier();
    const body = sdp({ address: '198.51.100.71', port: 30_002, crypto: cryptoLine(77) });
    for (const from of ['<sip:02071838000@x.example>', '<sip:anonymous@anonymous.invalid>']) {
      await (await carrier.call({ uri: 'sip:600@sbc.example.com', from, body })).takeRefusal(403);
    }
    s.pbx.expectNothing();
    await s.finish();
  });
});

describe('a limit', () => {
  test('of calls a minute refuses one more, until the first is a minute old', async () => {
    const s = new Scenario({ tables: `${site}\n[[limit]]\nname = "dialler"\ncalls_per_minute = 2` });
    const alice = s.phone('alice');
    await talk(s, alice, '600');
    await s.advance(30_000);
    await talk(s, alice, '600');
    expect(await refused(s, alice, '600', 486)).toBe('SIP;cause=486;text="Too many calls in a minute"');
    await talk(s, s.phone('bob'), '600');
    await s.advance(31_000);
    await talk(s, alice, '600');
    await s.finish();
  });

  test('of minutes a day ends the call that uses them up, and refuses the next until midnight of its zone', async () => {
    const s = new Scenario({
      tables: `${site}\n[[limit]]\nname = "abroad"\nclasses = ["international"]\nminutes_per_day = 3\nzone = "Europe/London"`,
    });
    const alice = s.phone('alice');
    await talk(s, alice, '+33142685300', 60_000);
    const last = await connect(s, alice, { uri: 'sip:+33142685300@pbx.test' });
    await s.advance(119_500);
    expect(s.b2bua.active).toBe(1);
    await s.advance(500);
    await last.call.takeBye();
    await last.leg.takeBye();
    expect(await refused(s, alice, '+33142685300', 486)).toBe('SIP;cause=486;text="Call time used up"');
    await talk(s, alice, '+442071838750');
    s.scheduler.clock.jumpWall(14 * 3_600_000);
    await talk(s, alice, '+33142685300');
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toContain('duration-limit');
  });

  test('of simultaneous calls of a class counts a group together, and not the calls of another class', async () => {
    const s = new Scenario({
      alice: 'group = "sales"',
      tables: `${site}
[[group]]
name = "sales"
[[limit]]
name = "one-abroad"
per = "group"
classes = ["international"]
concurrent_calls = 1
max_call_duration = "5m"`,
    });
    const alice = s.phone('alice');
    const first = await connect(s, alice, { uri: 'sip:+33142685300@pbx.test' });
    expect(await refused(s, alice, '+33142685301', 486)).toContain('Concurrent call limit reached');
    await talk(s, alice, '+442071838750');
    await s.advance(300_000);
    await first.call.takeBye();
    await first.leg.takeBye();
    await s.finish();
    expect(s.records.at(-1)).toMatchObject({ cause: 'duration-limit', duration: 300_000 });
  });

  test('of a trunk is asked by the attempt at it', async () => {
    const s = new Scenario({
      tables: `${site}\n[[limit]]\nname = "trunk-rate"\nper = "trunk"\ntrunks = ["carrier"]\ncalls_per_minute = 1`,
    });
    const carrier = s.carrier();
    const first = await callFromPbx(s, '+442071838750');
    const leg = await answerTrunk(carrier);
    await first.takeAnswer();
    leg.takeAck();
    await (await callFromPbx(s, '+442071838751')).takeRefusal(480);
    carrier.expectNothing();
    await hangUp({ call: first, leg });
    await s.finish();
  });
});

describe('an emergency call', () => {
  test('of a proven user is exempt from rules, caps, hours and duration, takes its own route, and is alerted', async () => {
    const s = new Scenario({
      limits: 'concurrent_calls = 1\ntotal_calls = 1\nmax_call_duration = "10s"',
      tables: `[emergency]\nvia = "trunk:carrier"\n${site}\n[[rule]]\nname = "nothing"\naction = "deny"\nto = ["9*"]\n[[limit]]\nname = "all"\nconcurrent_calls = 1`,
    });
    const carrier = s.carrier();
    const alice = s.phone('alice');
    const first = await connect(s, alice);
    const call = await alice.invite('999');
    const leg = await answerTrunk(carrier);
    expect(leg.invite.uri).toBe('sips:999@sip.carrier.example:5061');
    await call.takeAnswer();
    leg.takeAck();
    await s.advance(11_000);
    expect(s.b2bua.calls().map(({ callee }) => callee)).toEqual(['carrier']);
    await first.call.takeBye();
    await first.leg.takeBye();
    await hangUp({ call, leg });
    await s.finish();
    expect(s.alerts).toMatchObject([{ kind: 'emergency-call', caller: 'alice@pbx.test', number: '999' }]);
  });

  test('finds its way out of hours too, where no other route is open', async () => {
    const s = new Scenario({
      routes: '[[route]]\nname = "nightly"\nfrom = "user"\nhours = "night"\nvia = "pbx:main"',
      tables: `${site}\n[[hours]]\nname = "night"\nzone = "Europe/London"\nopen = ["mon-fri 20:00-22:00"]`,
    });
    const alice = s.phone('alice');
    await refused(s, alice, '600', 404);
    await talk(s, alice, '999');
    await s.finish();
  });

  test('is taken while draining', async () => {
    const s = new Scenario({ tables: site });
    void s.b2bua.drain();
    const alice = s.phone('alice');
    await refused(s, alice, '600', 503);
    await talk(s, alice, '999');
    await s.finish();
  });

  test('needs an identity: without credentials it is challenged like any other', async () => {
    const s = new Scenario({ tables: site });
    const alice = s.phone('alice');
    const call = alice.dial('999');
    await alice.send(call.invite);
    await call.takeRefusal(401);
    s.pbx.expectNothing();
    await s.finish();
    expect(s.records).toEqual([]);
  });

  test('that comes from its own emergency route does not go back there', async () => {
    const s = new Scenario({ tables: `${site}\n[emergency]\nvia = "pbx:main"` });
    const call = await callFromPbx(s, '999');
    await call.takeRefusal(404);
    await s.finish();
  });
});

describe('a call that the PBX places is charged', () => {
  const one = { limits: 'concurrent_calls = 1', tables: site } as const;

  test('to the user who had it forwarded, by Diversion: the cap and the rules of that user apply', async () => {
    const s = new Scenario({
      tables: `${site}\n[[rule]]\nname = "alice-stays"\naction = "deny"\nusers = ["alice"]\nclasses = ["international"]`,
    });
    const carrier = s.carrier();
    const call = await s.pbx.call({
      uri: 'sip:+33142685300@10.0.0.10:5060',
      from: '<sip:+442079460000@pbx.test>',
      fields: [['Diversion', '<sip:alice@pbx.test>;reason=unconditional']],
      body: pbxSdp(),
    });
    await call.takeRefusal(403);
    carrier.expectNothing();
    await s.finish();
    expect(s.record.trace).toContainEqual({
      rule: 'charge',
      input: 'Diversion or History-Info',
      answer: 'user alice@pbx.test',
    });
  });

  test('to whom it asserts, and is the other half of the call that this user dialled: it is counted once', async () => {
    const s = new Scenario(one);
    const carrier = s.carrier();
    const dialled = await connect(s, s.phone('alice'), { uri: 'sip:+442071838750@pbx.test' });
    const place = async () =>
      s.pbx.call({
        uri: 'sip:+442071838750@10.0.0.10:5060',
        from: '<sip:alice@pbx.test>',
        fields: [['P-Asserted-Identity', '<sip:alice@pbx.test>']],
        body: pbxSdp(),
      });
    const call = await place();
    const leg = await answerTrunk(carrier);
    await call.takeAnswer();
    leg.takeAck();
    // A second one is no half of it any more.
    await (await place()).takeRefusal(486);
    await hangUp({ call, leg });
    await hangUp(dialled);
    await s.finish();
  });

  test('by the token that it was given with the call of the user', async () => {
    const s = new Scenario(one);
    const carrier = s.carrier();
    const dialled = await connect(s, s.phone('alice'), { uri: 'sip:+442071838750@pbx.test' });
    const token = dialled.leg.invite.headers.get('X-Sbc-Call') ?? '';
    expect(token).toMatch(/^[0-9a-f]{16,}$/);
    const place = async () =>
      s.pbx.call({
        uri: 'sip:+442071838750@10.0.0.10:5060',
        from: '<sip:100@pbx.test>',
        fields: [['X-Sbc-Call', token]],
        body: pbxSdp(),
      });
    const call = await place();
    const leg = await answerTrunk(carrier);
    expect(leg.invite.headers.get('X-Sbc-Call')).toBeUndefined();
    await call.takeAnswer();
    leg.takeAck();
    // One call has one other half: the token of it does not lift the cap for more.
    await (await place()).takeRefusal(486);
    await hangUp({ call, leg });
    await hangUp(dialled);
    await s.finish();
    expect(s.records[0]?.trace).toContainEqual({ rule: 'charge', input: 'token', answer: 'user alice@pbx.test' });
  });

  describe('under a Session-ID and nothing else that tells whose it is (RFC 7989)', () => {
    const mine = '0123456789abcdef0123456789abcdef';
    const place = (s: Scenario, id: string) =>
      s.pbx.call({
        uri: 'sip:+442071838750@10.0.0.10:5060',
        from: '<sip:100@pbx.test>',
        fields: [['Session-ID', `${id};remote=${'0'.repeat(32)}`]],
        body: pbxSdp(),
      });
    const dial = (s: Scenario) =>
      connect(s, s.phone('alice'), { fields: [['Session-ID', `${mine};remote=${'0'.repeat(32)}`]] });
    const charged = { rule: 'charge', input: 'Session-ID', answer: 'user alice@pbx.test' };

    test('to the user whose running call has that one: it is counted once, and a second such call is refused', async () => {
      const s = new Scenario(one);
      const carrier = s.carrier();
      const dialled = await dial(s);
      const call = await place(s, mine.toUpperCase());
      const leg = await answerTrunk(carrier);
      await call.takeAnswer();
      leg.takeAck();
      await (await place(s, mine)).takeRefusal(486);
      await hangUp({ call, leg });
      await hangUp(dialled);
      await s.finish();
      expect(s.records.map(({ trace }) => trace.filter(({ rule }) => rule === 'charge'))).toEqual([
        [charged],
        [charged],
        [],
      ]);
    });

    test('to the PBX, where no call of a user that runs has that one', async () => {
      const s = new Scenario(one);
      const carrier = s.carrier();
      const dialled = await dial(s);
      const placed = async (id: string): Promise<void> => {
        const call = await place(s, id);
        const leg = await answerTrunk(carrier);
        await call.takeAnswer();
        leg.takeAck();
        await hangUp({ call, leg });
      };
      await placed('fedcba9876543210fedcba9876543210');
      await placed('0'.repeat(32));
      await hangUp(dialled);
      await placed(mine);
      await s.finish();
      expect(s.records.flatMap(({ trace }) => trace.filter(({ rule }) => rule === 'charge'))).toEqual([]);
    });
  });
});

test('media ports that are kept for emergency calls are refused to others with 503', async () => {
  const s = new Scenario({ tables: `${site}\n[emergency]\nreserve_calls = 10000` });
  const { ports } = s.site.config.media;
  const all = 2 * (ports.last - ports.first + 1);
  const alice = s.phone('alice');
  Object.defineProperty(s.media, 'portsInUse', { configurable: true, get: () => Math.ceil(all * 0.75) + 1 });
  await refused(s, alice, '600', 503);
  await talk(s, alice, '999');
  Reflect.deleteProperty(s.media, 'portsInUse');
  await s.finish();
  expect(s.records[0]?.refusal?.code).toBe('media-not-available');
});
