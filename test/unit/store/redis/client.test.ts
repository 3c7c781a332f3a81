// The connection to Redis: what is asked is answered once, in its order, in time, or lost.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { developmentCertificates } from '../../../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { SbcError } from '../../../../src/core/errors.ts';
import { systemRandom } from '../../../../src/core/random.ts';
import type { Claim } from '../../../../src/policy/verdict.ts';
import { RedisServer, redisIsMissing } from '../../../support/redis-server.ts';
import { TestRedis } from './redis.ts';

const claim: Claim = {
  kind: 'slot',
  key: 'user:alice',
  cap: 1,
  refusal: { code: 'user-cap', status: 486, text: 'full', detail: '' },
};
const granted = { kind: 'granted', leases: [] };

describe.skipIf(redisIsMissing() !== undefined)('a connection to Redis', () => {
  const redis = new TestRedis();

  test('gives up what is not answered in time, and does not ask again', async () => {
    const { store, close } = await redis.open({ redis: { timeout: 100 } });
    redis.server.freeze();
    await expect(store.reserve('call', [claim])).rejects.toMatchObject({ code: 'store-lost' });
    redis.server.thaw();
    // It was done once, when the server went on.
    expect(await store.reserve('call', [claim])).toEqual(granted);
    expect(await store.held()).toHaveLength(1);
    close();
  });

  test('loses what is on its way when the server ends, says so, and goes on with the next one, which is taught the scripts', async () => {
    const changes: boolean[] = [];
    const { promise: back, resolve } = Promise.withResolvers<void>();
    const { store, close } = await redis.open({
      onConnection: (isConnected) => {
        changes.push(isConnected);
        if (changes.length === 3) resolve();
      },
    });
    expect(await store.reserve('call', [claim])).toEqual(granted);
    redis.server.freeze();
    const asked = expect(store.reserve('other', [claim])).rejects.toMatchObject({ code: 'store-lost' });
    await redis.server.end();
    await asked;
    await expect(store.reserve('third', [claim])).rejects.toMatchObject({ code: 'store-lost' });
    await redis.server.begin();
    await back;
    expect(changes).toEqual([true, false, true]);
    expect(await store.held()).toEqual([]);
    expect(await store.reserve('call', [claim])).toEqual(granted);
    close();
  });

  test('is tried for when the server comes later', async () => {
    await redis.server.end();
    const connected = Promise.withResolvers<boolean>();
    const { store, close } = await redis.open({ redis: { connectTimeout: 100 }, onConnection: connected.resolve });
    await expect(store.held()).rejects.toMatchObject({ code: 'store-lost' });
    await redis.server.begin();
    expect(await connected.promise).toBe(true);
    expect(await store.reserve('call', [claim])).toEqual(granted);
    close();
  });

  test('asks in the order of the calls, also in one turn', async () => {
    const { store, close } = await redis.open();
    const outcomes = await Promise.all([
      store.reserve('a', [claim]),
      store.reserve('b', [claim]),
      store.release('a', ['user:alice'], 0),
      store.reserve('c', [claim]),
    ]);
    expect(outcomes).toMatchObject([{ kind: 'granted' }, { kind: 'full' }, undefined, { kind: 'granted' }]);
    close();
  });
});

describe.skipIf(redisIsMissing() !== undefined)('a Redis that wants a password', () => {
  const redis = new TestRedis([
    ...['--user', 'portcullis', 'on', '>s3cret', '~*', '+@all'],
    ...['--user', 'default', 'off'],
  ]);

  test('is given user and password', async () => {
    const { store, close } = await redis.open({ redis: { username: 'portcullis', password: 's3cret' } });
    expect(await store.reserve('call', [claim])).toEqual(granted);
    close();
  });

  test('is not there for who has another one', async () => {
    const { store, close } = await redis.open({
      redis: { username: 'portcullis', password: 'wrong', connectTimeout: 200 },
    });
    await expect(store.held()).rejects.toMatchObject({ code: 'store-lost' });
    close();
  });
});

