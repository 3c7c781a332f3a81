// A running SBC as its owner sees it, and what it is started with.
import type { Config } from '../config/schema.ts';
import type { Result } from '../core/result.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import type { RootLogger } from '../observe/log.ts';
import type { SupervisorChannel } from '../supervisor/channel.ts';
import type { Standby } from './nodes/takeover.ts';

export interface StartOptions {
  readonly configFile: string;
  readonly config: Config;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where logs go; the standard output when absent. */
  readonly logger?: RootLogger;
  /** To the supervisor that runs this process; absent: nobody does. */
  readonly channel?: SupervisorChannel | undefined;
}

export interface StandbyOptions extends StartOptions, Pick<Standby, 'ended'> {}

export interface RunningSbc {
  readonly listening: readonly { readonly name: string; readonly transport: string; readonly address: SocketAddress }[];
  /** Where the dashboard is; undefined where there is none. */
  readonly dashboard: SocketAddress | undefined;
  /** Not ready, no new calls; resolves when the last call is over or the drain timeout ended it. */
  drain(): Promise<void>;
  /** Ends what still runs and closes everything. Idempotent. */
  stop(): Promise<void>;
  /** What changed, or why nothing did. */
  reload(): Promise<Result<readonly string[], readonly string[]>>;
  /** Resolves when another process has taken this one's place: it must end, and has stopped already. */
  readonly replaced: Promise<void>;
  /** Has another process take its place; why that cannot be begun, or undefined. */
  upgrade(): string | undefined;
  /** Resolves with an exit code when its calls are another process's, or the next one's: `stop` is without a word then. */
  readonly over: Promise<number>;
}
