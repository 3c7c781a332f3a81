import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { hostNames } from '../../../src/cli/host-names.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { passwordFaults } from '../../../src/policy/password-policy.ts';
import { Cli, runningSbc, smallConfig } from './cli-fixture.ts';

const written = ['certs/dev-ca.crt', 'certs/dev-server.crt', 'certs/dev-server.key', 'portcullis.toml'];

function configOf(cli: Cli): Config {
  const loaded = loadConfig(cli.path('portcullis.toml'));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

/** Starts, waits until it is ready, and ends it. */
async function startAndStop(cli: Cli, ...argv: readonly string[]): Promise<number> {
  const isReady = Promise.withResolvers<void>();
  cli.startSbc = () => {
    setImmediate(isReady.resolve);
    return Promise.resolve(runningSbc());
  };
  const code = cli.run('start', ...argv);
  await Promise.race([isReady.promise, code]);
  cli.signals.send('SIGTERM');
  return code;
}

describe('init', () => {
  test('writes a valid site: TLS outside, an embedded PBX inside, two users', async () => {
    const cli = new Cli();
    expect(await cli.run('init')).toBe(0);
    const config = configOf(cli);
    expect(config.listener.map(({ transport }) => transport)).toEqual(['tls', 'udp']);
    expect(config.listener[0]).toMatchObject({
      address: { address: '0.0.0.0', port: 5061 },
      advertise: { address: '192.0.2.10', port: 5061 },
    });
    expect(config.listener[1]?.address.address).toBe('127.0.0.1');
    expect(config.network.map(({ encryption }) => encryption)).toEqual(['required', 'off']);
    expect(config.pbx).toMatchObject([{ embedded: true, listener: 'to-pbx' }]);
    expect(config.user.map(({ name }) => name)).toEqual(['alice', 'bob']);
  });

  test('gives each user a strong password of its own, new each time', async () => {
    const passwords = new Set<string>();
    for (let times = 0; times < 3; times += 1) {
      const cli = new Cli();
      await cli.run('init');
      for (const { name, password = '' } of configOf(cli).user) {
        expect(passwordFaults(password, name), password).toEqual([]);
        passwords.add(password);
        expect(cli.out).toContain(password);
      }
    }
    expect(passwords.size).toBe(6);
  });

  test('keeps secrets to their owner, and no key of the authority', async () => {
    const cli = new Cli();
    await cli.run('init');
    for (const file of written) {
      const isSecret = file.endsWith('.key') || file.endsWith('.toml');
      expect(statSync(cli.path(file)).mode & 0o777, file).toBe(isSecret ? 0o600 : 0o644);
    }
    expect(existsSync(cli.path('certs/dev-ca.key'))).toBe(false);
  });

  test('names the machine as phones may in the certificate', async () => {
    const cli = new Cli();
    cli.addresses = ['192.0.2.10', '2001:db8::7'];
    await cli.run('init');
    const certificate = new X509Certificate(readFileSync(cli.path('certs/dev-server.crt')));
    for (const address of ['192.0.2.10', '2001:db8::7', '127.0.0.1', '::1']) {
      expect(certificate.checkIP(address), address).toBe(address);
    }
    for (const name of ['localhost', 'edge', 'pbx.test']) expect(certificate.checkHost(name)).toBe(name);
  });

  test('stays on loopback where the machine has no other address', async () => {
    const cli = new Cli();
    cli.addresses = [];
    await cli.run('init');
    expect(configOf(cli).listener[0]?.address.address).toBe('127.0.0.1');
    expect(configOf(cli).network[0]?.media[0]?.address).toBe('127.0.0.1');
  });

  test('takes IPv6 where there is nothing else', async () => {
    const cli = new Cli();
    cli.addresses = ['2001:db8::7'];
    await cli.run('init');
    expect(configOf(cli).listener[0]).toMatchObject({
      address: { address: '::', port: 5061 },
      advertise: { address: '2001:db8::7', port: 5061 },
    });
  });

  test.each(written)('writes nothing when %s is there', async (file) => {
    const cli = new Cli();
    await cli.run('init');
    const before = readFileSync(cli.path(file), 'utf8');
    for (const name of written) if (name !== file) rmSync(cli.path(name));
    expect(await cli.run('init')).toBe(1);
    expect(cli.error).toContain(`there is already ${file} in`);
    expect(readFileSync(cli.path(file), 'utf8')).toBe(before);
    expect(written.filter((name) => existsSync(cli.path(name)))).toEqual([file]);
  });

  test('writes into another folder, and tells programs what', async () => {
    const cli = new Cli();
    expect(await cli.run('init', '--directory', 'try/out', '--json')).toBe(0);
    expect(cli.json()).toMatchObject({
      written: written.map((file) => cli.path(`try/out/${file}`)),
      users: [{ name: 'alice' }, { name: 'bob' }],
    });
    expect(existsSync(cli.path('portcullis.toml'))).toBe(false);
  });
});

describe('start', () => {
  test('without a configuration writes one and tells how to register a softphone', async () => {
    const cli = new Cli();
    expect(await startAndStop(cli)).toBe(0);
    const [alice] = configOf(cli).user;
    for (const text of [
      '192.0.2.10, port 5061, transport TLS',
      'pbx.test',
      cli.path('certs/dev-ca.crt'),
      'SRTP mandatory',
      `alice, password ${alice?.password}`,
      'bob, password ',
      '600',
      '601',
    ]) {
      expect(cli.out).toContain(text);
    }
  });

  test('with one changes nothing, and does not repeat passwords', async () => {
    const cli = new Cli();
    await startAndStop(cli);
    const before = readFileSync(cli.path('portcullis.toml'), 'utf8');
    const [alice] = configOf(cli).user;
    expect(await startAndStop(cli)).toBe(0);
    expect(readFileSync(cli.path('portcullis.toml'), 'utf8')).toBe(before);
    expect(cli.out).toContain('alice, bob; passwords as in');
    expect(cli.out).not.toContain(alice?.password);
  });

  test('with --config is run', async () => {
    const cli = new Cli();
    cli.write('given.toml', smallConfig);
    expect(await startAndStop(cli, '--config', 'given.toml')).toBe(0);
    expect(cli.out).toBe('');
    expect(existsSync(cli.path('portcullis.toml'))).toBe(false);
  });

  test('with --config of a file that is not there writes none', async () => {
    const cli = new Cli();
    cli.startSbc = vi.fn();
    expect(await cli.run('start', '--config', 'typo.toml')).toBe(1);
    expect(existsSync(cli.path('typo.toml'))).toBe(false);
    expect(cli.startSbc).not.toHaveBeenCalled();
  });
});

describe('the addresses of this machine', () => {
  const one = (address: string, internal = false) => {
    const isIPv6 = address.includes(':');
    const common = { address, netmask: '', mac: '', internal, cidr: null };
    return isIPv6 ? { ...common, family: 'IPv6' as const, scopeid: 0 } : { ...common, family: 'IPv4' as const };
  };

  test('are those that others may reach, IPv4 first, each once', () => {
    const interfaces = {
      lo: [one('127.0.0.1', true), one('::1', true)],
      eth0: [one('fe80::1'), one('2001:db8::1'), one('192.0.2.1')],
      wlan0: [one('169.254.3.4'), one('192.0.2.2'), one('192.0.2.1')],
      gone: undefined,
    };
    expect(hostNames(interfaces).addresses).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1']);
  });
});
