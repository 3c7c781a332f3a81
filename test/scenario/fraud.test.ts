// Fraud detection that acts: what is observed of calls and registrations, and what becomes of who is suspected.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, connect, connectFromPbx, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';

function tables(rule: string, more = 'mode = "active"'): string {
  return `[numbers]\ncountry = "GB"\nextensions = ["6xx"]\n[fraud]\n${more}\n[[fraud.rule]]\nname = "watch"\n${rule}`;
}

/** Two calls abroad within the hour warn, three act. */
const abroad = (actions: string): string => `kind = "foreign-calls"\nwarn = 2\nact = 3\nactions = [${actions}]`;

async function talk(s: Scenario, phone: ScenarioPhone, number: string): Promise<void> {
  await hangUp(await connect(s, phone, { uri: `sip:${number}@pbx.test` }));
}

async function refused(s: Scenario, phone: ScenarioPhone, number: string): Promise<void> {
  const call = await phone.invite(number);
  expect((await call.takeRefusal(403)).headers.get('Reason')).toBe('SIP;cause=403;text="Not allowed"');
  s.pbx.expectNothing();
}

async function threeAbroad(s: Scenario, phone: ScenarioPhone): Promise<void> {
  for (const last of [0, 1, 2]) await talk(s, phone, `+3314268530${last}`);
}

const following = '\n[redirects]\nlimit = 2\n';
const outbound = `
[[route]]
from = "user"
to = "+*"
via = "trunk:carrier"
[[route]]
from = "user"
via = "pbx:main"
[[route]]
from = "pbx"
via = "users"
`;

/** The PBX calls bob in the name of alice, and his phone sends the call abroad. */
async function sentAbroad(s: Scenario, bob: ScenarioPhone, last: number): Promise<CallerLeg> {
  const call = await s.pbx.call({
    uri: 'sip:bob@10.0.0.10:5060',
    from: '<sip:alice@pbx.test>',
    fields: [['P-Asserted-Identity', '<sip:alice@pbx.test>']],
    body: pbxSdp(),
  });
  await CalleeLeg.take(bob, `bob-${last}`).refuse(302, [['Contact', `<tel:+3314268530${last}>`]]);
  return call;
}

function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pc-fraud-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), text);
  return join(folder, 'portcullis.toml');
}

