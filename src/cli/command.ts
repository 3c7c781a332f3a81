// What a command is, and what it is given. Nothing here reads the process: process.ts hands everything in.
import type { RouteTestAnswer } from '../admin/admin-client-answers.ts';
import type { Config } from '../config/schema.ts';
import type { Clock, EpochMillis, Millis } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import type { Result } from '../core/result.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import type { Screen } from './screen.ts';

/** What the shell is told; stable. `refused`: the answer is no, or something given is not valid. */
export const exitCodes = { ok: 0, refused: 1, usage: 2, notRunning: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Command {
  /** As it is typed: `user add`. */
  readonly name: string;
  /** What follows the name, for the first line of its help: `NAME[@DOMAIN] [options]`. */
  readonly parameters: string;
  readonly summary: string;
  /** More about it, a line each. */
  readonly about?: readonly string[];
  readonly options: OptionSpecs;
  /** What follows `portcullis`. */
  readonly examples: readonly string[];
  /** `args` without the name. Throws UsageError or SbcError. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** Who runs a command, as far as the environment tells. */
export function actorOf({ environment }: Pick<CommandContext, 'environment'>): string {
  const { SUDO_USER: before, USER: user, LOGNAME: login } = environment;
  return before ?? user ?? login ?? 'unknown';
}

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for its value in the help: `FILE`. */
  readonly value?: string;
  readonly about: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface CommandContext {
  readonly version: string;
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** The configuration of the system; absent: `/etc/portcullis/portcullis.toml`. */
  readonly systemConfig?: string | undefined;
  readonly clock: Clock;
  readonly pause: (time: Millis) => Promise<void>;
  readonly random: Random;
  readonly signals: Signals;
  readonly host: HostNames;
  readonly startSbc: StartSbc;
  readonly standBy: StandBy;
  /**
   * Runs this very call in so many processes of its own and keeps them running; resolves with an exit code. Undefined in those, and
   * wherever nothing may be started.
   */
  readonly supervise?: ((processes: number) => Promise<number>) | undefined;
  readonly routeTest: RouteTest;
  readonly replayFraud: ReplayFraud;
}

export interface Terminal {
  /** To standard output; `text` ends its own lines. */
  out(text: string): void;
  /** To standard error. */
  error(text: string): void;
  /** One line that is not shown while it is typed; undefined where nobody can be asked. Rejects with SbcError `interrupted`. */
  askSecret(question: string): Promise<string | undefined>;
  /** The whole of it, for what draws; undefined where there is no terminal. */
  screen(): Screen | undefined;
}

export interface Signals {
  /** Until the returned function is called, `handle` takes the place of what the signal does by itself. */
  on(signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGUSR2', handle: () => void): () => void;
}

/** How others name this machine. */
export interface HostNames {
  readonly name: string;
  /** Addresses that others may reach, none of them loopback. */
  readonly addresses: readonly string[];
}

/** The running SBC as its owner sees it. */
export interface RunningSbc {
  readonly listening: readonly {
    readonly name: string;
    readonly transport: string;
    readonly address: SocketAddress;
  }[];
  /** Resolves when the last call is over, or was ended at the end of the drain timeout. */
  drain(): Promise<void>;
  stop(): Promise<void>;
  reload(): Promise<Result<readonly string[], readonly string[]>>;
  /** Resolves when another process has taken its place, and it has stopped. */
  readonly replaced: Promise<void>;
  /** Has another process take its place; why that cannot be begun, or undefined. */
  upgrade(): string | undefined;
  /** Resolves with an exit code when its calls are another process's, or the next one's: `stop` is without a word then. */
  readonly over: Promise<number>;
}

/** Rejects with an SbcError that says what is in the way; then nothing runs. */
export type StartSbc = (options: { readonly configFile: string; readonly config: Config }) => Promise<RunningSbc>;

/**
 * The same once no other process is its node any more, or it is told to take over. Undefined when `ended` resolves before: it was to end.
 */
export type StandBy = (options: {
  readonly configFile: string;
  readonly config: Config;
  readonly ended: Promise<void>;
}) => Promise<RunningSbc | undefined>;

/** What would become of a call by the configuration alone. Rejects with an SbcError that says what is wrong with the question. */
export type RouteTest = (options: {
  readonly config: Config;
  readonly query: {
    readonly from: string;
    readonly to: string;
    readonly caller?: string | undefined;
    readonly listener?: string | undefined;
    readonly source?: string | undefined;
    readonly zone?: string | undefined;
    /** When it is placed; absent: now. */
    readonly at?: EpochMillis | undefined;
  };
}) => Promise<RouteTestAnswer>;

/** What the rules of fraud detection would have found in past call records. Rejects with an SbcError. */
export type ReplayFraud = (
  options: { readonly config: Config; readonly configFile: string },
  lines: AsyncIterable<string>,
) => Promise<{
  readonly records: number;
  readonly skipped: number;
  readonly findings: readonly {
    readonly at: EpochMillis;
    readonly level: 'warn' | 'act';
    readonly rule: string;
    readonly subject: string;
    readonly detail: string;
  }[];
}>;

/** The command line itself is wrong. */
export class UsageError extends SbcError {
  constructor(message: string) {
    super('usage', message);
  }
}
