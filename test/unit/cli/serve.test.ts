import { describe, expect, test, vi } from 'vitest';
import type { RunningSbc } from '../../../src/cli/command.ts';
import { err, ok } from '../../../src/core/result.ts';
import { Cli, runningSbc, smallConfig } from './cli-fixture.ts';

/** A running SBC whose drain and stop end when the test says so. */
function controlled() {
  const drained = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  const drain = vi.fn(() => drained.promise);
  const stop = vi.fn(() => stopped.promise);
  const reload = vi.fn<RunningSbc['reload']>(() => Promise.resolve(ok(['limits'])));
  return { drained, stopped, drain, stop, reload, sbc: runningSbc({ drain, stop, reload }) };
}

async function running() {
  const cli = new Cli(smallConfig);
  const control = controlled();
  cli.startSbc = () => Promise.resolve(control.sbc);
  const ended = vi.fn();
  const code = cli.run('run').then((value) => {
    ended();
    return value;
  });
  await cli.starting;
  await turns();
  return { cli, code, ended, ...control };
}

/** Lets everything happen that waits for nothing. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe('a process that another one takes the place of', () => {
  test.each([
    ['run', 0],
    ['run --standby', 1],
  ])('of "%s" ends with %i, without a drain', async (words, expected) => {
    const cli = new Cli(`${smallConfig}\n[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n`);
    const replaced = Promise.withResolvers<void>();
    const drain = vi.fn(() => new Promise<void>(() => {}));
    const sbc = runningSbc({ drain, replaced: replaced.promise });
    cli.startSbc = () => Promise.resolve(sbc);
    cli.standBy = () => Promise.resolve(sbc);
    const code = cli.run(...words.split(' '));
    await cli.starting;
    await turns();
    replaced.resolve();
    expect(await code).toBe(expected);
  });
});

describe('a process that stands by', () => {
  test('is told to end by SIGTERM before it serves', async () => {
    const cli = new Cli(`${smallConfig}\n[store]\nurl = "redis://127.0.0.1"\nkey_env = "K"\n`);
    cli.startSbc = vi.fn();
    cli.standBy = ({ ended }) => ended.then(() => undefined);
    const code = cli.run('run', '--standby');
    await cli.starting;
    await turns();
    cli.signals.send('SIGTERM');
    expect(await code).toBe(0);
    expect(cli.startSbc).not.toHaveBeenCalled();
  });

  test('needs a store that it shares with whom it stands by for', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('run', '--standby')).toBe(2);
    expect(cli.error).toContain('--standby needs [store] url');
  });
});

describe('a running SBC', () => {
  test('runs until it is told to end', async () => {
    const { cli, code, ended, drain, drained, stopped } = await running();
    expect(ended).not.toHaveBeenCalled();
    expect(drain).not.toHaveBeenCalled();
    cli.signals.send('SIGTERM');
    drained.resolve();
    stopped.resolve();
    expect(await code).toBe(0);
    expect(cli.signals.held).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('on %s waits for calls, then stops', async (signal) => {
    const { cli, code, ended, drain, drained, stop, stopped } = await running();
    cli.signals.send(signal);
    await turns();
    expect(drain).toHaveBeenCalledOnce();
    expect(stop).not.toHaveBeenCalled();
    drained.resolve();
    await turns();
    expect(stop).toHaveBeenCalledOnce();
    expect(ended).not.toHaveBeenCalled();
    stopped.resolve();
    expect(await code).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('does not wait when SIGINT follows %s', async (first) => {
    const { cli, code, stop, stopped } = await running();
    cli.signals.send(first);
    await turns();
    cli.signals.send('SIGINT');
    await turns();
    expect(stop).toHaveBeenCalledOnce();
    stopped.resolve();
    expect(await code).toBe(0);
  });

  test('goes on waiting when SIGTERM is repeated', async () => {
    const { cli, code, stop, drained, stopped } = await running();
    for (let times = 0; times < 3; times += 1) cli.signals.send('SIGTERM');
    await turns();
    expect(stop).not.toHaveBeenCalled();
    drained.resolve();
    stopped.resolve();
    expect(await code).toBe(0);
  });

  test('waits for nothing after a third SIGINT', async () => {
    const { cli, code } = await running();
    for (let times = 0; times < 3; times += 1) cli.signals.send('SIGINT');
    expect(await code).toBe(0);
  });

  test('reloads on SIGHUP, and says what came of it', async () => {
    const { cli, code, reload, drained, stopped } = await running();
    cli.signals.send('SIGHUP');
    await turns();
    expect(cli.error).toContain('reloaded, changed: limits');
    reload.mockResolvedValueOnce(err(['portcullis.toml:1:1: oops']));
    cli.signals.send('SIGHUP');
    await turns();
    expect(cli.error).toContain('not applied\nportcullis.toml:1:1: oops\n');
    reload.mockRejectedValueOnce(new Error('disk'));
    cli.signals.send('SIGHUP');
    await turns();
    expect(cli.error).toContain('not applied: disk');
    cli.signals.send('SIGTERM');
    drained.resolve();
    stopped.resolve();
    expect(await code).toBe(0);
  });

  test('is stopped although draining failed', async () => {
    const { cli, code, stop, drained, stopped } = await running();
    cli.signals.send('SIGTERM');
    drained.reject(new Error('drain'));
    stopped.resolve();
    expect(await code).toBe(1);
    expect(stop).toHaveBeenCalledOnce();
    expect(cli.signals.held).toBe(0);
  });
});

describe('an SBC that is starting', () => {
  test('is drained and stopped as soon as it runs, when it was told to end meanwhile', async () => {
    const cli = new Cli(smallConfig);
    const { sbc, drain, stop, drained, stopped } = controlled();
    const started = Promise.withResolvers<typeof sbc>();
    cli.startSbc = () => started.promise;
    const code = cli.run('run');
    await cli.starting;
    await turns();
    cli.signals.send('SIGTERM');
    drained.resolve();
    stopped.resolve();
    started.resolve(sbc);
    expect(await code).toBe(0);
    expect(drain).toHaveBeenCalledOnce();
    expect(stop).toHaveBeenCalledOnce();
  });

  test('is not waited for after a second SIGINT', async () => {
    const cli = new Cli(smallConfig);
    cli.startSbc = () => new Promise(() => {});
    const code = cli.run('run');
    await cli.starting;
    await turns();
    cli.signals.send('SIGINT');
    cli.signals.send('SIGINT');
    expect(await code).toBe(0);
    expect(cli.signals.held).toBe(0);
  });
});
