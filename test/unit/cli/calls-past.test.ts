// Past calls by their records: asked while a process writes, and when none does.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { CallRecord } from '../../../src/b2bua/call/call-record.ts';
import { CallRecords } from '../../../src/compose/keeping/call-records.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { dropRecord } from '../../../src/media/plane/drop-record.ts';
import { FakeScheduler } from '../../support/fake-time.ts';
import { scenarioConfig } from '../../support/scenario-config.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const hour = 3_600_000;

const none = { packets: 0, bytes: 0 };
const silence = {
  ...{ endpoint: 1, received: none, sent: none, receivedRtcp: none, sentRtcp: none, dropped: dropRecord(() => 0) },
  ...{ lost: 0, jitter: 0, roundTrip: undefined, latched: undefined },
};

function recordOf(callId: string, startedAt: number, more: Partial<CallRecord> = {}): CallRecord {
  return {
    callId,
    transferOf: undefined,
    caller: { kind: 'user', name: 'alice@pbx.test' },
    callee: { kind: 'pbx', name: 'main' },
    dialled: '600',
    canonical: '600',
    startedAt,
    ringingAt: undefined,
    answeredAt: startedAt,
    endedAt: startedAt + 60_000,
    duration: 60_000,
    cause: 'caller-hung-up',
    status: 200,
    refusal: undefined,
    trace: [],
    attempts: [],
    media: [],
    ...more,
  };
}

/** The records of a running process, as it would write them. */
function writing(cli: Cli, scheduler = new FakeScheduler(), directory = 'state/cdr'): CallRecords {
  return new CallRecords({
    config: scenarioConfig({}),
    directory: cli.path(directory),
    scheduler,
    logger: silentLogger,
    onLost: () => {
      throw new Error('a record was lost');
    },
  });
}

async function written(...records: readonly CallRecord[]): Promise<Cli> {
  const cli = new Cli(smallConfig);
  const writer = writing(cli);
  for (const record of records) writer.write(record);
  await writer.close();
  return cli;
}

function callsIn(cli: Cli): readonly string[] {
  const shape = z.object({ calls: z.array(z.object({ call: z.string() })) });
  return shape.parse(cli.json()).calls.map(({ call }) => call);
}

describe('calls, past', () => {
  test('finds calls by who called, paid or was called, since when, and their number', async () => {
    const now = new Cli().clock.wall();
    const cli = await written(
      recordOf('old', now - 30 * hour),
      recordOf('hers', now - 2 * hour, { canonical: '+442079460000' }),
      recordOf('paid', now - hour, {
        caller: { kind: 'pbx', name: 'main' },
        trace: [{ rule: 'charge', input: 'token', answer: 'user alice@pbx.test' }],
      }),
      recordOf('called', now - hour / 2, {
        caller: { kind: 'trunk', name: 'carrier' },
        callee: { kind: 'user', name: 'alice@pbx.test' },
      }),
      recordOf('bobs', now - hour / 4, { caller: { kind: 'user', name: 'bob@pbx.test' }, canonical: '+4420' }),
    );
    expect(await cli.run('calls', '--user', 'alice', '--since', '24h', '--json')).toBe(0);
    expect(callsIn(cli)).toEqual(['called', 'paid', 'hers']);
    await cli.run('calls', '--number', '+4420*', '--json');
    expect(callsIn(cli)).toEqual(['bobs', 'hers']);
    await cli.run('calls', '--user', 'trunk:carrier', '--format', 'json');
    expect(callsIn(cli)).toEqual(['called']);
    await cli.run('calls', '--until', '24h', '--json');
    expect(callsIn(cli)).toEqual(['old']);
  });

  test('finds what was refused with the rule that decided, and says when there are more than it shows', async () => {
    const now = new Cli().clock.wall();
    const refusal = { code: 'rule-denied', detail: 'rule no-satellites denies it' } as const;
    const trace = [{ rule: 'rule no-satellites', answer: 'deny' }];
    const cli = await written(
      recordOf('a', now - 3, { refusal, trace, cause: 'refused', status: 403, canonical: undefined, dialled: '00x' }),
      recordOf('b', now - 2),
      recordOf('c', now - 1),
    );
    await cli.run('calls', '--verdict', 'refused', '--since', '1h');
    expect(cli.out).toMatch(/ a .* 00x .*refused {2}rule no-satellites {2}refused\n/);
    expect(cli.out.trim().split('\n')).toHaveLength(2);
    await cli.run('calls', '--limit', '2', '--json');
    expect(callsIn(cli)).toEqual(['c', 'b']);
    expect(cli.error).toContain('only the last 2 are shown');
    await cli.run('calls', '--number', '00x', '--json');
    expect(callsIn(cli)).toEqual(['a']);
    expect(await cli.run('explain', 'a')).toBe(0);
    expect(cli.out).toMatch(/^> +rule no-satellites +deny$/m);
  });

  test('prints CSV in which nothing that a peer chose is a formula', async () => {
    const now = new Cli().clock.wall();
    const cli = await written(
      recordOf('evil', now - 2, { canonical: undefined, dialled: '=HYPERLINK("http://x","y")' }),
      recordOf('plain', now - 1, { canonical: '+441632960123' }),
    );
    await cli.run('calls', '--format', 'csv');
    const [heading = '', plain = '', evil = ''] = cli.out.split('\r\n');
    expect(heading).toMatch(/^call,started,answered,ended,duration,caller,payer,callee,dialled,canonical,verdict,/);
    expect(plain).toContain(',600,+441632960123,admitted,');
    expect(evil).toContain(`,"'=HYPERLINK(""http://x"",""y"")",`);
  });

  test('reads while the process writes, and afterwards', async () => {
    const cli = new Cli(smallConfig);
    const scheduler = new FakeScheduler();
    const writer = writing(cli, scheduler);
    writer.write(recordOf('first', scheduler.clock.wall()));
    await writer.flush();
    expect(await cli.run('calls', '--limit', '5', '--json')).toBe(0);
    expect(callsIn(cli)).toEqual(['first']);
    writer.write(recordOf('second', scheduler.clock.wall() + 1));
    await writer.close();
    await cli.run('calls', '--limit', '5', '--json');
    expect(callsIn(cli)).toEqual(['second', 'first']);
    // The file of lines has the same.
    expect(readFileSync(cli.path('state/cdr/cdr.ndjson'), 'utf8').trim().split('\n')).toHaveLength(2);
  });

  test.each([
    [['--since', 'yesterday'], '--since: expected a time such as 24h'],
    [['--verdict', 'maybe'], '--verdict: expected one of admitted, refused'],
    [['--format', 'xml'], '--format: expected one of table, csv, json'],
    [['--limit', '0'], '--limit: expected a number'],
    [['--user', 'al ice'], 'expected a name'],
  ])('refuses a question that is none: %j', async (args, message) => {
    const cli = await written(recordOf('a', 1_000));
    expect(await cli.run('calls', ...args)).toBe(2);
    expect(cli.error).toContain(message);
  });

  test('says when there are no records', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('calls', '--since', '1h')).toBe(1);
    expect(cli.error).toContain('there is no database of call records');
  });
});

