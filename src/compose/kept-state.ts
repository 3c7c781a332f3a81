// What the state directory holds: accounts, which the command line changes beside the running process and which are read where they
// stand, and all else that outlives the process, which has a thread of its own.
import { systemClock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { systemRandom } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import { openSqliteStores, type StoreTrouble } from '../store/sqlite/sqlite-stores.ts';
import { openState, type State } from '../store/sqlite/state.ts';
import type { Stores } from '../store/stores.ts';

export interface KeptState extends Pick<State, 'users' | 'totp' | 'admins' | 'audit' | 'run'> {
  /** What was told; the thread writes it. */
  readonly alerts: Pick<State['alerts'], 'list'>;
  /** Loads what the process before left, once `isLeft` resolves. Rejects as `openKeptState` throws, or as `isLeft` does. */
  openStores(onTrouble: (trouble: StoreTrouble) => void, isLeft?: Promise<unknown>): Promise<Stores>;
  close(): void;
}

/** Throws SbcError `database-unusable`, `database-newer` or `key-file-unusable`. */
export function openKeptState(
  directory: string,
  parts: { readonly scheduler: Scheduler; readonly logger: Logger },
): KeptState {
  const state = openState(directory, { clock: systemClock, random: systemRandom });
  const { users, totp, admins, alerts, audit, run } = state;
  return {
    users,
    totp,
    admins,
    alerts,
    audit,
    run,
    openStores: (onTrouble, isLeft) => openSqliteStores({ directory, run, onTrouble, isLeft, ...parts }),
    close: () => state.close(),
  };
}
