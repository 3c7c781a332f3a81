// The command over the admin API of a test: what is asked, what a screen shows, and that everything is given back.
import { describe, expect, test, vi } from 'vitest';
import type { AdminOperations } from '../../../../src/admin/operations.ts';
import { type OverviewView, selectCalls, usualCallQuery } from '../../../../src/admin/overview.ts';
import { serve } from '../../admin/admin-fixture.ts';
import { Cli, smallConfig } from '../cli-fixture.ts';
import { at, FakeScreen, overviewOf, viewOf } from './top-fixture.ts';

const view = viewOf(overviewOf());
const calls = view.list;

function overview(query = usualCallQuery): Promise<OverviewView> {
  return Promise.resolve({ ...view, ...selectCalls(calls, query) });
}

async function beside(operations: Partial<AdminOperations> = {}): Promise<Cli> {
  const cli = new Cli(smallConfig);
  await serve({ overview, ...operations }, cli.path('admin.sock'));
  return cli;
}

async function onScreen(
  operations: Partial<AdminOperations>,
  use: (screen: FakeScreen) => Promise<void>,
): Promise<{ code: number; cli: Cli; screen: FakeScreen }> {
  const cli = await beside(operations);
  const screen = new FakeScreen();
  cli.screen = screen;
  const running = cli.run('top', '--interval', '200ms');
  await screen.shows('edge1');
  await use(screen);
  screen.type('q');
  const code = await running;
  expect(screen.isOpen).toBe(false);
  expect(screen.listeners).toBe(0);
  expect(cli.signals.held).toBe(0);
  return { code, cli, screen };
}

describe('portcullis top', () => {
  test('shows the calls, and gives the terminal back', async () => {
    const { code, screen } = await onScreen({}, async (screen) => {
      expect(screen.isOpen).toBe(true);
      expect(screen.text).toContain('alice@pbx.test');
    });
    expect(code).toBe(0);
    expect(screen.drawn[0]?.startsWith('\u001b[H')).toBe(true);
  });

  test('draws without colours where NO_COLOR is set', async () => {
    const cli = await beside();
    const screen = new FakeScreen();
    cli.screen = screen;
    cli.environment['NO_COLOR'] = '1';
    const running = cli.run('top');
    await screen.shows('edge1');
    screen.type('q');
    await running;
    const sequences = screen.drawn.join('').split('\u001b[').slice(1);
    expect(sequences.filter((sequence) => /^[0-9;]*m/.test(sequence))).toEqual([]);
  });

  test('has the SBC sort and filter', async () => {
    const asked: string[] = [];
    const spied: AdminOperations['overview'] = (query) => {
      asked.push(`${query.order} ${query.match}`);
      return overview(query);
    };
    await onScreen({ overview: spied }, async (screen) => {
      screen.type('ssss/ALI\r');
      await screen.until((text) => !text.includes('ringing'));
      expect(screen.text).toContain('alice@pbx.test');
      // What is on the screen already is sorted and filtered before the SBC was asked.
      await expect.poll(() => asked).toContain('mos ALI');
    });
  });

  test('opens a call with its ladder, ends it after a yes, and says so', async () => {
    const endCall = vi.fn(() => true);
    const call = calls.find(({ state }) => state === 'ringing');
    if (call === undefined) throw new Error('no call rings');
    const operations = {
      endCall,
      call: () => Promise.resolve({ call, media: [] }),
      trace: () => Promise.resolve(Buffer.from('  0.000  | INVITE sip:bob@pbx.test |\n')),
    };
    await onScreen(operations, async (screen) => {
      screen.type('\r');
      await screen.shows('INVITE sip:bob@pbx.test');
      expect(screen.text).toContain('0000aaaabbbbcccc');
      screen.type('x');
      expect(screen.text).toContain('y to end it');
      expect(endCall).not.toHaveBeenCalled();
      screen.type('y');
      await screen.shows('ended 0000aaaabbbbcccc');
    });
    expect(endCall).toHaveBeenCalledExactlyOnceWith('0000aaaabbbbcccc', undefined);
  });

  test('asks for a page of the phones that are looked for, and not again with each look', async () => {
    let asked = 0;
    const phones = Array.from({ length: 1_200 }, (_, index) => {
      const aor = `user${String(index).padStart(4, '0')}@pbx.test`;
      const contact = `sip:${aor}`;
      return { aor, contact, listener: 'phones', expiresAt: at, alive: true, userAgent: undefined };
    });
    const registrations = (): Promise<typeof phones> => {
      asked += 1;
      return Promise.resolve(phones);
    };
    let looks = 0;
    const looked: AdminOperations['overview'] = (query) => {
      looks += 1;
      return overview(query);
    };
    await onScreen({ registrations, overview: looked }, async (screen) => {
      screen.type('3');
      await expect.poll(() => screen.text).toContain('[3 phones 1-500 of 1200]');
      const before = looks;
      await expect.poll(() => looks).toBeGreaterThan(before + 2);
      expect(asked).toBe(1);
      screen.type('nn');
      await expect.poll(() => screen.text).toContain('[3 phones 1001-1200 of 1200]');
      expect(screen.text).toContain('user1000@pbx');
      screen.type('/user0042\r');
      await expect.poll(() => screen.text).toContain('[3 phones 1]');
    });
  });

  test('fills a screen that becomes larger or smaller', async () => {
    await onScreen({}, async (screen) => {
      screen.resize(120, 40);
      expect(screen.text.split('\n')).toHaveLength(40);
      screen.resize(60, 10);
      expect(screen.text.split('\n')).toHaveLength(10);
    });
  });

  test('keeps what it knew while nobody answers', async () => {
    let fails = false;
    const flaky: AdminOperations['overview'] = (query) => (fails ? Promise.reject(new Error('gone')) : overview(query));
    await onScreen({ overview: flaky }, async (screen) => {
      fails = true;
      await screen.shows('no answer');
      expect(screen.text).toContain('alice@pbx.test');
    });
  });

  test('leaves when it is told to end, or the terminal is gone', async () => {
    for (const leave of [(cli: Cli) => cli.signals.send('SIGTERM'), (_cli: Cli, screen: FakeScreen) => screen.end()]) {
      const cli = await beside();
      const screen = new FakeScreen();
      cli.screen = screen;
      const running = cli.run('top');
      await screen.shows('edge1');
      leave(cli, screen);
      expect(await running).toBe(0);
      expect(screen.isOpen).toBe(false);
    }
  });
});

