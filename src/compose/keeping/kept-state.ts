// What the state directory holds: accounts, which the command line changes beside the running process and which are read where they
// stand, and all else that outlives the process, which has a thread of its own.
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { systemRandom } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { LoadedState } from '../../store/loaded-state.ts';
import { openSqliteStores, type StoreTrouble } from '../../store/sqlite/sqlite-stores.ts';
import { openState, type State } from '../../store/sqlite/state.ts';
import { StateKeeper } from '../../store/sqlite/state-keeper.ts';
import type { Stores } from '../../store/stores.ts';

export interface KeptState extends Pick<State, 'users' | 'totp' | 'admins' | 'audit' | 'run'> {
  /** What was told; the thread writes it. */
  readonly alerts: Pick<State['alerts'], 'list'>;
  /** Loads what the process before left, once `isLeft` resolves. Rejects as `openKeptState` throws, or as `isLeft` does. */
  openStores(onTrouble: (trouble: StoreTrouble) => void, isLeft?: Promise<unknown>): Promise<Stores>;
  close(): void;
}

export interface KeptStateParts {
  readonly accounts?: string | undefined;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/**
 * `accounts`: the directory of those, where several processes have one; absent: the same. Throws SbcError `database-unusable`,
 * `database-newer` or `key-file-unusable`.
 */
export function openKeptState(directory: string, { accounts = directory, ...parts }: KeptStateParts): KeptState {
  const state = openState(accounts, { clock: systemClock, random: systemRandom });
  const { users, totp, admins, audit, run } = state;
  const own = accounts === directory ? state : ownState(directory, state);
  const { alerts } = own;
  return {
    users,
    totp,
    admins,
    alerts,
    audit,
    run,
    openStores: (onTrouble, isLeft) =>
      openSqliteStores({
        directory,
        run,
        load: () => load(own, directory),
        onTrouble,
        isLeft,
        ...parts,
      }),
    close: () => {
      if (own !== state) own.close();
      state.close();
    },
  };
}

/** Rejects with SbcError `database-unusable`: the file was opened, and cannot be read, or not be written at the moment. */
async function load(state: State, directory: string): Promise<LoadedState> {
  try {
    return await new StateKeeper(state).load(systemClock.wall());
  } catch (thrown) {
    const file = join(directory, 'portcullis.db');
    throw new SbcError('database-unusable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

/** Of this process alone, for the run that `shared` was opened for. */
function ownState(directory: string, shared: State): State {
  try {
    return openState(directory, { clock: systemClock, random: systemRandom }, shared.run);
  } catch (thrown) {
    shared.close();
    throw thrown;
  }
}
