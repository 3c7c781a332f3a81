import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keyPrefix, storeConnection } from '../../../../src/compose/keeping/store-connection.ts';
import { nonceSecretOf } from '../../../../src/compose/nodes/open-shared-site.ts';
import { shareSecrets, siteKeys } from '../../../../src/compose/nodes/shared-secrets.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { systemRandom } from '../../../../src/core/random.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { scenarioConfig } from '../../../support/scenario-config.ts';
import { TestAuthority } from '../../../support/test-certificates.ts';
import { temporaryDirectory } from '../../store/stores.ts';

const files = ['secret', 'media-keys', 'dtls-identity'] as const;
const keys = siteKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`, 'SITE_KEY');

function partsOf(state: FakeSharedState, node: string, own = keys): Parameters<typeof shareSecrets>[0] {
  const store = new FakeSharedStore({ state, node, run: node, now: () => systemClock.wall() });
  const stateDir = temporaryDirectory();
  return { store, keys: own, stateDir, random: systemRandom, now: systemClock.wall() };
}

describe('secrets of a site', () => {
  test('are those of the node that came first, sealed in the store, and private at every node', async () => {
    const state = new FakeSharedState();
    const [one, two] = [partsOf(state, 'one'), partsOf(state, 'two')];
    await shareSecrets(one);
    await shareSecrets(two);
    for (const file of files) {
      const text = readFileSync(join(one.stateDir, file), 'utf8');
      expect(readFileSync(join(two.stateDir, file), 'utf8')).toBe(text);
      expect(statSync(join(two.stateDir, file)).mode & 0o077).toBe(0);
      expect(state.secrets.get(file)).toMatch(/^v1\.k1\./);
      expect(state.secrets.get(file)).not.toContain(text.trim());
    }
  });

  test('of a node that had its own before give way to those of the site', async () => {
    const state = new FakeSharedState();
    const [one, two] = [partsOf(state, 'one'), partsOf(state, 'two')];
    mkdirSync(two.stateDir, { recursive: true });
    writeFileSync(join(two.stateDir, 'secret'), Buffer.alloc(32, 9).toString('base64'), { mode: 0o600 });
    await shareSecrets(one);
    await shareSecrets(two);
    expect(readFileSync(join(two.stateDir, 'secret'), 'utf8')).toBe(readFileSync(join(one.stateDir, 'secret'), 'utf8'));
  });

  test('cannot be read with another key', async () => {
    const state = new FakeSharedState();
    await shareSecrets(partsOf(state, 'one'));
    const other = siteKeys(`k1:${Buffer.alloc(32, 2).toString('base64')}`, 'SITE_KEY');
    await expect(shareSecrets(partsOf(state, 'two', other))).rejects.toMatchObject({ code: 'site-key' });
  });

  test('are read with a key that was changed, as long as the old one is named too', async () => {
    const state = new FakeSharedState();
    await shareSecrets(partsOf(state, 'one'));
    const both = [2, 1].map((byte) => `k${byte}:${Buffer.alloc(32, byte).toString('base64')}`).join(',');
    await shareSecrets(partsOf(state, 'two', siteKeys(both, 'SITE_KEY')));
    expect(siteKeys(both, 'SITE_KEY').current).toBe('k2');
  });

  test.each(['', 'short', 'k1:c2hvcnQ='])('are not sealed with the key "%s"', (text) => {
    expect(() => siteKeys(text, 'SITE_KEY')).toThrow('SITE_KEY: ');
  });

  test('give each process nonces of its own: one that another gave is stale, and never good twice', () => {
    const secret = new Uint8Array(32).fill(7);
    expect(nonceSecretOf(secret, 'run-1')).not.toEqual(nonceSecretOf(secret, 'run-2'));
    expect(nonceSecretOf(secret, 'run-1')).toHaveLength(32);
  });
});

describe('the connection of the configuration', () => {
  const read = (keysOfStore: string, environment = {}): ReturnType<typeof storeConnection> =>
    storeConnection(scenarioConfig({ tables: `[store]\n${keysOfStore}` }), '/etc/portcullis.toml', environment);

  test('is none without a url', () => {
    expect(read('')).toBeUndefined();
  });

  test('is the server that the url names, with secrets of the environment', () => {
    const url = 'url = "redis://[2001:db8::7]:6380/3"\nkey_env = "K"\nusername = "sbc"\npassword_env = "P"';
    expect(read(url, { P: 's3cret' })).toMatchObject({
      address: { host: '2001:db8::7', port: 6_380 },
      database: 3,
      username: 'sbc',
      password: 's3cret',
      tls: undefined,
      prefix: '{portcullis}:',
    });
    expect(() => read(url)).toThrow('the environment has no P');
  });

  test('is over TLS by rediss, and says which authority cannot be read', () => {
    expect(read('url = "rediss://redis.test"\nkey_env = "K"')?.tls).toEqual({ ca: undefined });
    expect(() => read('url = "rediss://redis.test"\nkey_env = "K"\nca = "none.pem"')).toThrow('store.ca: ');
  });

  test('trusts the authorities that it names alone: not those of Node where the file is empty', () => {
    const file = join(temporaryDirectory(), 'ca.pem');
    const { certificate } = new TestAuthority();
    const url = `url = "rediss://redis.test"\nkey_env = "K"\nca = "${file}"`;
    writeFileSync(file, certificate);
    expect(read(url)?.tls).toEqual({ ca: [certificate.trim()] });
    for (const text of ['', 'garbage']) {
      writeFileSync(file, text);
      expect(() => read(url), text).toThrow(`store.ca: ${file} holds no certificate`);
    }
  });

  test('has a prefix that keeps all of a site in one slot', () => {
    expect(keyPrefix('berlin')).toBe('{berlin}:');
  });
});
