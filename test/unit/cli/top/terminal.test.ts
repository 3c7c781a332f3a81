// The program on a real terminal: a pseudo-terminal of util-linux `script`, keys as bytes, and how the terminal is left behind.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { selectCalls } from '../../../../src/admin/overview.ts';
import { serve, temporarySocket } from '../../admin/admin-fixture.ts';
import { overviewOf, viewOf } from './top-fixture.ts';

const program = join(import.meta.dirname, '../../../../src/main.ts');
const hasScript = spawnSync('script', ['--version']).status === 0;

interface Running {
  readonly child: ChildProcess;
  output(): string;
  readonly code: Promise<number | null>;
}

function onTerminal(command: string, environment: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(
    'script',
    ['--quiet', '--flush', '--return', '--command', `stty rows 24 cols 80; ${command}`, '/dev/null'],
    {
      env: { ...process.env, TERM: 'xterm', NO_COLOR: '', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return { child, output: () => output, code: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}

describe.skipIf(!hasScript)('on a real terminal', { timeout: 90_000 }, () => {
  test('it draws 24 lines of 80 columns, ends a call after a yes, and gives the terminal back', async () => {
    const view = viewOf(overviewOf());
    const ended: string[] = [];
    const socket = temporarySocket();
    await serve(
      {
        overview: (query) => Promise.resolve({ ...view, ...selectCalls(view.list, query) }),
        endCall: (id) => ended.push(id) > 0,
      },
      socket,
    );
    const { child, output, code } = onTerminal(`'${process.execPath}' '${program}' top --socket '${socket}'; stty -a`);
    const seen = (text: string): Promise<void> => expect.poll(() => output(), { timeout: 60_000 }).toContain(text);
    await seen('alice@pbx.test');
    child.stdin?.write('\u001b[Bx');
    await seen('y to end it');
    child.stdin?.write('y');
    await seen('ended 3f2a8c51d0e94b77');
    child.stdin?.write('q');
    expect(await code).toBe(0);
    expect(ended).toEqual(['3f2a8c51d0e94b77']);
    const [before = '', rest = ''] = output().split('\u001b[?1049h');
    const [drawn = '', after = ''] = rest.split('\u001b[?1049l');
    expect(before).toBe('');
    const frame = stripVTControlCharacters(drawn.split('\u001b[H')[1] ?? '').split('\r\n');
    expect(frame).toHaveLength(24);
    expect(Math.max(...frame.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(drawn).toContain('\u001b[?25h');
    // What stty says of the terminal behind it: lines and echo as they were.
    expect(after).toMatch(/[^-]icanon/);
    expect(after).toMatch(/[^-]echo /);
  });
});
