import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Cli, smallConfig } from './cli-fixture.ts';

const day = 86_400_000;
const withoutUser = smallConfig.replace(/\[\[user\]\][\s\S]*?\n\n/, '');

describe('audit', () => {
  test('finds nothing where nothing is', async () => {
    const cli = new Cli(withoutUser);
    await cli.run('user', 'add', 'alice', '--generate');
    expect(await cli.run('audit')).toBe(0);
    expect(cli.out).toBe('nothing to say against any password\n');
  });

  test('names old passwords, those that are about to end, and those that did', async () => {
    const cli = new Cli(withoutUser);
    await cli.run('user', 'add', 'alice', '--generate');
    cli.clock.move(90 * day);
    expect(await cli.run('audit', '--json')).toBe(1);
    expect(cli.json()).toMatchObject({ findings: [{ user: 'alice@pbx.test', code: 'old' }] });
    cli.write('portcullis.toml', `${withoutUser}\n[passwords]\nmax_age = "91d"\n`);
    await cli.run('audit', '--json');
    expect(cli.json()).toMatchObject({ findings: [{ code: 'expiring' }] });
    cli.clock.move(day);
    await cli.run('audit', '--json');
    expect(cli.json()).toMatchObject({ findings: [{ code: 'expired' }] });
  });

  test('names what stands in the configuration, and what is weak there', async () => {
    const cli = new Cli(smallConfig.replace('In-The-File-2026', 'short'));
    expect(await cli.run('audit')).toBe(1);
    expect(cli.out).toMatch(/configured@pbx\.test +plain-in-file/);
    expect(cli.out).toMatch(/configured@pbx\.test +weak +the password has 5 characters/);
    expect(cli.out).toContain('user add configured --generate');
  });
});

describe('keys rotate', () => {
  test('seals everything with a new key, after which the old one is of no use', async () => {
    const cli = new Cli(smallConfig);
    await cli.run('user', 'add', 'alice', '--generate');
    await cli.run('user', 'passwd', 'alice', '--generate');
    const before = readFileSync(cli.path('state/keys'), 'utf8');
    expect(await cli.run('keys', 'rotate', '--json')).toBe(0);
    expect(cli.json()).toMatchObject({ sealed: 2 });
    const after = readFileSync(cli.path('state/keys'), 'utf8');
    expect(after.split('\n').filter((line) => line.includes(':') && !line.startsWith('#'))).toHaveLength(1);
    expect(await cli.run('audit')).toBe(1);
    writeFileSync(cli.path('state/keys'), before);
    expect(await cli.run('user', 'list')).toBe(1);
    expect(cli.error).toContain('unknown-key');
  });

  test('keeps the old one where it is asked to, and changes nothing where the database cannot be read', async () => {
    const cli = new Cli(smallConfig);
    await cli.run('user', 'add', 'alice', '--generate');
    await cli.run('keys', 'rotate', '--keep-old');
    const two = readFileSync(cli.path('state/keys'), 'utf8');
    expect(two.split('\n').filter((line) => line.includes(':') && !line.startsWith('#'))).toHaveLength(2);
    writeFileSync(
      cli.path('state/portcullis.db'),
      'not a database at all, and long enough to be read as one'.repeat(20),
    );
    expect(await cli.run('keys', 'rotate')).toBe(1);
    expect(readFileSync(cli.path('state/keys'), 'utf8')).toBe(two);
  });
});