describe('of several processes', () => {
  const several = `${smallConfig.replace('[sbc]', '[sbc]\nprocesses = 3')}
[store]
url = "redis://127.0.0.1"
key_env = "SITE_KEY"
`;

  /** The third one does not run. */
  async function processes(second: Partial<AdminOperations> = {}): Promise<Cli> {
    const cli = new Cli(several);
    const of = (node: string, shown: typeof calls) => (query: typeof usualCallQuery) =>
      Promise.resolve({ ...view, node, ...selectCalls(shown, query) });
    await serve({ overview: of('edge1-1', calls.slice(0, 2)) }, cli.path('admin.sock'));
    await serve({ overview: of('edge1-2', calls.slice(2)), ...second }, cli.path('admin-2.sock'));
    return cli;
  }

  test('shows all as one, what each does, and which does not answer', async () => {
    const cli = await processes();
    expect(await cli.run('top', '--interval', '200ms')).toBe(0);
    expect(cli.out).toContain('1 of 3 processes do not answer');
    expect(cli.out).toContain('calls   6 ');
    expect(cli.out).toMatch(/^ cpu 1 {3}main .* #0 /m);
    expect(cli.out).toMatch(/^ cpu 2 {3}main .* #0 /m);
    expect(cli.out).toMatch(/^ cpu 3 {3}no answer: not running/m);
    expect(cli.out.match(/alice@|a-very-long|caf/g)).toHaveLength(3);
    expect(cli.error).toBe('');
    expect(await cli.run('top', '--once', '--json', '--interval', '200ms')).toBe(0);
    expect(cli.json()).toMatchObject({
      node: 'edge1',
      processes: [{ node: 'edge1-1' }, { number: 2, answers: true }, { number: 3, answers: false }],
    });
  });

  test('are each asked for their status, and the one that is not there is named', async () => {
    const cli = await processes();
    expect(await cli.run('status')).toBe(3);
    expect(cli.out.match(/ready, running for/g)).toHaveLength(2);
    expect(cli.error).toMatch(/^portcullis: process 3 of 3: not running: nobody answers at .*admin-3\.sock\n$/);
  });

  test('opens a call of another than the first, and ends it there', async () => {
    const call = calls[2];
    if (call === undefined) throw new Error('no third call');
    const endCall = vi.fn(() => true);
    const cli = await processes({ endCall, call: () => Promise.resolve({ call, media: [] }) });
    const screen = new FakeScreen();
    cli.screen = screen;
    const running = cli.run('top', '--interval', '200ms');
    await screen.shows('1 of 3 processes do not answer');
    screen.type('\r');
    await screen.shows('0000aaaabbbbcccc');
    screen.type('xy');
    await screen.shows('ended 0000aaaabbbbcccc');
    expect(endCall).toHaveBeenCalledOnce();
    // That a list is without one of them is no line across the screen.
    screen.type('b3');
    await screen.shows('REACHABLE');
    screen.type('q');
    expect(await running).toBe(0);
    expect(cli.error).toBe('');
  });
});

describe('for scripts', () => {
  test('prints one look with rates, as text where there is no terminal', async () => {
    const cli = await beside();
    expect(await cli.run('top', '--interval', '200ms')).toBe(0);
    expect(cli.out).toContain('alice@pbx.test');
    expect(cli.out).not.toContain('\u001b');
    expect(await cli.run('top', '--once', '--json', '--interval', '200ms', '--filter', 'bob')).toBe(0);
    expect(cli.json()).toMatchObject({
      node: 'edge1',
      at,
      calls: { active: 3 },
      matching: 1,
      list: [{ callee: 'bob' }],
    });
  });

  test('prints a line for each look until it is told to end', async () => {
    const cli = await beside();
    const running = cli.run('top', '--json', '--interval', '200ms');
    await expect.poll(() => cli.out.trimEnd().split('\n').length).toBeGreaterThanOrEqual(2);
    cli.signals.send('SIGINT');
    expect(await running).toBe(0);
    for (const line of cli.out.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('rates');
  });

  test('says what is wrong with an option, and that nobody answers', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('top', '--interval', '1ms')).toBe(2);
    expect(await cli.run('top', '--sort', 'colour')).toBe(2);
    expect(await cli.run('top', '--once')).toBe(3);
    cli.screen = new FakeScreen();
    expect(await cli.run('top')).toBe(3);
  });
});
