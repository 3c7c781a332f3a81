import { describe, expect, test, vi } from 'vitest';
import type { AdminOperations } from '../../../src/admin/operations.ts';
import { err, ok } from '../../../src/core/result.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

/** The command line beside an SBC that runs with the same configuration. */
async function beside(operations: Partial<AdminOperations> = {}): Promise<Cli> {
  const cli = new Cli(smallConfig);
  await serve(operations, cli.path('admin.sock'));
  return cli;
}

const cells = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

describe('commands that ask the running SBC', () => {
  test.each([
    [['status']],
    [['calls']],
    [['calls', 'end', 'x']],
    [['registrations']],
    [['subscriptions']],
    [['subscriptions', 'end', 'x']],
    [['trunks']],
    [['drain']],
    [['takeover']],
    [['reload']],
  ])('say so and end with 3 when it does not run: %j', async (argv) => {
    const cli = new Cli(smallConfig);
    expect(await cli.run(...argv)).toBe(3);
    expect(cli.error).toBe(`portcullis: not running: nobody answers at ${cli.path('admin.sock')}\n`);
    expect(await cli.run(...argv, '--json')).toBe(3);
    expect(cli.out).toBe('');
  });

  test('find it by --socket when the configuration is not valid', async () => {
    const cli = await beside();
    cli.write('portcullis.toml', 'nonsense');
    expect(await cli.run('calls')).toBe(1);
    expect(await cli.run('calls', '--socket', 'admin.sock')).toBe(0);
  });
});

describe('calls show', () => {
  const traffic = { packets: 1_500, bytes: 258_000 };
  const line = { encryption: 'none', received: traffic, sent: traffic, lost: 2, jitter: 1.5, dropped: {} };
  const media = [
    { ...line, leg: 'a', round_trip: 41.2, mos: 4.3, one_way: false, dropped: { foreign: 7 } },
    { ...line, leg: 'b', round_trip: null, mos: null, one_way: true },
  ];
  const call = {
    id: 'c1',
    state: 'connected',
    caller: 'alice@pbx.test',
    callee: 'main',
    dialled: '600',
    startedAt: 1,
    answeredAt: undefined,
  };

  test('shows how the media of one call is', async () => {
    const cli = new Cli(smallConfig);
    await serve({ call: (id) => Promise.resolve(id === 'c1' ? { call, media } : undefined) }, cli.path('admin.sock'));
    expect(await cli.run('calls', 'show', 'c1')).toBe(0);
    expect(cli.out).toContain('c1: connected, from alice@pbx.test to main\n');
    expect(cells(cli.out).slice(-2)).toEqual([
      ['a', 'none', '1500', '1500', '2', '1.5', '41.2', '4.30', '7 foreign'],
      ['b', 'none', '1500', '1500', '2', '1.5', '-', '-', 'silent'],
    ]);
    expect(await cli.run('calls', 'show', 'c2')).toBe(1);
    expect(cli.error).toContain('there is no call c2');
  });

  test('calls --media shows each side of every call, but of one that has ended meanwhile', async () => {
    const cli = await beside({
      calls: () => [call, { ...call, id: 'c2' }],
      call: (id) => Promise.resolve(id === 'c1' ? { call, media } : undefined),
    });
    expect(await cli.run('calls', '--media')).toBe(0);
    expect(cells(cli.out)).toEqual([
      ['ID', 'LEG', 'ENCRYPTION', 'RECEIVED', 'SENT', 'LOST', 'JITTER ms', 'ROUND TRIP ms', 'MOS', 'DROPPED'],
      ['c1', 'a', 'none', '1500', '1500', '2', '1.5', '41.2', '4.30', '7 foreign'],
      ['c1', 'b', 'none', '1500', '1500', '2', '1.5', '-', '-', 'silent'],
    ]);
    await cli.run('calls', '--media', '--json');
    expect(cli.json()).toMatchObject({ calls: [{ call: { id: 'c1' }, media }] });
  });
});