describe('a rule of fraud detection', () => {
  test('warns, then acts: new calls of the class are refused for a while, those of others and of other users are not', async () => {
    const s = new Scenario({ tables: tables(`${abroad('"refuse-class"')}\nhold = "10m"`) });
    const alice = s.phone('alice');
    await threeAbroad(s, alice);
    await refused(s, alice, '+33142685309');
    await talk(s, alice, '+442071838750');
    await talk(s, s.phone('bob'), '+33142685309');
    await s.advance(600_000);
    await talk(s, alice, '+33142685309');
    await s.finish();
    expect(s.alerts).toMatchObject([
      { kind: 'fraud', rule: 'watch', subject: 'user:alice@pbx.test', level: 'warn', actions: [], shadow: false },
      { kind: 'fraud', rule: 'watch', subject: 'user:alice@pbx.test', level: 'act', actions: ['refuse-class'] },
    ]);
    expect(s.records[3]).toMatchObject({ cause: 'refused', refusal: { code: 'fraud' } });
    expect(s.records[3]?.trace.at(-1)).toEqual({
      rule: 'fraud watch',
      input: 'user:alice@pbx.test',
      answer: 'deny international calls',
    });
  });

  test('refuses all calls of the user where it says so, but never an emergency call, nor a call to that user', async () => {
    const s = new Scenario({ tables: tables(abroad('"refuse-all"')) });
    const alice = await s.registered('alice');
    await threeAbroad(s, alice);
    await refused(s, alice, '600');
    await talk(s, alice, '999');
    const { call, leg } = await connectFromPbx(s, alice);
    await hangUp({ call, leg });
    await s.finish();
  });

  test('ends calls that run, on both sides, those of the user alone, and no emergency call', async () => {
    const s = new Scenario({
      limits: 'concurrent_calls = 9',
      tables: tables('kind = "simultaneous-calls"\nact = 3\nclasses = ["international"]\nactions = ["end-calls"]'),
    });
    const alice = s.phone('alice');
    const bobs = await connect(s, s.phone('bob'), { uri: 'sip:+33142685300@pbx.test' });
    const emergency = await connect(s, alice, { uri: 'sip:999@pbx.test' });
    const first = await connect(s, alice, { uri: 'sip:+33142685301@pbx.test' });
    const second = await connect(s, alice, { uri: 'sip:+33142685302@pbx.test' });
    const third = await alice.invite('+33142685303');
    for (const { call, leg } of [first, second]) {
      await call.takeBye();
      expect((await leg.takeBye()).headers.get('Reason')).toBe('Q.850;cause=21;text="Call rejected"');
    }
    await third.takeRefusal(403);
    expect(s.b2bua.active).toBe(2);
    await hangUp(bobs);
    await hangUp(emergency);
    await s.finish();
    expect(s.records.filter(({ cause }) => cause === 'fraud')).toHaveLength(3);
  });

  test('locks the user: nothing is proven with its password any more', async () => {
    const s = new Scenario({ tables: tables(abroad('"lock-user"')) });
    const alice = s.phone('alice');
    await threeAbroad(s, alice);
    expect((await alice.register()).status).not.toBe(200);
    expect((await s.phone('bob').register()).status).toBe(200);
    await s.finish();
    expect(s.logged.map(({ event }) => event)).toContain('fraud-user-locked');
  });

  test('bans the source, and leaves peers and allowed addresses alone', async () => {
    const s = new Scenario({ tables: `[bans]\nallow = ["198.51.100.9"]\n${tables(abroad('"ban-source"'))}` });
    const alice = s.phone('alice', '198.51.100.8');
    await threeAbroad(s, s.phone('bob', '198.51.100.9'));
    for (const last of [0, 1]) await talk(s, alice, `+3314268530${last}`);
    expect(s.bans.list()).toEqual([]);
    const { leg } = await connect(s, alice, { uri: 'sip:+33142685302@pbx.test' });
    expect(s.bans.list()).toMatchObject([{ source: '198.51.100.8', reason: 'fraud' }]);
    // What the banned phone says is not heard any more; its call ends from the other side.
    await leg.hangUp();
    await s.finish();
  });

  test('bans for a transfer abroad whoever transferred, and not whom it had a call with', async () => {
    const rule = 'kind = "foreign-calls"\nact = 1\nactions = ["ban-source"]\n';
    const routes = `
[[route]]
from = "user"
to = "+*"
via = "pbx:main"
[[route]]
from = "user"
via = "users"
`;
    const s = new Scenario({ routes, tables: `${tables(rule)}[transfers]\nrefer = "handle"` });
    const alice = s.phone('alice', '198.51.100.8');
    const bob = await s.registered('bob', '198.51.100.9');
    const call = await alice.invite('bob', { uri: 'sip:bob@pbx.test' });
    const leg = CalleeLeg.take(bob);
    await leg.answer(bob.answer(leg.invite.body));
    await call.takeAnswer();
    leg.takeAck();
    await call.send('REFER', { fields: [['Refer-To', '<sip:+33142685302@pbx.test>']] });
    alice.takeResponse(202, 'REFER');
    expect(s.bans.list()).toMatchObject([{ source: '198.51.100.8', reason: 'fraud' }]);
    const target = CalleeLeg.take(s.pbx, 'abroad');
    await target.ring();
    await leg.hangUp();
    await target.takeCancel();
    await s.finish();
  });

  test('in shadow does nothing, and says what it would have done', async () => {
    for (const [more, mode] of [
      ['mode = "shadow"', ''],
      ['mode = "active"', '\nmode = "shadow"'],
    ] as const) {
      const s = new Scenario({
        tables: tables(`${abroad('"refuse-all", "end-calls", "lock-user", "ban-source"')}${mode}`, more),
      });
      const alice = s.phone('alice');
      await threeAbroad(s, alice);
      await talk(s, alice, '+33142685309');
      expect((await alice.register()).status).toBe(200);
      expect(s.bans.list()).toEqual([]);
      await s.finish();
      expect(s.alerts.at(-1)).toMatchObject({
        level: 'act',
        shadow: true,
        actions: ['refuse-all', 'end-calls', 'lock-user', 'ban-source'],
      });
    }
  });

  test('that is off sees nothing', async () => {
    const s = new Scenario({ tables: tables(abroad('"refuse-all"'), '') });
    await threeAbroad(s, s.phone('alice'));
    await talk(s, s.phone('alice'), '+33142685309');
    await s.finish();
    expect(s.alerts).toEqual([]);
  });
});

