import { describe, expect, test } from 'vitest';
import { commands } from '../../../src/cli/commands.ts';
import { SbcError } from '../../../src/core/errors.ts';
import { TestAuthority } from '../../support/test-certificates.ts';
import { Cli, smallConfig } from './cli-fixture.ts';

const names = commands.map(({ name }) => name);

describe('the command line', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])('lists every command for %j', async (argv) => {
    const cli = new Cli();
    expect(await cli.run(...argv)).toBe(0);
    for (const name of names) expect(cli.out).toContain(`\n  ${name} `);
    expect(cli.error).toBe('');
  });

  test.each(names)('explains %s with options and examples, three ways', async (name) => {
    const cli = new Cli();
    const words = name.split(' ');
    expect(await cli.run(...words, '--help')).toBe(0);
    const help = cli.out;
    expect(help).toMatch(/^Usage: portcullis /);
    expect(help).toContain('\nOptions:\n');
    expect(help).toContain('\nExamples:\n  portcullis ');
    await cli.run(...words, '-h');
    expect(cli.out).toBe(help);
    await cli.run('help', ...words);
    expect(cli.out).toBe(help);
  });

  // The two that serve say what they do in the log, which is JSON; a script for a shell is neither.
  const withoutData = new Set(['start', 'run', 'completion']);
  test.each(commands.filter(({ name }) => !withoutData.has(name)))(
    'prints the data of $name as JSON too',
    ({ options }) => {
      expect(options).toHaveProperty('json', expect.objectContaining({ type: 'boolean' }));
    },
  );

  test.each(commands.flatMap(({ examples }) => examples))('shows an example that exists: %s', (example) => {
    expect(names.some((name) => example === name || example.startsWith(`${name} `))).toBe(true);
  });

  test.each([
    [['frobnicate'], 'no command "frobnicate"'],
    [['user'], 'expected one of: user add'],
    [['user', 'frobnicate'], 'got "user frobnicate"'],
    [['help', 'frobnicate'], 'no command "frobnicate"'],
    [['calls', '--frobnicate'], "Unknown option '--frobnicate'"],
    [['calls', 'extra'], 'unexpected argument "extra"'],
    [['calls', 'end'], 'ID is missing'],
    [['run', '--config'], '--config'],
    [['calls', '--json=yes'], '--json'],
  ])('answers %j with what is wrong and 2', async (argv, message) => {
    const cli = new Cli(smallConfig);
    expect(await cli.run(...argv)).toBe(2);
    expect(cli.error).toContain(message);
    expect(cli.out).toBe('');
  });

  test('tells its version', async () => {
    const cli = new Cli();
    for (const argv of [['version'], ['--version'], ['-v']]) {
      expect(await cli.run(...argv)).toBe(0);
      expect(cli.out).toBe('9.8.7\n');
    }
    await cli.run('version', '--json');
    expect(cli.json()).toEqual({ version: '9.8.7' });
  });

  test('says what went wrong without a stack when it was foreseen, with one when it was not', async () => {
    const cli = new Cli(smallConfig);
    cli.startSbc = () => Promise.reject(new SbcError('listen-failed', 'port 5061 is taken'));
    expect(await cli.run('run')).toBe(1);
    expect(cli.error).toBe('portcullis: port 5061 is taken\n');
    cli.startSbc = () => Promise.reject(new RangeError('surprise'));
    expect(await cli.run('run')).toBe(1);
    expect(cli.error).toMatch(/RangeError: surprise\n +at /);
  });

  test.each([
    ['EADDRINUSE', 'Another program has this port, or portcullis runs already'],
    ['EADDRNOTAVAIL', 'This machine does not have that address'],
    ['EACCES', 'This user may not open that port'],
  ])('tells what to do when it cannot listen because of %s', async (code, advice) => {
    const cli = new Cli(smallConfig);
    const cause = Object.assign(new Error(code), { code });
    cli.startSbc = () => Promise.reject(new SbcError('listen-failed', 'cannot listen', { listener: 'phones' }, cause));
    expect(await cli.run('run')).toBe(1);
    expect(cli.error).toContain(`portcullis: cannot listen\n${advice}`);
    expect(cli.error).toContain('[[listener]] "phones"');
  });
});