describe('calls', () => {
  test('lists them', async () => {
    const cli = new Cli(smallConfig);
    const calls = [
      {
        id: 'c1',
        state: 'connected',
        caller: 'alice@pbx.test',
        callee: 'main',
        dialled: '600',
        startedAt: 1,
        answeredAt: cli.clock.wall() - 3_723_000,
      },
      {
        id: 'c2',
        state: 'trying',
        caller: 'bob@pbx.test',
        callee: undefined,
        dialled: '600',
        startedAt: 1,
        answeredAt: undefined,
      },
    ];
    await serve({ calls: () => calls }, cli.path('admin.sock'));
    expect(await cli.run('calls')).toBe(0);
    expect(cells(cli.out)).toEqual([
      ['ID', 'STATE', 'CALLER', 'CALLEE', 'ANSWERED FOR'],
      ['c1', 'connected', 'alice@pbx.test', 'main', '1:02:03'],
      ['c2', 'trying', 'bob@pbx.test', '-', '-'],
    ]);
    await cli.run('calls', '--json');
    expect(cli.json()).toEqual({
      calls: [calls[0], { id: 'c2', dialled: '600', startedAt: 1, state: 'trying', caller: 'bob@pbx.test' }],
    });
  });

  test('end ends the one that is named', async () => {
    const endCall = vi.fn((id: string) => id === 'c1');
    const cli = await beside({ endCall });
    expect(await cli.run('calls', 'end', 'c1')).toBe(0);
    expect(cli.out).toBe('ended c1\n');
    expect(await cli.run('calls', 'end', 'c9')).toBe(1);
    expect(cli.error).toBe('portcullis: there is no call c9\n');
    expect(await cli.run('calls', 'end', 'c1', '--json')).toBe(0);
    expect(cli.json()).toEqual({ ended: 'c1' });
  });
});

describe('trunks', () => {
  test('are listed with what is known of each', async () => {
    const carrier = { name: 'carrier', up: true, registered: false, calls: 3 };
    const plain = { name: 'plain', up: undefined, registered: undefined, calls: 0 };
    const cli = new Cli(smallConfig);
    await serve({ trunks: () => [carrier, plain] }, cli.path('admin.sock'));
    expect(await cli.run('trunks')).toBe(0);
    expect(cells(cli.out)).toEqual([
      ['TRUNK', 'UP', 'REGISTERED', 'CALLS'],
      ['carrier', 'yes', 'no', '3'],
      ['plain', '-', '-', '0'],
    ]);
    await cli.run('trunks', '--json');
    expect(cli.json()).toEqual({ trunks: [carrier, { name: 'plain', calls: 0 }] });
  });
});

describe('registrations', () => {
  test('lists them, and does not obey what a phone calls itself', async () => {
    const cli = new Cli(smallConfig);
    const binding = {
      aor: 'alice@pbx.test',
      contact: 'sip:alice@192.0.2.1:5061;transport=tls',
      listener: 'phones',
      expiresAt: cli.clock.wall() + 65_000,
      alive: true,
      userAgent: 'phone\u001b[2J\u009b1m\u202e',
    };
    const lost = { ...binding, aor: 'bob@pbx.test', alive: false, userAgent: undefined };
    await serve({ registrations: () => Promise.resolve([binding, lost]) }, cli.path('admin.sock'));
    expect(await cli.run('registrations')).toBe(0);
    expect(cells(cli.out)).toEqual([
      ['USER', 'CONTACT', 'LISTENER', 'REACHABLE', 'EXPIRES IN', 'USER AGENT'],
      ['alice@pbx.test', binding.contact, 'phones', 'yes', '1:05', 'phone\\u001b[2J\\u009b1m\\u202e'],
      ['bob@pbx.test', binding.contact, 'phones', 'no', '1:05', '-'],
    ]);
    await cli.run('registrations', '--json');
    expect(cli.json()).toMatchObject({ registrations: [binding, { aor: 'bob@pbx.test', alive: false }] });
  });
});

describe('subscriptions', () => {
  test('lists them with what is watched, and one that is not granted yet without an end', async () => {
    const cli = new Cli(smallConfig);
    const granted = {
      id: '5d0c',
      user: 'alice@pbx.test',
      event: 'dialog',
      resource: 'sip:600\u009b2J@pbx.test',
      expiresAt: cli.clock.wall() + 65_000,
    };
    const asked = { ...granted, id: '91b3', event: 'message-summary', expiresAt: undefined };
    await serve({ subscriptions: () => [granted, asked] }, cli.path('admin.sock'));
    expect(await cli.run('subscriptions')).toBe(0);
    expect(cells(cli.out)).toEqual([
      ['ID', 'USER', 'EVENT', 'WATCHES', 'EXPIRES IN'],
      ['5d0c', 'alice@pbx.test', 'dialog', 'sip:600\\u009b2J@pbx.test', '1:05'],
      ['91b3', 'alice@pbx.test', 'message-summary', 'sip:600\\u009b2J@pbx.test', '-'],
    ]);
    await cli.run('subscriptions', '--json');
    expect(cli.out).not.toContain('\u009b');
    expect(cli.json()).toEqual({ subscriptions: [granted, JSON.parse(JSON.stringify(asked))] });
  });

  test('end one, which may come back unless it is rejected', async () => {
    const endSubscription = vi.fn((id: string) => id === '5d0c');
    const cli = await beside({ endSubscription });
    expect(await cli.run('subscriptions', 'end', '5d0c')).toBe(0);
    expect(cli.out).toBe('ended 5d0c\n');
    expect(await cli.run('subscriptions', 'end', '5d0c', '--reject', '--json')).toBe(0);
    expect(cli.json()).toEqual({ ended: '5d0c' });
    expect(endSubscription.mock.calls).toEqual([
      ['5d0c', 'probation'],
      ['5d0c', 'rejected'],
    ]);
    expect(await cli.run('subscriptions', 'end', 'none')).toBe(1);
    expect(cli.error).toContain('there is no subscription none');
  });
});

