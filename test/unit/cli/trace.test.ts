import { readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TraceOptions } from '../../../src/admin/operations.ts';
import { serve } from '../admin/admin-fixture.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const asked: string[] = [];

async function beside(drawn = 'a ladder\n'): Promise<Cli> {
  const cli = new Cli(smallConfig);
  asked.length = 0;
  const trace = async (
    name: string,
    form: string,
    { withSecrets }: TraceOptions = {},
  ): Promise<Uint8Array | undefined> => {
    asked.push(`${name} ${form}${withSecrets ? ' with secrets' : ''}`);
    return name === 'none' ? undefined : Buffer.from(drawn);
  };
  await serve({ trace }, cli.path('admin.sock'));
  return cli;
}

describe('trace', () => {
  test('prints the ladder of a call, or its messages', async () => {
    const cli = await beside();
    expect(await cli.run('trace', '3f2a')).toBe(0);
    expect(cli.out).toBe('a ladder\n');
    expect(await cli.run('trace', 'id@host', '--messages', '--secrets')).toBe(0);
    expect(asked).toEqual(['3f2a ladder', 'id@host messages with secrets']);
  });

  test('writes an SVG or a capture that only its owner may read', async () => {
    const cli = await beside('bytes');
    expect(await cli.run('trace', '3f2a', '--pcap', 'call.pcap')).toBe(0);
    expect(await cli.run('trace', '3f2a', '--svg', 'call.svg')).toBe(0);
    expect(asked).toEqual(['3f2a pcap', '3f2a svg']);
    expect(readFileSync(cli.path('call.pcap'), 'utf8')).toBe('bytes');
    expect(statSync(cli.path('call.svg')).mode & 0o777).toBe(0o600);
  });

  test('prints the ladder as JSON, with the messages', async () => {
    const ladder = { startedAt: 0, columns: ['a', 'b'], steps: [], omitted: 0, messages: ['INVITE \u001b[2J'] };
    const cli = await beside(JSON.stringify(ladder));
    expect(await cli.run('trace', '3f2a', '--json', '--secrets')).toBe(0);
    expect(cli.json()).toEqual(ladder);
    expect(cli.out).not.toContain('\u001b');
    expect(asked).toEqual(['3f2a steps with secrets']);
  });

  test('says so where nothing is left of a call, and where two forms are asked for', async () => {
    const cli = await beside();
    expect(await cli.run('trace', 'none')).toBe(1);
    expect(cli.error).toContain('no message of a call none is in memory');
    expect(await cli.run('trace', '3f2a', '--svg', 'a', '--pcap', 'b')).toBe(2);
    expect(await cli.run('trace', '3f2a', '--messages', '--json')).toBe(2);
  });

  test('obeys nothing that a peer wrote into a message', async () => {
    const cli = await beside('INVITE \u001b[2J\r\nX: y\r\n');
    expect(await cli.run('trace', '3f2a', '--messages')).toBe(0);
    expect(cli.out).toBe('INVITE \\u001b[2J\nX: y\n');
  });
});
