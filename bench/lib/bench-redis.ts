// The same store, but calls are kept in a Redis of the benchmark's own on loopback, by a thread that seals them, as a node of a site keeps them.
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom } from '../../src/core/random.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { IoredisClient } from '../../src/store/redis/ioredis-client.ts';
import { RedisSharedStore } from '../../src/store/redis/redis-shared-store.ts';
import { ThreadedCallWriter } from '../../src/store/redis/threaded-call-writer.ts';
import { SharedCalls } from '../../src/store/shared/shared-calls.ts';
import type { Stores } from '../../src/store/stores.ts';
import { RedisServer } from '../../test/support/redis-server.ts';
import { openIn } from './bench-store.ts';

const prefix = '{bench}:';
const run = 'bench';

export async function openInRedis(directory: string): Promise<Stores> {
  const fail = (thrown: unknown): never => {
    throw thrown;
  };
  const server = await RedisServer.start();
  const own = await openIn(directory);
  const scheduler = new SystemScheduler(systemClock, fail);
  const address = { host: '127.0.0.1', port: server.port };
  const unused = { username: undefined, password: undefined, tls: undefined, sentinels: undefined, cluster: undefined };
  const connection = { address, database: 0, ...unused, connectTimeout: 5_000, timeout: 5_000, prefix };
  const client = new IoredisClient(connection, scheduler, { onConnection: () => {}, onError: fail });
  await client.connect();
  const node = { prefix, node: 'one', run, machine: run, lease: 10_000, takeover: 5_000 };
  const keys = { current: 'a', keys: new Map([['a', systemRandom.bytes(32)]]) };
  const writer = new ThreadedCallWriter({ settings: { connection, node, keys }, scheduler, logger: silentLogger });
  const calls = new SharedCalls({
    run,
    store: new RedisSharedStore({ client, ...node }),
    writer,
    link: { isUp: true, doubt: () => fail(new Error('redis did not take what was written')) },
    keys,
    onTrouble: fail,
    scheduler,
    logger: silentLogger,
  });
  const flush = async (): Promise<void> => {
    await calls.flush();
    await own.flush();
  };
  return {
    ...own,
    calls,
    flush,
    close: async () => {
      await flush();
      await writer.close();
      client.close();
      await own.close();
      await server.close();
    },
  };
}
