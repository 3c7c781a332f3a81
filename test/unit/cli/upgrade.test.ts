import { describe, expect, test, vi } from 'vitest';
import type { AdminOperations, StatusView } from '../../../src/admin/operations.ts';
import { operationsOf, serve } from '../admin/admin-fixture.ts';
import { Cli, runningSbc, smallConfig } from './cli-fixture.ts';

/** An SBC whose status says one thing after the other, the last for good. */
async function beside(...said: readonly Partial<StatusView>[]): Promise<Cli> {
  const cli = new Cli(smallConfig);
  let asked = 0;
  const status = (): StatusView => {
    asked += 1;
    return { ...operationsOf().status(), ...said[Math.min(asked, said.length) - 1] };
  };
  await serve({ status }, cli.path('admin.sock'));
  return cli;
}

describe('upgrade', () => {
  test('waits until another process serves', async () => {
    const cli = await beside({ process: 1 }, { process: 1, upgrade: { state: 'under-way' } }, { process: 2 });
    expect(await cli.run('upgrade')).toBe(0);
    expect(cli.out).toBe('process 2 (portcullis 9.8.7) serves now, after 200 ms\n');
  });

  test('says why the process before goes on', async () => {
    const failed = { process: 1, upgrade: { state: 'failed', reason: 'it ended with code 1' } } as const;
    const cli = await beside({ process: 1 }, failed);
    expect(await cli.run('upgrade')).toBe(1);
    expect(cli.error).toBe('portcullis: process 1 goes on: it ended with code 1\n');
    expect(await cli.run('upgrade', '--json')).toBe(1);
    expect(cli.json()).toEqual({ upgraded: false, reason: 'it ended with code 1' });
  });

  test('is refused where no supervisor runs the process', async () => {
    const cli = new Cli(smallConfig);
    const upgrade = vi.fn<AdminOperations['upgrade']>(() => 'no supervisor runs this process');
    await serve({ upgrade }, cli.path('admin.sock'));
    expect(await cli.run('upgrade')).toBe(1);
    expect(cli.error).toContain('no supervisor runs this process');
  });

  test('does not wait for ever', async () => {
    const cli = await beside({ process: 1, upgrade: { state: 'under-way' } });
    expect(await cli.run('upgrade')).toBe(1);
    expect(cli.error).toContain('nothing came of the upgrade within 150 s');
  }, 20_000);
});

describe('reload --or-upgrade', () => {
  const before = '9.8.6';

  test('has another version that is installed take over', async () => {
    const cli = new Cli(smallConfig);
    let asked = 0;
    const status = (): StatusView => {
      asked += 1;
      return { ...operationsOf().status(), process: asked < 3 ? 1 : 2 };
    };
    await serve({ status, version: before }, cli.path('admin.sock'));
    expect(await cli.run('reload', '--or-upgrade')).toBe(0);
    expect(cli.out).toBe(`process 2 (portcullis ${before}) serves now, after 100 ms\n`);
  });

  test('reloads where this version serves', async () => {
    const cli = await beside({ process: 1 });
    expect(await cli.run('reload', '--or-upgrade')).toBe(0);
    expect(cli.out).toMatch(/^(nothing has changed|changed: .*)\n$/);
  });

  test('reloads whatever serves without being told so', async () => {
    const cli = new Cli(smallConfig);
    await serve({ version: before }, cli.path('admin.sock'));
    expect(await cli.run('reload')).toBe(0);
    expect(cli.out).toMatch(/^(nothing has changed|changed: .*)\n$/);
  });
});

describe('status', () => {
  test('names the process that serves, who keeps it running, and what came of an upgrade', async () => {
    const cli = await beside({ process: 5, supervisor: 4, upgrade: { state: 'failed', reason: 'no place' } });
    expect(await cli.run('status')).toBe(0);
    expect(cli.out).toContain('\nprocess 5, kept running by 4\nthe last upgrade is failed: no place\n\nLISTENER');
  });

  test('names one process where nobody keeps it running', async () => {
    const cli = await beside({ process: 5 });
    await cli.run('status');
    expect(cli.out).toContain('\nprocess 5\n\nLISTENER');
  });
});

describe.each(['run', 'start'])('%s', (command) => {
  test('is left to a supervisor, whose exit code it has', async () => {
    const cli = new Cli(smallConfig);
    cli.supervise = vi.fn(() => Promise.resolve(139));
    cli.startSbc = vi.fn();
    expect(await cli.run(command)).toBe(139);
    expect(cli.startSbc).not.toHaveBeenCalled();
  });

  test('is left to as many processes as the configuration says, and to one where it says nothing that can be read', async () => {
    const store = '[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n';
    const cli = new Cli(`${smallConfig.replace('[sbc]', '[sbc]\nprocesses = 3')}\n${store}`);
    const supervise = vi.fn(() => Promise.resolve(0));
    cli.supervise = supervise;
    await cli.run(command);
    expect(supervise).toHaveBeenLastCalledWith(3);
    expect(await cli.run(command, '--no-supervisor')).toBe(2);
    expect(cli.error).toContain('--no-supervisor is for one process: sbc.processes is 3');
    cli.write('portcullis.toml', 'processes = ');
    await cli.run(command);
    expect(supervise).toHaveBeenLastCalledWith(1);
  });

  test.each(['"\\u0070rocesses" = 3', '"process\\U00000065s" = 3'])(
    'is left to as many where the file writes %s',
    async (key) => {
      const store = '[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n';
      const cli = new Cli(`${smallConfig.replace('[sbc]', `[sbc]\n${key}`)}\n${store}`);
      const supervise = vi.fn(() => Promise.resolve(0));
      cli.supervise = supervise;
      await cli.run(command);
      expect(supervise).toHaveBeenLastCalledWith(3);
    },
  );

  test('serves by itself with --no-supervisor', async () => {
    const cli = new Cli(smallConfig);
    cli.supervise = vi.fn(() => Promise.resolve(0));
    cli.startSbc = () => Promise.resolve(runningSbc({ over: Promise.resolve(0) }));
    expect(await cli.run(command, '--no-supervisor')).toBe(0);
    expect(cli.supervise).not.toHaveBeenCalled();
  });

  test('ends without a drain when another process has its calls', async () => {
    const cli = new Cli(smallConfig);
    const drain = vi.fn(() => new Promise<void>(() => {}));
    const stop = vi.fn(() => Promise.resolve());
    cli.startSbc = () => Promise.resolve(runningSbc({ over: Promise.resolve(1), drain, stop }));
    expect(await cli.run(command)).toBe(1);
    expect(stop).toHaveBeenCalledOnce();
    expect(cli.signals.held).toBe(0);
  });

  test('begins an upgrade on SIGUSR2, and says why not', async () => {
    const cli = new Cli(smallConfig);
    const over = Promise.withResolvers<number>();
    cli.startSbc = () => Promise.resolve(runningSbc({ over: over.promise, upgrade: () => 'it drains' }));
    const code = cli.run(command);
    await cli.starting;
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    cli.signals.send('SIGUSR2');
    expect(cli.error).toBe('portcullis: no upgrade: it drains\n');
    over.resolve(0);
    expect(await code).toBe(0);
  });
});
