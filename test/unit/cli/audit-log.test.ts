import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { Cli, smallConfig } from './cli-fixture.ts';

test('what commands do to users is noted with who did it, never with a secret', async () => {
  const cli = new Cli(smallConfig);
  cli.environment['SUDO_USER'] = 'carol';
  cli.environment['USER'] = 'root';
  cli.environment['SECRET'] = 'Wonderland-1865';
  await cli.run('user', 'add', 'alice', '--password-env', 'SECRET', '--group', 'sales');
  await cli.run('user', 'passwd', 'alice', '--generate', '--json');
  await cli.run('user', 'lock', 'alice');
  await cli.run('user', 'unlock', 'alice');
  await cli.run('user', 'expire', 'alice');
  await cli.run('user', 'remove', 'alice');
  await cli.run('user', 'remove', 'alice');
  await cli.run('keys', 'rotate');
  expect(await cli.run('audit', 'log')).toBe(0);
  const did = cli.out
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(/ {2,}/));
  expect(did.map(([, who, what]) => `${who} ${what}`)).toEqual([
    'carol keys rotate',
    'carol user remove',
    'carol user expire',
    'carol user unlock',
    'carol user lock',
    'carol user passwd',
    'carol user add',
  ]);
  expect(cli.out).toContain('group sales');
  expect(cli.out).not.toContain('Wonderland');
});

test('verify tells whether it is whole, and where it is not', async () => {
  const cli = new Cli(smallConfig);
  await cli.run('user', 'add', 'alice', '--generate');
  await cli.run('user', 'lock', 'alice');
  expect(await cli.run('audit', 'verify')).toBe(0);
  expect(cli.out).toMatch(/^2 entries, whole; head [0-9a-f]{64}\n$/);
  expect(await cli.run('audit', 'verify', '--head', 'f'.repeat(64))).toBe(1);
  const database = new DatabaseSync(cli.path('state/portcullis.db'));
  database.exec(`UPDATE audit SET actor = 'somebody else' WHERE position = 1`);
  database.close();
  expect(await cli.run('audit', 'verify')).toBe(1);
  expect(cli.error).toContain('broken at entry 1');
});
