// From the configuration to this node's part in a site: the connection to the store, and what all nodes must have alike.
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { AlertSink } from '../../policy/alert.ts';
import { deriveKey, keyedHash } from '../../sip/auth/keyed-hash.ts';
import type { KeyRing } from '../../sip/auth/sealing.ts';
import type { IoredisClient } from '../../store/redis/ioredis-client.ts';
import { RedisSharedStore } from '../../store/redis/redis-shared-store.ts';
import { ThreadedCallWriter } from '../../store/redis/threaded-call-writer.ts';
import type { Stores } from '../../store/stores.ts';
import { loadSecret } from '../keeping/state-files.ts';
import { storeConnection } from '../keeping/store-connection.ts';
import { secretOf } from '../site/users.ts';
import { shareSecrets, siteKeys } from './shared-secrets.ts';
import { nodeName, SharedSite } from './shared-site.ts';

export interface SiteConnectionParts {
  readonly config: Config;
  readonly configFile: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** Of this process. */
  readonly run: string;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

/** A connection to the store that nodes share, before anything of this node is opened. */
export class SiteConnection {
  readonly #parts: SiteConnectionParts;
  readonly #client: IoredisClient;
  readonly #store: RedisSharedStore;
  readonly #writer: ThreadedCallWriter;
  readonly #keys: KeyRing;
  #site: SharedSite | undefined;

  private constructor(
    parts: SiteConnectionParts,
    keys: KeyRing,
    Client: typeof IoredisClient,
    connection: NonNullable<ReturnType<typeof storeConnection>>,
  ) {
    this.#parts = parts;
    this.#keys = keys;
    const { config, run, scheduler, logger } = parts;
    this.#client = new Client(connection, scheduler, {
      onConnection: (isConnected) => {
        logger.info(isConnected ? 'shared-store-connected' : 'shared-store-disconnected', {});
        if (!isConnected) this.#site?.link.disconnected();
      },
      onError: (error) => logger.debug('shared-store-error', { error: messageOf(error) }),
    });
    const { lease, takeover_after: takeover } = config.cluster;
    const { prefix } = connection;
    const node = { prefix, node: nodeName(config), run, machine: machineOf(parts), lease, takeover };
    this.#store = new RedisSharedStore({ client: this.#client, ...node });
    this.#writer = new ThreadedCallWriter({ settings: { connection, node, keys }, scheduler, logger });
  }

  /**
   * Undefined where the configuration names no shared store. Resolves without one that is away: it is tried for. Rejects with SbcError for
   * secrets that are not there, or not those of the other nodes.
   */
  static async open(parts: SiteConnectionParts): Promise<SiteConnection | undefined> {
    const { config, configFile, environment, stateDir, random, logger } = parts;
    const connection = storeConnection(config, configFile, environment);
    if (connection === undefined) return undefined;
    const variable = config.store.key_env ?? '';
    const keys = siteKeys(secretOf(variable, 'store', environment), variable);
    // Who shares nothing does not load it.
    const { IoredisClient: Client } = await import('../../store/redis/ioredis-client.ts');
    const opened = new SiteConnection(parts, keys, Client, connection);
    try {
      await opened.#client.connect();
      await shareSecrets({ store: opened.#store, keys, stateDir, random, now: systemClock.wall() });
    } catch (thrown) {
      if (!(thrown instanceof SbcError) || thrown.code !== 'store-lost') {
        await opened.close();
        throw thrown;
      }
      logger.warn('secrets-not-shared', { error: thrown.message });
    }
    await opened.#writer.opened;
    return opened;
  }

  join(own: Stores, events: { readonly onAlert: AlertSink; readonly onReplaced: () => void }): SharedSite {
    const { config, run, scheduler, logger } = this.#parts;
    const shared = { config, store: this.#store, writer: this.#writer, keys: this.#keys, run, own, scheduler, logger };
    this.#site = new SharedSite({ ...shared, ...events });
    return this.#site;
  }

  async close(): Promise<void> {
    await this.#writer.close();
    this.#client.close();
  }
}

/** All runs on one state directory have the same, and no others. */
function machineOf({ stateDir, random }: SiteConnectionParts): string {
  return Buffer.from(loadSecret(join(stateDir, 'machine'), random))
    .toString('hex')
    .slice(0, 16);
}

/** What a process keys its nonces with: of one that another gave, the counts that were used are not known here, so it is stale. */
export function nonceSecretOf(secret: Uint8Array, run: string): Uint8Array {
  return new Uint8Array(keyedHash(deriveKey(secret, 'nonces of one process'), run));
}
