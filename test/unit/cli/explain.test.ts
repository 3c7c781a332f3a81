// Why a past attempt was refused, whether a hypothetical one would be, and what fraud rules would have found.
import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replayFraud } from '../../../src/compose/fraud/fraud-replay.ts';
import { testRoute } from '../../../src/compose/site/route-test.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const policy = `
[numbers]
country = "GB"
extensions = ["6xx"]
[[hours]]
name = "office"
zone = "Europe/London"
open = ["mon-fri 08:00-18:00"]
[[rule]]
name = "no-satellites"
action = "deny"
classes = ["satellite"]
[[rule]]
name = "closed"
action = "deny"
classes = ["international"]
hours = "office"
when = "closed"
[[route]]
from = "user"
via = "pbx:main"
[[network]]
name = "inside"
encryption = "off"
media = [{ address = "127.0.0.1" }]
[[listener]]
name = "to-pbx"
network = "inside"
transport = "tcp"
address = "127.0.0.1:0"
[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:127.0.0.1:5080"
accept_from = ["127.0.0.1"]
`;

interface RecordOptions {
  readonly call: string;
  readonly started?: string;
  readonly canonical?: string;
  readonly duration?: number;
  readonly rules?: readonly unknown[];
  readonly refusal?: unknown;
  readonly media?: readonly unknown[];
}

function recordLine({ call, started = '2026-01-05T10:00:00.000Z', canonical = '600', ...more }: RecordOptions): string {
  const { duration = 0, rules = [], refusal = null, media } = more;
  return JSON.stringify({
    v: 1,
    call,
    caller: 'user:alice@pbx.test',
    callee: null,
    dialled: canonical,
    canonical,
    started,
    ended: new Date(Date.parse(started) + duration * 1_000).toISOString(),
    duration,
    cause: refusal === null ? 'caller-hung-up' : 'refused',
    status: refusal === null ? 200 : 403,
    refusal,
    rules,
    attempts: [],
    media,
  });
}

function withRecords(files: Readonly<Record<string, readonly string[]>>, config = smallConfig): Cli {
  const cli = new Cli(config);
  mkdirSync(cli.path('state/cdr'), { recursive: true });
  for (const [name, lines] of Object.entries(files)) cli.write(`state/cdr/${name}`, `${lines.join('\n')}\n`);
  return cli;
}

test('a past call is told with how its media was on each side', async () => {
  const side = (leg: string, packets: number, more: object) => ({
    ...{
      leg,
      encryption: 'none',
      codec: 'pcma/8000',
      received: { packets, bytes: 1 },
      sent: { packets: 900, bytes: 1 },
    },
    ...{ lost: 3, jitter: 1.5, round_trip: null, mos: 4.2, one_way: false, dropped: {}, ...more },
  });
  const media = [side('a', 901, {}), side('b', 0, { mos: null, one_way: true, dropped: { foreign: 7 } })];
  const cli = withRecords({ 'cdr.ndjson': [recordLine({ call: 'c1', duration: 18, media })] });
  expect(await cli.run('explain', 'c1')).toBe(0);
  expect(cli.out).toMatch(/^LEG +ENCRYPTION +RECEIVED/m);
  expect(cli.out).toMatch(/^a +none +901 +900 +3 +1\.5 +- +4\.20$/m);
  expect(cli.out).toMatch(/^b +none +0 +900 .* silent, 7 foreign$/m);
});

describe('explain', () => {
  const identity = { rule: 'identity', answer: 'allow: user alice@pbx.test' };
  const slots = { rule: 'concurrent-calls', answer: 'at most 2 of user:alice@pbx.test' };
  const total = { rule: 'concurrent-calls', answer: 'at most 2000 of total' };

  test('shows each rule that was asked, its input and its answer, and marks the one that decided', async () => {
    const deny = { rule: 'rule no-satellites', input: '+8821612345678 (satellite, international)', answer: 'deny' };
    const refusal = { code: 'rule-denied', detail: 'rule no-satellites denies it' };
    const line = recordLine({ call: 'abc1', canonical: '+8821612345678', rules: [identity, deny], refusal });
    const cli = withRecords({ 'cdr.ndjson': ['{"torn', recordLine({ call: 'abc2' }), line] });
    expect(await cli.run('explain', 'abc1')).toBe(0);
    expect(cli.out).toMatch(/^ +identity +allow: user alice@pbx\.test$/m);
    expect(cli.out).toMatch(/^> +rule no-satellites +\+8821612345678 \(satellite, international\) +deny$/m);
    expect(cli.out).toContain('refused (rule-denied: rule no-satellites denies it), status 403');
    await cli.run('explain', 'abc1', '--json');
    expect(cli.json()).toMatchObject({ call: 'abc1', deciding: 1, rules: [identity, deny] });
  });

  test.each([
    ['user-cap', 'alice@pbx.test holds its 2 concurrent calls', 1],
    ['total-cap', 'the node holds its 2000 calls', 2],
    ['limit-cap', 'limit abroad: user:alice@pbx.test holds its 1 calls', 3],
    ['store-not-available', 'no answer', 4],
  ])('marks the limit that was full: %s', async (code, detail, deciding) => {
    const rules = [
      identity,
      slots,
      total,
      { rule: 'concurrent-calls', answer: 'at most 1 of limit:abroad:user:alice@pbx.test' },
      { rule: 'longest-call', answer: '60 s' },
    ];
    const cli = withRecords({ 'cdr.ndjson': [recordLine({ call: 'a', rules, refusal: { code, detail } })] });
    await cli.run('explain', 'a', '--json');
    expect(cli.json()).toMatchObject({ deciding });
  });

  test('looks into full files too, and says when there is no such record', async () => {
    const cli = withRecords({
      'cdr.ndjson': [recordLine({ call: 'new' })],
      'cdr-2026-01-05T100000000Z.ndjson': [recordLine({ call: 'old' })],
    });
    expect(await cli.run('explain', 'old')).toBe(0);
    expect(await cli.run('explain', 'ol')).toBe(1);
    expect(cli.error).toContain('no record of a call ol');
  });

  test('says so too where there was no call yet, and looks on where one of several processes had none', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('explain', 'abc1')).toBe(1);
    expect(cli.error).toContain('no record of a call abc1');
    const store = '[store]\nurl = "redis://10.0.0.7"\nkey_env = "SITE_KEY"\n';
    const several = new Cli(`${smallConfig.replace('[sbc]', '[sbc]\nprocesses = 2')}\n${store}`);
    mkdirSync(several.path('state/process-2/cdr'), { recursive: true });
    several.write('state/process-2/cdr/cdr.ndjson', `${recordLine({ call: 'abc2', rules: [identity] })}\n`);
    expect(await several.run('explain', 'abc2')).toBe(0);
  });
});

describe('policy-test', () => {
  function cliOf(): Cli {
    const cli = new Cli(`${smallConfig}${policy}`);
    cli.routeTest = (options) => testRoute(options, {});
    return cli;
  }

  test('asks the rules of the live path, and says which one refuses', async () => {
    const cli = cliOf();
    expect(await cli.run('policy-test', '--user', 'configured', '--to', '+8821612345678')).toBe(1);
    expect(cli.out).toMatch(/rule no-satellites +\+8821612345678 \(satellite, international\) +deny/);
    expect(cli.out).toContain('refused: 403 Not allowed (rule-denied)');
    expect(await cli.run('policy-test', '--user', 'configured', '--to', '600')).toBe(0);
    expect(cli.out).toMatch(/\nallowed\n$/);
  });

  test.each([
    ['2026-07-01T07:30', true, 'wed 08:30 Europe/London'],
    ['2026-12-24T23:00', false, 'thu 23:00 Europe/London'],
    ['2026-07-04T12:00:00+01:00', false, 'sat 12:00 Europe/London'],
  ])('asks as of another time: %s', async (at, allowed, local) => {
    const cli = cliOf();
    const code = await cli.run('policy-test', '--user', 'configured', '--to', '+33142685300', '--at', at, '--json');
    expect(code).toBe(allowed ? 0 : 1);
    expect(cli.json()).toMatchObject({ allowed });
    expect(cli.out).toContain(local);
  });

  test('says what zones make of where the call comes from: an address, a zone, or nothing', async () => {
    const zones =
      '[[zone]]\nname = "office"\nnetworks = ["192.0.2.0/24"]\n[[zone]]\nname = "vpn"\ninterfaces = ["none0"]\n';
    const user = '[[user]]\nname = "held"\npassword = "Long-enough-1!"\nzones = ["office"]\n';
    const cli = new Cli(`${smallConfig}${policy}${zones}${user}`);
    cli.routeTest = (options) => testRoute(options, {});
    const ask = (...more: string[]): Promise<number> =>
      cli.run('policy-test', '--user', 'held', '--to', '600', ...more);
    expect(await ask('--source', '192.0.2.7')).toBe(0);
    expect(cli.out).toMatch(/zone +192\.0\.2\.7 over \S+, in office +allow: office/);
    expect(await ask('--from-zone', 'office')).toBe(0);
    expect(await ask('--source', '198.51.100.7')).toBe(1);
    expect(cli.out).toContain('deny: only from office');
    expect(await ask('--from-zone', 'vpn')).toBe(1);
    expect(await ask()).toBe(1);
    expect(await ask('--from-zone', 'nowhere')).toBe(1);
    expect(cli.error).toContain('there is no zone "nowhere"');
    expect(await ask('--source', 'here')).toBe(1);
    expect(cli.error).toContain('here is no IP address');
  });

  test('refuses a time that is none', async () => {
    const cli = cliOf();
    expect(await cli.run('policy-test', '--user', 'configured', '--to', '600', '--at', 'tomorrow')).toBe(2);
    expect(cli.error).toContain('expected a time such as 2026-12-24T23:00');
  });
});

test('fraud replay runs the rules over past records, in the order in which they happened', async () => {
  const rules = `${policy}\n[fraud]\n[[fraud.rule]]\nname = "abroad"\nkind = "foreign-minutes"\nwarn = 5\nact = 10\nwindow = "24h"\nactions = ["refuse-class"]\n`;
  const paidByBob = [{ rule: 'charge', input: 'token', answer: 'user bob@pbx.test' }];
  const calls = [3, 2, 1].map((hour) =>
    recordLine({
      call: `c${hour}`,
      started: `2026-01-05T0${hour}:00:00.000Z`,
      canonical: '+33142685300',
      duration: 240,
    }),
  );
  const forwarded = recordLine({ call: 'f', canonical: '+33142685300', duration: 360, rules: paidByBob });
  const cli = withRecords({ 'cdr.ndjson': [...calls, 'torn', forwarded] }, `${smallConfig}${rules}`);
  cli.replayFraud = replayFraud;
  expect(await cli.run('fraud', 'replay', '--cdr', 'state/cdr/cdr.ndjson')).toBe(1);
  expect(cli.out).toContain('4 records, 3 findings, 1 lines are none');
  expect(cli.out).toMatch(/2026-01-05T03:04:00\.000Z +act +abroad +user:alice@pbx\.test +foreign-minutes: 12 of 10/);
  expect(cli.out).toMatch(/warn +abroad +user:bob@pbx\.test/);
  expect(await cli.run('fraud', 'replay', '--cdr', 'nowhere')).toBe(1);
  expect(cli.error).toContain('nowhere');
});

test('check finds a time zone that is none, and hours that are none, by line', async () => {
  const cli = new Cli(`${smallConfig}\n[[hours]]\nname = "x"\nzone = "Europe/Londno"\nopen = ["mon-fri 8-18"]\n`);
  expect(await cli.run('check')).toBe(1);
  expect(cli.error).toContain('there is no time zone "Europe/Londno"');
  expect(cli.error).toContain('expected a span such as "mon-fri 08:00-18:00"');
});