describe('the configuration of a command', () => {
  test('is portcullis.toml here, or what --config names', async () => {
    const cli = new Cli();
    expect(await cli.run('run')).toBe(1);
    expect(cli.error).toContain('there is no portcullis.toml in');
    cli.write('other.toml', smallConfig);
    const files: string[] = [];
    cli.startSbc = ({ configFile }) => {
      files.push(configFile);
      return Promise.reject(new SbcError('enough', 'enough'));
    };
    await cli.run('run', '--config', 'other.toml');
    await cli.run('run', '-c', cli.path('other.toml'));
    expect(files).toEqual([cli.path('other.toml'), cli.path('other.toml')]);
  });

  test('is that of the system where there is none here', async () => {
    const system = new Cli(smallConfig);
    const cli = new Cli();
    cli.systemConfig = system.path('portcullis.toml');
    for (const command of ['check', 'user list', 'explain x']) {
      await cli.run(...command.split(' '));
      expect(cli.error, command).not.toContain('there is no portcullis.toml');
    }
    expect(await cli.run('check')).toBe(0);
    expect(cli.out).toBe(`${cli.systemConfig} is valid\n`);
    cli.write('portcullis.toml', smallConfig);
    await cli.run('check');
    expect(cli.out).toBe('portcullis.toml is valid\n');
  });

  test('that is not valid stops the command with every mistake', async () => {
    const cli = new Cli('[sbc]\nnam = "x"\n[[domain]]\nname = "a b"\n');
    expect(await cli.run('run')).toBe(1);
    const places = cli.error
      .trimEnd()
      .split('\n')
      .map((line) => line.split(': ', 2).join(' '));
    expect(places).toContain('portcullis.toml:2:1 sbc.nam');
    expect(places).toContain('portcullis.toml:4:1 domain[0].name');
  });
});

describe('check', () => {
  test('says that a configuration is valid', async () => {
    const cli = new Cli(smallConfig);
    cli.write('edge.crt', '');
    cli.write('edge.key', '');
    expect(await cli.run('check')).toBe(0);
    expect(cli.out).toBe('portcullis.toml is valid\n');
    expect(cli.error).toBe('');
    expect(await cli.run('check', '--json')).toBe(0);
    expect(cli.json()).toEqual({ valid: true, errors: [], warnings: [] });
  });

  test('refuses files of authorities that are here and name nobody, and takes one that names somebody', async () => {
    const trusts = smallConfig.replace(/^key = "edge.key"$/m, '$&\nclient_ca = "clients.pem"\nserver_ca = "hops.pem"');
    const cli = new Cli(trusts);
    for (const file of ['edge.crt', 'edge.key', 'clients.pem']) cli.write(file, '');
    cli.write('hops.pem', 'no certificate');
    expect(await cli.run('check')).toBe(1);
    expect(cli.out).toBe('');
    expect(cli.error).toBe(
      `portcullis.toml:23:1: listener[0].client_ca: ${cli.path('clients.pem')} holds no certificate (PEM), so that nobody would be known to trust\n` +
        `portcullis.toml:24:1: listener[0].server_ca: ${cli.path('hops.pem')} holds no certificate (PEM), so that nobody would be known to trust\n`,
    );
    expect(await cli.run('check', '--json')).toBe(1);
    expect(cli.json()).toMatchObject({ valid: false, errors: [{ line: 23 }, { key: 'listener[0].server_ca' }] });
    for (const file of ['clients.pem', 'hops.pem']) cli.write(file, new TestAuthority().certificate);
    expect(await cli.run('check')).toBe(0);
    const store = '\n[store]\nurl = "rediss://redis.test"\nkey_env = "ITS_KEY"\nca = "store.pem"\n';
    const shared = new Cli(smallConfig + store);
    shared.write('store.pem', '');
    expect(await shared.run('check')).toBe(1);
    expect(shared.error).toContain(`store.ca: ${shared.path('store.pem')} holds no certificate`);
  });

  test('warns of files and variables that a valid configuration asks for and that are not here', async () => {
    const cli = new Cli(smallConfig.replace('password = "In-The-File-2026"', 'password_env = "ITS_PASSWORD"'));
    cli.write('edge.crt', '');
    expect(await cli.run('check')).toBe(0);
    expect(cli.out).toBe('portcullis.toml is valid\n');
    expect(cli.error).toBe(
      `portcullis.toml:22:1: listener[0].key: warning: there is no file ${cli.path('edge.key')}\n` +
        'portcullis.toml:30:1: user[0].password_env: warning: the environment here has no ITS_PASSWORD\n',
    );
    cli.environment['ITS_PASSWORD'] = 'In-The-Air-2026';
    expect(await cli.run('check', '--json')).toBe(0);
    expect(cli.json()).toMatchObject({ valid: true, errors: [], warnings: [{ key: 'listener[0].key', line: 22 }] });
  });

  test('names every mistake with file, line and column, and no secret', async () => {
    const broken = smallConfig.replace('name = "pbx.test"', 'name = "p b x"').replace('"In-The-File-2026"', '20262026');
    const cli = new Cli();
    cli.write('broken.toml', broken);
    expect(await cli.run('check', '--config', 'broken.toml')).toBe(1);
    const lines = cli.error.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/^broken\.toml:\d+:1: (domain|user)\[0\]\.\w+: /);
    expect(cli.error).not.toContain('20262026');
    expect(await cli.run('check', '--config', 'broken.toml', '--json')).toBe(1);
    expect(cli.json()).toMatchObject({
      valid: false,
      errors: [
        { file: 'broken.toml', line: 6, column: 1, key: 'domain[0].name' },
        { file: 'broken.toml', column: 1, key: 'user[0].password' },
      ],
    });
  });

  test('of a file that is not there is a mistake of its own', async () => {
    const cli = new Cli();
    expect(await cli.run('check', '--config', 'none.toml')).toBe(1);
    expect(cli.error).toMatch(/^none\.toml:1:1: cannot be read: ENOENT/);
  });
});
