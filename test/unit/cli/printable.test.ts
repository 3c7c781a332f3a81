// What peers wrote is shown on a terminal, never obeyed by it: on every way out of a command.
import { describe, expect, test } from 'vitest';
import { plainTerminal, printable } from '../../../src/cli/printable.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

/** Erases a screen in C0 and in C1, sets a title, writes from right to left, and hides in a tag. */
const hostile = 'a\u001b[2J\u009b2J\u009d0;x\u007f\u202eb\u{e0041}';
const shown = 'a\\u001b[2J\\u009b2J\\u009d0;x\\u007f\\u202eb\\udb40\\udc41';

describe('text of a peer', () => {
  test('has every control and hidden character spelled out, and nothing else', () => {
    expect(printable(hostile)).toBe(shown);
    expect(printable('Grüße ☎ 電話 \n')).toBe('Grüße ☎ 電話 \\u000a');
  });

  test('keeps its lines and tabs, and a return only before the end of a line', () => {
    const written: string[] = [];
    const terminal = plainTerminal({
      out: (text) => written.push(text),
      error: (text) => written.push(text),
      askSecret: () => Promise.resolve(undefined),
      screen: () => undefined,
    });
    terminal.out(`one\ttwo\r\nthree\rfour\n${hostile}`);
    terminal.error(hostile);
    expect(written).toEqual([`one\ttwo\r\nthree\\u000dfour\n${shown}`, shown]);
  });
});

describe('a command', () => {
  const call = {
    id: 'c1',
    state: 'connected',
    caller: hostile,
    callee: 'main',
    dialled: '600',
    startedAt: 1,
    answeredAt: undefined,
  };

  test('prints JSON that means the same and that no terminal obeys', async () => {
    const cli = new Cli(smallConfig);
    await serve({ calls: () => [call] }, cli.path('admin.sock'));
    expect(await cli.run('calls', '--json')).toBe(0);
    const text = cli.out.replaceAll('\n', '');
    expect(printable(text)).toBe(text);
    expect(cli.json()).toMatchObject({ calls: [{ caller: hostile }] });
  });

  test('shows what it names and why it failed in the same way', async () => {
    const cli = new Cli(smallConfig);
    await serve({ call: () => Promise.resolve({ call, media: [] }) }, cli.path('admin.sock'));
    await cli.run('calls', 'show', 'c1');
    expect(cli.out).toContain(`from ${shown} to main`);
    expect(await cli.run(hostile)).toBe(2);
    expect(cli.error).toContain(`there is no command "${shown}"`);
  });
});
