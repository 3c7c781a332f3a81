// Redis by ioredis. What is asked within one turn of the event loop goes out together; what is not answered in time, or on the way when
// the connection ends, is lost for whoever asked: nothing is sent twice, since nobody knows whether it was done.
import { Cluster, Redis } from 'ioredis';
import type { Authorities } from '../../core/authorities.ts';
import type { Millis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { RedisClient, Reply } from './redis-client.ts';
import { type Script, scripts } from './scripts.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisOptions {
  readonly address: RedisAddress;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Absent: no TLS. `ca` undefined: the authorities of Node. */
  readonly tls: { readonly ca: Authorities | undefined } | undefined;
  /** Absent: the address is the server itself. */
  readonly sentinels:
    | { readonly name: string; readonly addresses: readonly RedisAddress[]; readonly password: string | undefined }
    | undefined;
  /** More nodes of a Redis Cluster, beside `address`; absent: it is none. */
  readonly cluster: readonly RedisAddress[] | undefined;
  readonly connectTimeout: Millis;
  /** Nobody waits for an answer for longer. */
  readonly timeout: Millis;
  /** Where the keys of scripts stand. */
  readonly prefix: string;
}

export interface RedisEvents {
  onConnection(isConnected: boolean): void;
  onError(error: unknown): void;
}

interface Waiting {
  readonly command: readonly string[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: SbcError) => void;
}

export class IoredisClient implements RedisClient {
  readonly #redis: Redis | Cluster;
  readonly #options: RedisOptions;
  readonly #scheduler: Scheduler;
  #queue: Waiting[] = [];
  #isConnected = false;
  readonly #shas = new Map<string, string>();
  readonly #first = Promise.withResolvers<void>();

  constructor(options: RedisOptions, scheduler: Scheduler, events: RedisEvents) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#redis = open(options);
    this.#redis.on('error', (error: unknown) => events.onError(error));
    this.#redis.on('ready', () => {
      this.#load().then(
        () => {
          this.#isConnected = true;
          this.#first.resolve();
          events.onConnection(true);
        },
        (error: unknown) => events.onError(error),
      );
    });
    for (const event of ['close', 'end']) {
      this.#redis.on(event, () => {
        if (!this.#isConnected) return;
        this.#isConnected = false;
        events.onConnection(false);
      });
    }
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Resolves when it is connected, or could not be within the time for it; then it goes on trying. */
  async connect(): Promise<void> {
    const { connectTimeout } = this.#options;
    const deadline = this.#scheduler.after(connectTimeout, () => this.#first.resolve());
    // Each failure is an event as well.
    this.#redis.connect().catch(() => {});
    await this.#first.promise;
    deadline.cancel();
  }

  script({ name }: Script, args: readonly string[]): Promise<Reply> {
    const sha = this.#shas.get(name);
    if (sha === undefined) return Promise.reject(lost('the scripts are not loaded'));
    return this.#ask(['EVALSHA', sha, '1', `${this.#options.prefix}nodes`, ...args]);
  }

  command(name: string, args: readonly string[]): Promise<Reply> {
    return this.#ask([name, ...args]);
  }

  close(): void {
    this.#redis.disconnect();
    for (const { reject } of this.#take()) reject(lost('it is closed'));
  }

  #ask(command: readonly string[]): Promise<Reply> {
    if (!this.#isConnected) return Promise.reject(lost('it is not connected'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, resolve, reject });
      if (this.#queue.length === 1) setImmediate(() => this.#flush());
    });
  }

  #take(): readonly Waiting[] {
    const queue = this.#queue;
    this.#queue = [];
    return queue;
  }

  #flush(): void {
    const asked = this.#take();
    if (asked.length === 0) return;
    const { timeout } = this.#options;
    const deadline = this.#scheduler.after(timeout, () => {
      // Where it was this process that stood still, the answers are there, and are read before this.
      setImmediate(() => {
        for (const { reject } of asked) reject(lost(`no answer within ${timeout} ms`));
      });
    });
    const pipeline = this.#redis.pipeline();
    for (const {
      command: [name = '', ...args],
    } of asked)
      pipeline.call(name, ...args);
    pipeline.exec().then(
      (replies) => {
        deadline.cancel();
        for (const [at, waiting] of asked.entries()) this.#answer(waiting, replies?.[at]);
      },
      (error: unknown) => {
        deadline.cancel();
        for (const { reject } of asked) reject(lost(messageOf(error)));
      },
    );
  }

  #answer({ resolve, reject }: Waiting, reply: readonly [Error | null, unknown] | undefined): void {
    const [error, value] = reply ?? [new Error('no answer'), undefined];
    if (error === null && isReply(value)) {
      resolve(value);
      return;
    }
    const message = error === null ? `an answer of an unknown kind` : error.message;
    // Another server, or one that was started anew: it is taught the scripts for whoever asks next.
    if (message.startsWith('NOSCRIPT')) this.#load().catch(() => {});
    reject(message.startsWith('NOTOWNER') ? new SbcError('not-owner', message) : lost(message));
  }

  async #load(): Promise<void> {
    const servers = this.#redis instanceof Cluster ? this.#redis.nodes('master') : [this.#redis];
    for (const server of servers) {
      for (const { name, lua } of Object.values(scripts)) {
        const sha: unknown = await server.script('LOAD', lua);
        if (typeof sha === 'string') this.#shas.set(name, sha);
      }
    }
  }
}

/** Longest wait between two attempts to connect. */
const longestWait: Millis = 1_000;

function open(options: RedisOptions): Redis | Cluster {
  const { address, sentinels, cluster, database, username, password, tls, connectTimeout } = options;
  const common = {
    db: database,
    connectTimeout,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // What is not answered when the connection ends has failed.
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number): Millis => Math.min(50 * times, longestWait),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { tls: trusting(tls) }),
  };
  if (cluster !== undefined) {
    const nodes = [address, ...cluster].map(({ host, port }) => ({ host, port }));
    const { enableOfflineQueue, retryStrategy: clusterRetryStrategy, ...redisOptions } = common;
    return new Cluster(nodes, { lazyConnect: true, enableOfflineQueue, clusterRetryStrategy, redisOptions });
  }
  if (sentinels === undefined) return new Redis({ ...common, ...address, lazyConnect: true });
  const { name, addresses, password: sentinelPassword } = sentinels;
  return new Redis({
    ...common,
    lazyConnect: true,
    name,
    sentinels: addresses.map(({ host, port }) => ({ host, port })),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(tls === undefined ? {} : { sentinelTLS: trusting(tls), enableTLSForSentinelMode: true }),
  });
}

function trusting({ ca }: NonNullable<RedisOptions['tls']>): { readonly ca?: string[] } {
  return ca === undefined ? {} : { ca: [...ca] };
}

function isReply(value: unknown): value is Reply {
  if (value === null || typeof value === 'string' || typeof value === 'number') return true;
  return Array.isArray(value) && value.every(isReply);
}

function lost(detail: string): SbcError {
  return new SbcError('store-lost', `the shared store: ${detail}`);
}