describe('status', () => {
  test('waits for a process that is just being started, and no longer than it may', async () => {
    const cli = new Cli(smallConfig);
    const before = cli.clock.now();
    expect(await cli.run('status', '--wait', '2s')).toBe(3);
    expect(cli.clock.now() - before).toBe(2_000);
    let asked = 0;
    const isReady = (): boolean => {
      asked += 1;
      return asked > 3;
    };
    await serve({ isReady }, cli.path('admin.sock'));
    expect(await cli.run('status', '--wait', '30s')).toBe(0);
    expect(cli.out).toContain(': ready, running for');
    expect(asked).toBe(4);
    expect(await cli.run('status', '--wait', 'soon')).toBe(2);
  });

  test('tells state, listeners and media workers', async () => {
    const cli = await beside();
    expect(await cli.run('status')).toBe(0);
    expect(cli.out).toContain('edge1 (portcullis 9.8.7): ready, running for ');
    expect(cli.out).toMatch(/phones +tls +10\.1\.0\.5:5061\n/);
    expect(cli.out).toMatch(/0 +yes +epoll +2\n/);
    await cli.run('status', '--json');
    expect(cli.json()).toMatchObject({ version: '9.8.7', state: 'ready', activeCalls: 2 });
  });
});

describe('takeover', () => {
  test('changes nothing of a process that is its node already', async () => {
    const cli = await beside();
    expect(await cli.run('takeover')).toBe(0);
    expect(cli.out).toBe('active\n');
    await cli.run('takeover', '--json');
    expect(cli.json()).toEqual({ state: 'active' });
  });
});

describe('drain', () => {
  test('tells how many calls go on', async () => {
    const drain = vi.fn();
    const cli = await beside({ drain });
    expect(await cli.run('drain')).toBe(0);
    expect(cli.out).toBe('draining; calls that go on: 2\n');
    await cli.run('drain', '--json');
    expect(cli.json()).toEqual({ activeCalls: 2 });
    expect(drain).toHaveBeenCalledTimes(2);
  });
});

describe('reload', () => {
  test('tells what changed', async () => {
    const reload = vi.fn<AdminOperations['reload']>(() => Promise.resolve(ok(['limits', 'user'])));
    const cli = await beside({ reload });
    expect(await cli.run('reload')).toBe(0);
    expect(cli.out).toBe('changed: limits, user\n');
    await cli.run('reload', '--json');
    expect(cli.json()).toEqual({ applied: true, changed: ['limits', 'user'] });
    reload.mockResolvedValueOnce(ok([]));
    await cli.run('reload');
    expect(cli.out).toBe('nothing has changed\n');
  });

  test('tells every reason why nothing did, and ends with 1', async () => {
    const cli = await beside({ reload: () => Promise.resolve(err(['a.toml:1:1: one', 'a.toml:2:1: two'])) });
    expect(await cli.run('reload')).toBe(1);
    expect(cli.error).toBe('portcullis: the configuration was not applied\na.toml:1:1: one\na.toml:2:1: two\n');
    expect(await cli.run('reload', '--json')).toBe(1);
    expect(cli.json()).toEqual({ applied: false, errors: ['a.toml:1:1: one', 'a.toml:2:1: two'] });
  });
});

describe('log-level', () => {
  const shown = { level: 'debug', configured: 'info', until: Date.UTC(2026, 0, 5, 10, 10) } as const;

  test('tells the level, and sets one for a while', async () => {
    const setLogLevel = vi.fn(() => shown);
    const cli = await beside({ setLogLevel });
    expect(await cli.run('log-level')).toBe(0);
    expect(cli.out).toBe('info\n');
    expect(await cli.run('log-level', '--for', '10m', 'debug')).toBe(0);
    expect(cli.out).toBe('debug (configured: info), until 2026-01-05T10:10:00.000Z\n');
    expect(setLogLevel).toHaveBeenCalledExactlyOnceWith('debug', 600_000);
    expect(await cli.run('log-level', 'debug', '--json')).toBe(0);
    expect(cli.json()).toEqual(shown);
  });

  test('says what is wrong with a level or a time', async () => {
    const cli = await beside();
    expect(await cli.run('log-level', 'chatty')).toBe(1);
    expect(cli.error).toContain('level: expected debug, info, warn, error');
    expect(await cli.run('log-level', 'debug', '--for', 'soon')).toBe(2);
    expect(await cli.run('log-level', '--for', '10m')).toBe(2);
    expect(await cli.run('log-level', 'debug', 'info')).toBe(2);
  });
});
