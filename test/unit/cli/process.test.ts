// The program as a process: what only a real one shows, exit codes, signals and what reaches a pipe.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../../src/main.ts');
const directory = mkdtempSync(join(tmpdir(), 'pc-process-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly error: string;
}

function begin(
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...nodeOptions, program, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    error += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, out, error }));
  });
  return { child, ended };
}

function portcullis(...args: readonly string[]): Promise<Ended> {
  return begin(args).ended;
}

/** Resolves when the process has printed `text`; rejects when it ends before. */
function printed(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
    child.once('close', () => reject(new Error(`it ended without "${text}": ${seen}`)));
  });
}

beforeAll(async () => {
  const { code, error } = await portcullis('init');
  if (code !== 0) throw new Error(error);
  const file = join(directory, 'portcullis.toml');
  const loopback = readFileSync(file, 'utf8')
    .replace(/address = "[^"]*:5061"\nadvertise = .*\n/, 'address = "127.0.0.1:0"\n')
    .replace('127.0.0.1:5080', '127.0.0.1:0')
    .replace(/media = \[\{ address = "[^"]*" \}\]/, 'media = [{ address = "127.0.0.1" }]');
  writeFileSync(file, loopback);
});

// Each starts whole processes from source, which takes some seconds on a quiet machine.
describe('the portcullis process', { timeout: 90_000 }, () => {
  test('runs, is asked by others, and drains on SIGTERM', async () => {
    const { child, ended } = begin(['start']);
    try {
      await printed(child, 'Register a softphone');
      const status = await portcullis('status', '--json');
      expect(status).toMatchObject({ code: 0, error: '' });
      expect(JSON.parse(status.out)).toMatchObject({ state: 'ready', activeCalls: 0 });

      const second = await portcullis('run');
      expect(second.code).toBe(1);
      expect(second.error).toContain('another portcullis is running with this configuration');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  test('tells wrong usage by 2', async () => {
    expect(await portcullis('frobnicate')).toMatchObject({ code: 2, out: '' });
  });

  test('says what it needs to a Node that is too old, before anything else', async () => {
    const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.21.0' } });`;
    const { ended } = begin(['version'], ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`]);
    const { code, out, error } = await ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(error).toMatch(/^portcullis: Node\.js 24 or newer is needed, this is v[\d.]+\n$/);
  });
});
