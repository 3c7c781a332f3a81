// Becoming the node: at once for a process that is started to be it, later for one that stands by, when nobody is it any more or
// somebody says so.
import { execFile } from 'node:child_process';
import type { Millis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SharedStore } from '../../store/shared/shared-store.ts';

/** What a process that stands by is told. */
export interface Standby {
  /** Resolves when it is to take over now. */
  readonly told: Promise<void>;
  /** Resolves when it is to end instead. */
  readonly ended: Promise<void>;
}

export interface TakeoverParts {
  readonly store: Pick<SharedStore, 'own'>;
  readonly node: string;
  /** `told`: only who is told takes over, whatever became of the other process. */
  readonly by: 'lease' | 'told';
  /** A program that moves the address here, before it is bound. */
  readonly program: string | undefined;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** `again`: this machine was the node, and its process is dead. */
export type How = 'started' | 'again' | 'lease' | 'told';

/** How often a process that stands by asks whether the node is free. */
export const askInterval: Millis = 100;
/** The program has so long; then the node goes on without it. */
export const programPatience: Millis = 2_000;

/** Resolves when this process is the node; undefined when it is to end instead. Never rejects for a store that is away. */
export async function becomeNode(parts: TakeoverParts, standby: Standby | undefined): Promise<How | undefined> {
  const { node, logger, by } = parts;
  if (standby === undefined) {
    await own(parts);
    return 'started';
  }
  if (await wasHere(parts)) {
    logger.warn('taking-over', { node, by: 'again' });
    return 'again';
  }
  logger.info('standing-by', { node });
  const how = await Promise.race([
    standby.told.then(() => 'told' as const),
    standby.ended.then(() => undefined),
    ...(by === 'lease' ? [free(parts, standby)] : []),
  ]);
  if (how === 'told') await own(parts);
  if (how !== undefined) logger.warn('taking-over', { node, by: how });
  return how;
}

/** Moves the address here. Never rejects: without it a listener says what is missing. */
export function runProgram({ program, node, logger }: TakeoverParts): Promise<void> {
  if (program === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    execFile(program, [node], { timeout: programPatience, killSignal: 'SIGKILL' }, (error, _out, said) => {
      if (error !== null) {
        logger.error('takeover-program-failed', { program, error: error.message, said: said.slice(0, 500) });
      }
      resolve();
    });
  });
}

async function own({ store, node, logger }: TakeoverParts): Promise<void> {
  try {
    await store.own('at-once');
  } catch (thrown) {
    // The link says so again as soon as the store is there.
    logger.warn('node-not-owned', { node, error: messageOf(thrown) });
  }
}

/** Whether the node's last process ran on this machine: what stands by elsewhere has not taken over, and this one goes on at once. */
async function wasHere({ store, node, logger }: TakeoverParts): Promise<boolean> {
  try {
    return await store.own('again');
  } catch (thrown) {
    logger.warn('node-not-owned', { node, error: messageOf(thrown) });
    return false;
  }
}

/** Resolves when nobody was the node for the time of a takeover, and never once there is no need for it. */
async function free({ store, scheduler, logger }: TakeoverParts, standby: Standby): Promise<'lease'> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  void standby.told.then(over);
  void standby.ended.then(over);
  let wasAway = false;
  for (;;) {
    try {
      if (isOver) return await new Promise<never>(() => {});
      if (await store.own('when-free')) return 'lease';
      wasAway = false;
    } catch (thrown) {
      if (!(thrown instanceof SbcError)) throw thrown;
      if (!wasAway) logger.warn('standby-without-store', { error: thrown.message });
      wasAway = true;
    }
    await new Promise<void>((resolve) => scheduler.after(askInterval, resolve));
  }
}
