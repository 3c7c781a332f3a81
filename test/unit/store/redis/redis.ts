// One Redis for the tests of a file, and stores over it: each of a prefix of its own unless a test shares one.
import { afterAll, beforeAll } from 'vitest';
import type { Clock, Millis } from '../../../../src/core/clock.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { SystemScheduler } from '../../../../src/core/scheduler.ts';
import { IoredisClient, type RedisOptions } from '../../../../src/store/redis/ioredis-client.ts';
import { RedisSharedStore } from '../../../../src/store/redis/redis-shared-store.ts';
import { RedisServer } from '../../../support/redis-server.ts';

export const scheduler = new SystemScheduler(systemClock, (thrown) => {
  throw thrown;
});

export interface OpenOptions {
  readonly prefix?: string;
  readonly node?: string;
  readonly run?: string;
  readonly machine?: string;
  readonly lease?: Millis;
  readonly takeover?: Millis;
  readonly clock?: Pick<Clock, 'wall'>;
  readonly redis?: Partial<RedisOptions>;
  readonly onConnection?: (isConnected: boolean) => void;
}

export interface Opened {
  readonly store: RedisSharedStore;
  readonly client: IoredisClient;
  close(): void;
}

export class TestRedis {
  #server: RedisServer | undefined;
  #serial = 0;

  constructor(more: readonly string[] = []) {
    beforeAll(async () => {
      this.#server = await RedisServer.start(more);
    });
    afterAll(async () => {
      await this.#server?.close();
    });
  }

  get server(): RedisServer {
    if (this.#server === undefined) throw new Error('it has not started');
    return this.#server;
  }

  newPrefix(): string {
    this.#serial += 1;
    return `{t${this.#serial}}:`;
  }

  async open(options: OpenOptions = {}): Promise<Opened> {
    const { prefix = this.newPrefix(), node = 'one', run = 'run-1', lease = 10_000, takeover = 1_000, clock } = options;
    const client = new IoredisClient(
      {
        address: { host: '127.0.0.1', port: this.server.port },
        database: 0,
        username: undefined,
        password: undefined,
        tls: undefined,
        sentinels: undefined,
        cluster: undefined,
        connectTimeout: 5_000,
        timeout: 2_000,
        prefix,
        ...options.redis,
      },
      scheduler,
      { onConnection: options.onConnection ?? (() => {}), onError: () => {} },
    );
    await client.connect();
    const store = new RedisSharedStore({
      client,
      prefix,
      node,
      run,
      machine: options.machine ?? run,
      lease,
      takeover,
      ...(clock === undefined ? {} : { clock }),
    });
    return { store, client, close: () => client.close() };
  }
}
