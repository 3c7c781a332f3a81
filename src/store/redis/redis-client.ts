// A connection to Redis as the shared store needs it; `ioredis-client.ts` makes one of a library.
import type { Script } from './scripts.ts';

export type Reply = string | number | null | readonly Reply[];

export interface RedisClient {
  readonly isConnected: boolean;
  /** Runs a script whose keys begin with the client's prefix. */
  script(script: Script, args: readonly string[]): Promise<Reply>;
  /** One command; `args` begin with its key. */
  command(name: string, args: readonly string[]): Promise<Reply>;
  close(): void;
}
