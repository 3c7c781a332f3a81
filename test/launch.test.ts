// The launchers: a signal must reach the program behind them, once, and its exit code must come back.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import manifest from '../package.json' with { type: 'json' };
import { withConfigOf } from '../scripts/launch/caller-paths.js';
import { serviceFlags } from '../scripts/launch/service-flags.js';
import { sameKeyPressMillis, signalGate } from '../scripts/launch/signal-gate.js';
import { servingFlags } from '../src/supervisor/launch-child.ts';

const checkout = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'portcullis-launch-'));
const program = join(folder, 'program.mjs');
const launched: ChildProcess[] = [];

writeFileSync(
  program,
  `const wait = setInterval(() => {}, 1000);
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM']) {
    process.on(signal, () => {
      console.log(signal);
      if (signal !== 'SIGTERM') return;
      clearInterval(wait);
      process.exitCode = 7;
    });
  }
  console.log(process.argv.slice(2).join(' '));`,
);

afterAll(() => {
  for (const child of launched) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe('a service behind its launcher', () => {
  test('gets its arguments, every signal, and gives back its exit code', async () => {
    const { child, line } = launch();
    expect(await line()).toBe('--config a.toml');
    child.kill('SIGHUP');
    expect(await line()).toBe('SIGHUP');
    child.kill('SIGINT');
    expect(await line()).toBe('SIGINT');
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await line()).toBe('SIGTERM');
    expect(await ended).toEqual([7, null]);
  });

  test('ends in order when its launcher is killed', async () => {
    const { child, line } = launch();
    await line();
    child.kill('SIGKILL');
    expect(await line()).toBe('SIGTERM');
  });
});

test('one key press is one signal, though the terminal and npm both send it', () => {
  const isNew = signalGate();
  expect(isNew('SIGINT', 0)).toBe(true);
  expect(isNew('SIGINT', 3)).toBe(false);
  expect(isNew('SIGTERM', 4)).toBe(true);
  expect(isNew('SIGINT', 3 + sameKeyPressMillis)).toBe(true);
});

test.each([
  [[], []],
  [
    ['--config', 'a.toml'],
    ['--config', '/etc/sbc/a.toml'],
  ],
  [
    ['-c', '../a.toml'],
    ['-c', '/etc/a.toml'],
  ],
  [['--config=a.toml'], ['--config=/etc/sbc/a.toml']],
  [
    ['--config', '/srv/a.toml', 'b.toml'],
    ['--config', '/srv/a.toml', 'b.toml'],
  ],
  [['--config'], ['--config']],
])('a configuration is looked for where npm was called: %j', (given, expected) => {
  expect(withConfigOf('/etc/sbc', given)).toEqual(expected);
});

test('every npm script execs a task of the launcher', () => {
  const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(manifest);
  const { status, stderr } = spawnSync(process.execPath, ['scripts/launch/run.js', 'nonsense'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  const tasks = /expected one of: (.*)/.exec(stderr)?.[1]?.split(', ') ?? [];
  expect(Object.keys(scripts)).toContain('start');
  for (const [name, script] of Object.entries(scripts)) {
    expect(script).toBe(`exec node scripts/launch/run.js ${name}`);
    expect(tasks).toContain(name);
  }
});

test('the image and the unit give V8 the same flags as the launcher; what NODE_OPTIONS does not take, the supervisor gives', () => {
  expect(serviceFlags).not.toEqual([]);
  const entry = JSON.stringify(['node', ...serviceFlags, 'bin/portcullis.js']).replaceAll(',', ', ');
  expect(readFileSync(join(checkout, 'Dockerfile'), 'utf8')).toContain(`ENTRYPOINT ${entry}\n`);
  const unit = readFileSync(join(checkout, 'deploy/systemd/portcullis.service'), 'utf8');
  const byEnvironment = serviceFlags.filter((flag) => !servingFlags.includes(flag));
  expect(serviceFlags).toEqual([...byEnvironment, ...servingFlags]);
  expect(unit).toContain(`Environment="NODE_OPTIONS=${byEnvironment.join(' ')}"\n`);
});

function launch(): { readonly child: ChildProcess; line(): Promise<string> } {
  const code = `import { runService } from './scripts/launch/child.js';
    process.exitCode = await runService(process.execPath, ${JSON.stringify(program)}, ['--config', 'a.toml']);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  launched.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => String((await lines.next()).value) };
}
