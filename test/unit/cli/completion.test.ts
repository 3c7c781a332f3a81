import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Cli, smallConfig } from './cli-fixture.ts';

async function scriptFor(shell: string): Promise<string> {
  const cli = new Cli(smallConfig);
  expect(await cli.run('completion', shell)).toBe(0);
  return cli.out;
}

describe('the script for bash', () => {
  test.each([
    [['us'], ['user']],
    [['user', 'pass'], ['passwd']],
    [['trace', '3f2a', '--p'], ['--pcap']],
    [['calls', '--js'], ['--json']],
    [['trace', '3f2a', '--js'], ['--json']],
    [['nonsense', ''], []],
  ])('completes %j to %j', async (typed, expected) => {
    const words = ['portcullis', ...typed].map((word) => `'${word}'`).join(' ');
    const ask = `COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _portcullis; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', `${await scriptFor('bash')}\n${ask}`], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(expected);
  });
});

describe('completion', () => {
  test('of zsh uses that of bash, and fish has a line for each command', async () => {
    expect(await scriptFor('zsh')).toContain(await scriptFor('bash'));
    expect(await scriptFor('fish')).toMatch(/-a trace -d 'Draws the SIP messages/);
  });

  test('of another shell is wrong usage', async () => {
    const cli = new Cli(smallConfig);
    expect(await cli.run('completion', 'tcsh')).toBe(2);
    expect(cli.error).toContain('expected bash, zsh or fish, got "tcsh"');
  });
});