describe('what is observed', () => {
  test('is charged to whom the call is: a fraud through call forwarding is seen', async () => {
    const s = new Scenario({ tables: tables(abroad('"refuse-all"')) });
    const carrier = s.carrier();
    const forward = async (number: string) =>
      s.pbx.call({
        uri: `sip:${number}@10.0.0.10:5060`,
        from: '<sip:+442079460000@pbx.test>',
        fields: [['Diversion', '<sip:alice@pbx.test>;reason=unconditional']],
        body: pbxSdp(),
      });
    for (const last of [0, 1, 2]) {
      const call = await forward(`+3314268530${last}`);
      await CalleeLeg.take(carrier).refuse(486);
      await call.takeRefusal(486);
    }
    await (await forward('+33142685304')).takeRefusal(403);
    await refused(s, s.phone('alice'), '600');
    await s.finish();
    expect(s.alerts.map((alert) => alert.kind === 'fraud' && alert.subject)).toContain('user:alice@pbx.test');
  });

  test('of redirects by a phone: they are its own, whoever called, and one that is held against it is not followed', async () => {
    const s = new Scenario({ tables: `${tables(abroad('"refuse-class"'))}${following}`, routes: outbound });
    const [bob, carrier] = [await s.registered('bob'), s.carrier()];
    for (const last of [0, 1, 2]) {
      const call = await sentAbroad(s, bob, last);
      await CalleeLeg.take(carrier, `carrier-${last}`).refuse(486);
      await call.takeRefusal(486);
    }
    const call = await sentAbroad(s, bob, 3);
    await call.takeRefusal(480);
    carrier.expectNothing();
    await s.finish();
    expect(s.alerts.map((alert) => alert.kind === 'fraud' && [alert.subject, alert.level])).toEqual([
      ['user:bob@pbx.test', 'warn'],
      ['user:bob@pbx.test', 'act'],
    ]);
    expect(s.records[3]?.trace).toContainEqual({ rule: 'redirect', answer: 'refused: fraud' });
  });

  test('of a redirected call that runs: it ends with those of who redirected it', async () => {
    const rule = 'kind = "simultaneous-calls"\nact = 2\nclasses = ["international"]\nactions = ["end-calls"]';
    const s = new Scenario({ tables: `${tables(rule)}${following}`, routes: outbound });
    const [bob, carrier] = [await s.registered('bob'), s.carrier()];
    const first = await sentAbroad(s, bob, 1);
    const leg = CalleeLeg.take(carrier);
    await leg.answer(bob.answer(leg.invite.body));
    await first.takeAnswer();
    leg.takeAck();
    const second = await sentAbroad(s, bob, 2);
    await first.takeBye();
    await leg.takeBye();
    await second.takeRefusal(403);
    carrier.expectNothing();
    await s.finish();
    expect(s.records.map(({ cause }) => cause)).toEqual(['fraud', 'fraud']);
  });

  test('of redirects that may not be: a phone that tries, again and again', async () => {
    const s = new Scenario({
      tables: `${tables('kind = "refused-attempts"\nact = 3\nactions = ["refuse-all"]')}${following}\n[[rule]]\nname = "no-premium"\naction = "deny"\nclasses = ["premium-rate"]`,
      routes: outbound,
    });
    const bob = await s.registered('bob');
    for (let index = 0; index < 3; index += 1) {
      const call = await callFromPbx(s, 'bob');
      await CalleeLeg.take(bob, `bob-${index}`).refuse(302, [['Contact', '<tel:+449012345678>']]);
      await call.takeRefusal(480);
    }
    await refused(s, bob, '600');
    await s.finish();
    expect(s.alerts).toMatchObject([{ subject: 'user:bob@pbx.test', level: 'act' }]);
  });

  test.each([
    { title: 'the user who called', diversion: [], payer: 'user:alice@pbx.test' },
    {
      title: 'whom it names as who forwards them',
      diversion: [['Diversion', '<sip:bob@pbx.test>;reason=unconditional'] as const],
      payer: 'user:bob@pbx.test',
    },
  ])('of redirects by the PBX: they are of $title', async ({ diversion, payer }) => {
    const s = new Scenario({ tables: `${tables(abroad('"refuse-class"'))}${following}` });
    const [alice, carrier] = [s.phone('alice'), s.carrier()];
    for (const last of [0, 1, 2]) {
      const call = await alice.invite('600');
      await CalleeLeg.take(s.pbx, `pbx-${last}`).refuse(302, [['Contact', `<tel:+3314268530${last}>`], ...diversion]);
      await CalleeLeg.take(carrier, `carrier-${last}`).refuse(486);
      await call.takeRefusal(486);
    }
    await s.finish();
    expect(s.alerts.map((alert) => alert.kind === 'fraud' && [alert.subject, alert.level])).toEqual([
      [payer, 'warn'],
      [payer, 'act'],
    ]);
  });

  test('of what the PBX makes of a redirect: its own call out is of the phone that redirected', async () => {
    const s = new Scenario({ tables: `${tables(abroad('"refuse-class"'))}${following}` });
    const [bob, carrier] = [await s.registered('bob'), s.carrier()];
    const call = await callFromPbx(s, 'bob');
    await CalleeLeg.take(bob).refuse(302, [['Contact', '<sip:601@pbx.test>']]);
    const back = CalleeLeg.take(s.pbx, 'redirected');
    const token = back.invite.headers.get('X-Sbc-Call') ?? '';
    const out = await s.pbx.call({
      uri: 'sip:+33142685300@10.0.0.10:5060',
      from: '<sip:100@pbx.test>',
      fields: [['X-Sbc-Call', token]],
      body: pbxSdp(),
    });
    await CalleeLeg.take(carrier).refuse(486);
    await out.takeRefusal(486);
    await back.refuse(486);
    await call.takeRefusal(486);
    await s.finish();
    expect(s.records[0]?.trace).toContainEqual({ rule: 'charge', input: 'token', answer: 'user bob@pbx.test' });
    expect(s.ground.charges.size).toBe(0);
  });

  test('of refusals: who tries what may not be, again and again', async () => {
    const s = new Scenario({
      tables: `${tables('kind = "refused-attempts"\nact = 3\nactions = ["refuse-all"]')}\n[[rule]]\nname = "no-premium"\naction = "deny"\nclasses = ["premium-rate"]`,
    });
    const alice = s.phone('alice');
    for (let index = 0; index < 3; index += 1) await refused(s, alice, '+449012345678');
    await refused(s, alice, '600');
    await s.finish();
    expect(s.records.map(({ refusal }) => refusal?.code)).toEqual([
      'rule-denied',
      'rule-denied',
      'rule-denied',
      'fraud',
    ]);
  });

  test('of registrations: from a country where the user never was, by the table of the operator', async () => {
    const configFile = file('networks.csv', '# by network\n198.51.100.0/25,GB\n203.0.113.0/24,VN\n');
    const rule = 'kind = "new-source-country"\nact = 1\nwindow = "30d"\nactions = ["refuse-all"]';
    const s = new Scenario({ configFile, tables: tables(rule, 'mode = "active"\nnetworks = "networks.csv"') });
    const alice = await s.registered('alice', '198.51.100.1');
    await talk(s, alice, '600');
    await s.registered('bob', '198.51.100.2');
    await s.registered('alice', '198.51.100.3');
    expect(s.alerts).toEqual([]);
    const stranger = await s.registered('alice', '203.0.113.9');
    await refused(s, stranger, '600');
    await s.finish();
    expect(s.alerts).toMatchObject([{ subject: 'user:alice@pbx.test', level: 'act' }]);
  });

  test('of money: minutes at the price of their prefix', async () => {
    const configFile = file('prices.csv', '+33,0.5\n+3314,2\n');
    const rule = 'kind = "spend"\nwarn = 3\nact = 6\nwindow = "24h"\nactions = ["refuse-class"]';
    const s = new Scenario({ configFile, tables: tables(rule, 'mode = "active"\nprices = "prices.csv"') });
    const alice = s.phone('alice');
    for (let index = 0; index < 2; index += 1) {
      const call = await connect(s, alice, { uri: 'sip:+33142685300@pbx.test' });
      await s.advance(120_000);
      await hangUp(call);
    }
    await refused(s, alice, '+33142685300');
    await s.finish();
    expect(s.alerts.map((alert) => alert.kind === 'fraud' && alert.level)).toEqual(['warn', 'act']);
  });

  test('of hours: calls outside of those that are normal', async () => {
    const hours = '[[hours]]\nname = "office"\nzone = "America/Los_Angeles"\nopen = ["mon-fri 08:00-18:00"]';
    const rule = 'kind = "out-of-hours-calls"\nact = 2\nactions = ["refuse-class"]';
    const s = new Scenario({ tables: `${tables(rule, 'mode = "active"\nhours = "office"')}\n${hours}` });
    const alice = s.phone('alice');
    await talk(s, alice, '+442071838750');
    await talk(s, alice, '+442071838751');
    await refused(s, alice, '+442071838752');
    await s.finish();
  });

  test('does not stand still when the clock is set back', async () => {
    const s = new Scenario({ tables: tables(abroad('"refuse-class"')) });
    const alice = s.phone('alice');
    s.scheduler.clock.jumpWall(-48 * 3_600_000);
    await threeAbroad(s, alice);
    await refused(s, alice, '+33142685309');
    await s.finish();
  });
});