describe.skipIf(redisIsMissing() !== undefined)('a Redis over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-redis-tls-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const names = { dnsNames: ['localhost'], addresses: ['127.0.0.1'] };
  const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
  const other = developmentCertificates(names, systemClock.wall(), systemRandom);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const redis = new TestRedis([
    ...['--tls-port', '0', '--tls-cert-file', file('crt', certificate), '--tls-key-file', file('key', key)],
    ...['--tls-ca-cert-file', file('ca', authority), '--tls-auth-clients', 'no'],
  ]);

  test('is believed with a certificate of the named authority, and with no other', async () => {
    // The port that the server was given becomes the one of TLS: `begin` waits for it on that port either way.
    await tlsOnly(redis.server.port);
    const good = await redis.open({ redis: { tls: { ca: [authority] } } });
    expect(await good.store.reserve('call', [claim])).toEqual(granted);
    good.close();
    const bad = await redis.open({ redis: { tls: { ca: [other.authority] }, connectTimeout: 300 } });
    await expect(bad.store.held()).rejects.toMatchObject({ code: 'store-lost' });
    bad.close();
  });
});

describe.skipIf(redisIsMissing() !== undefined)('a Redis Cluster', () => {
  const redis = new TestRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);

  test('has all of a site in one slot, so that a step may touch all of it', async () => {
    await cli(redis.server.port, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!(await cli(redis.server.port, 'CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(50);
    const { store, close } = await redis.open({ redis: { cluster: [], connectTimeout: 10_000 } });
    expect(await store.reserve('call', [claim, { ...claim, key: 'trunk:t' }])).toEqual(granted);
    expect((await store.beat(undefined)).isOwner).toBe(true);
    await store.tell('ban', '{}');
    expect(await store.held()).toHaveLength(2);
    close();
  });
});

describe.skipIf(redisIsMissing() !== undefined)('a Redis that sentinels watch', () => {
  const redis = new TestRedis();

  test('is found by them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `sentinel monitor site 127.0.0.1 ${redis.server.port} 1\n`);
    const sentinel = await RedisServer.start(['--sentinel'], file);
    const addresses = [{ host: '127.0.0.1', port: sentinel.port }];
    const address = { host: '192.0.2.1', port: 1 };
    const { store, close } = await redis.open({
      redis: { address, sentinels: { name: 'site', addresses, password: undefined } },
    });
    expect(await store.reserve('call', [claim])).toEqual(granted);
    close();
    await sentinel.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

describe.skipIf(redisIsMissing() !== undefined)('a Redis that is killed', () => {
  const redis = new TestRedis();

  test('is followed by its replica, which the sentinels choose: what was held is held there, and it is written to', async () => {
    const master = String(redis.server.port);
    const replica = await RedisServer.start(['--replicaof', '127.0.0.1', master]);
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    const terms = ['down-after-milliseconds site 1000', 'failover-timeout site 5000'];
    writeFileSync(file, [`monitor site 127.0.0.1 ${master} 1`, ...terms].map((line) => `sentinel ${line}\n`).join(''));
    const sentinel = await RedisServer.start(['--sentinel'], file);
    const until = async (isSo: () => Promise<boolean>): Promise<void> => {
      while (!(await isSo())) await sleep(50);
    };
    await until(async () => (await cli(replica.port, 'INFO', 'replication')).includes('master_link_status:up'));
    await until(async () => (await cli(sentinel.port, 'SENTINEL', 'REPLICAS', 'site')).includes(String(replica.port)));
    const addresses = [{ host: '127.0.0.1', port: sentinel.port }];
    const changes: boolean[] = [];
    const { store, close } = await redis.open({
      redis: { sentinels: { name: 'site', addresses, password: undefined } },
      onConnection: (isConnected) => changes.push(isConnected),
    });
    expect(await store.reserve('call', [claim])).toEqual(granted);
    await until(async () => (await cli(replica.port, 'KEYS', '*held:*')).includes('held:'));
    await redis.server.end();
    const full = { kind: 'full', claim, held: 1 };
    await until(() => store.reserve('other', [claim]).then((outcome) => isDeepStrictEqual(outcome, full), isAway));
    expect(await store.held()).toHaveLength(1);
    await store.release('call', [claim.key], 0);
    expect(await store.reserve('other', [claim])).toEqual(granted);
    expect(changes.slice(0, 2)).toEqual([true, false]);
    expect(changes.at(-1)).toBe(true);
    close();
    await sentinel.close();
    await replica.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);
});

/** Nobody is the master yet, or whoever will be takes no writes yet. */
function isAway(thrown: unknown): false {
  if (!(thrown instanceof SbcError)) throw thrown;
  return false;
}

async function cli(port: number, ...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...words]);
  return stdout;
}

/** A server that listens in the clear listens with TLS, and only so, from now on. */
async function tlsOnly(port: number): Promise<void> {
  await cli(port, 'CONFIG', 'SET', 'port', '0', 'tls-port', String(port));
}
