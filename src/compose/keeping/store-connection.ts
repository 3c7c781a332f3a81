// The connection to the shared store, as the configuration names it.
import { dirname, resolve } from 'node:path';
import { readAuthorities } from '../../config/authorities.ts';
import type { Config } from '../../config/schema.ts';
import type { Authorities } from '../../core/authorities.ts';
import { SbcError } from '../../core/errors.ts';
import type { RedisOptions } from '../../store/redis/ioredis-client.ts';
import { secretOf } from '../site/users.ts';

/** Undefined where the configuration names no shared store. Throws SbcError for a secret or file that is not there. */
export function storeConnection(
  { store }: Config,
  configFile: string,
  environment: NodeJS.ProcessEnv,
): RedisOptions | undefined {
  if (store.url === undefined) return undefined;
  const { protocol, hostname, port, pathname } = new URL(store.url);
  const secret = (variable: string | undefined): string | undefined =>
    variable === undefined ? undefined : secretOf(variable, 'store', environment);
  const addresses = (all: readonly { readonly address: string; readonly port: number }[]): RedisOptions['address'][] =>
    all.map((one) => ({ host: one.address, port: one.port }));
  return {
    address: { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? redisPort : Number(port) },
    database: Number(pathname.slice(1)) || 0,
    username: store.username,
    password: secret(store.password_env),
    tls: protocol === 'rediss:' ? { ca: readCa(store.ca, configFile) } : undefined,
    sentinels:
      store.sentinels.length === 0
        ? undefined
        : {
            name: store.sentinel_master ?? '',
            addresses: addresses(store.sentinels),
            password: secret(store.sentinel_password_env),
          },
    cluster: store.cluster ? addresses(store.cluster_nodes) : undefined,
    connectTimeout: store.connect_timeout,
    timeout: store.timeout,
    prefix: keyPrefix(store.prefix),
  };
}

/** In braces: a Redis Cluster keeps all of a site at one node, so that one step may touch any of it. */
export function keyPrefix(prefix: string): string {
  return `{${prefix}}:`;
}

const redisPort = 6_379;

function readCa(file: string | undefined, configFile: string): Authorities | undefined {
  if (file === undefined) return undefined;
  const path = resolve(dirname(configFile), file);
  const read = readAuthorities(path);
  if (!read.ok) throw new SbcError('store-ca', `store.ca: ${read.error.detail}`, { file: path });
  return read.value;
}
