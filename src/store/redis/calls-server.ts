// What the thread that writes calls to Redis does with each request: it seals them, and has a connection of its own.
import { messageOf } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { KeyRing } from '../../sip/auth/sealing.ts';
import type { KeptDocument } from '../call-store.ts';
import { SealingWriter } from '../shared/call-writer.ts';
import type { StoreReply, StoreRequest } from '../thread/store-protocol.ts';
import { IoredisClient, type RedisOptions } from './ioredis-client.ts';
import { RedisSharedStore, type RedisSharedStoreOptions } from './redis-shared-store.ts';

export interface CallsThreadSettings {
  readonly connection: RedisOptions;
  /** Whose calls they are. */
  readonly node: Pick<RedisSharedStoreOptions, 'prefix' | 'node' | 'run' | 'machine' | 'lease' | 'takeover'>;
  /** What seals them. */
  readonly keys: KeyRing;
}

export class CallsServer {
  readonly #client: IoredisClient;
  readonly #writer: SealingWriter;
  #connecting: Promise<void> | undefined;

  constructor(
    { connection, node, keys }: CallsThreadSettings,
    { scheduler, random }: { readonly scheduler: Scheduler; readonly random: Random },
  ) {
    // Whoever asks is told what came of it; the other connection of the process says what becomes of connections.
    const events = { onConnection: () => {}, onError: () => {} };
    this.#client = new IoredisClient(connection, scheduler, events);
    this.#writer = new SealingWriter({ store: new RedisSharedStore({ client: this.#client, ...node }), keys, random });
  }

  /** Answers when it is connected, or could not be within the time for it: it goes on trying then. */
  async open(): Promise<StoreReply> {
    await this.#connected();
    return this.#client.isConnected ? { type: 'opened' } : { type: 'not-opened', error: 'it does not answer' };
  }

  async write({ batch }: Extract<StoreRequest, { readonly type: 'write' }>): Promise<StoreReply> {
    const { number, writes } = batch;
    const put: KeptDocument[] = [];
    const remove: string[] = [];
    for (const write of writes) {
      if (write.kind === 'call') put.push(write);
      else if (write.kind === 'call-gone') remove.push(write.id);
    }
    try {
      await this.#connected();
      await this.#writer.write(put, remove);
      return { type: 'written', batch: number, unwritable: [] };
    } catch (thrown) {
      return { type: 'not-written', batch: number, error: messageOf(thrown) };
    }
  }

  close(): void {
    this.#client.close();
  }

  #connected(): Promise<void> {
    this.#connecting ??= this.#client.connect();
    return this.#connecting;
  }
}