test('past calls of several processes are one list, and each is explained', async () => {
  const store = '[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n';
  const cli = new Cli(`${smallConfig.replace('[sbc]', '[sbc]\nprocesses = 3')}\n${store}`);
  const begin = cli.clock.wall() - hour;
  for (const [process, starts] of [
    [1, [0, 2, 5]],
    [2, [1, 3, 4]],
  ] as const) {
    const writer = writing(cli, new FakeScheduler(), `state/process-${process}/cdr`);
    for (const start of starts) writer.write(recordOf(`call-${start}`, begin + start * 1_000));
    await writer.close();
  }
  expect(await cli.run('calls', '--since', '2h', '--json')).toBe(0);
  expect(callsIn(cli)).toEqual(['call-5', 'call-4', 'call-3', 'call-2', 'call-1', 'call-0']);
  await cli.run('calls', '--since', '2h', '--limit', '2', '--json');
  expect(callsIn(cli)).toEqual(['call-5', 'call-4']);
  expect(cli.error).toContain('only the last 2 are shown');
  expect(await cli.run('explain', 'call-3')).toBe(0);
});

test('a past call of two processes is one row, and both of its records where a program reads them', async () => {
  const store = '[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n';
  const cli = new Cli(`${smallConfig.replace('[sbc]', '[sbc]\nprocesses = 2')}\n${store}`);
  const begin = cli.clock.wall() - hour;
  const [one, two] = [1, 2].map((process) => writing(cli, new FakeScheduler(), `state/process-${process}/cdr`));
  if (one === undefined || two === undefined) throw new Error('two were made');
  const half = (call: string | undefined) => ({ halfOf: { node: 'edge-1', call } });
  for (const start of [0, 1, 2]) {
    one.write(recordOf(`call-${start}`, begin + start * 1_000));
    two.write(recordOf(`half-${start}`, begin + start * 1_000 + 5, half(`call-${start}`)));
  }
  // The process where it began has lost its record.
  two.write(recordOf('stray', begin + 4_000, half('call-9')));
  await Promise.all([one.close(), two.close()]);
  expect(await cli.run('calls', '--since', '2h', '--limit', '3')).toBe(0);
  expect(cli.out).toMatch(/stray.*call-2.*call-1/s);
  expect(cli.out).not.toMatch(/half-|call-0/);
  await cli.run('calls', '--since', '2h', '--json');
  expect(callsIn(cli)).toEqual(['stray', 'half-2', 'call-2', 'half-1', 'call-1', 'half-0', 'call-0']);
  await cli.run('calls', '--since', '2h', '--format', 'csv');
  expect(cli.out.split('\r\n')[2]).toMatch(/,call-2$/);
});

test('a past call that was heard in one direction only stands out in the table', async () => {
  const now = new Cli().clock.wall();
  const cli = new Cli(smallConfig);
  const writer = writing(cli);
  const of = (leg: string, meanOpinionScore: number | undefined, oneWay: boolean): CallRecord['media'][number] => ({
    leg,
    encryption: 'none',
    report: { ...silence, meanOpinionScore, oneWay },
  });
  writer.write(recordOf('deaf', now - 2, { media: [of('a', 4.3, false), of('b', undefined, true)] }));
  writer.write(recordOf('fine', now - 1, { media: [of('a', 4.3, false), of('b', 3.9, false)] }));
  await writer.close();
  await cli.run('calls', '--since', '1h');
  expect(cli.out).toMatch(/ fine .* 3\.90 +admitted/);
  expect(cli.out).toMatch(/ deaf .* one way +admitted/);
});
