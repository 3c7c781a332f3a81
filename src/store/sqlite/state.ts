// What `state_dir` holds for one process: the database, and the keys without which its credentials say nothing.
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { type Random, token } from '../../core/random.ts';
import { openKeyFile } from '../key-file.ts';
import { SqliteAdminStore } from './admin-store.ts';
import { SqliteAlertJournal } from './alert-journal.ts';
import { AppliedBatches } from './applied-batches.ts';
import { SqliteAuditLog } from './audit-log.ts';
import { SqliteBanStore } from './ban-store.ts';
import { SqliteBudgetLedger } from './budget-ledger.ts';
import { SqliteCallStore } from './call-store.ts';
import { StateDatabase } from './database.ts';
import { SqliteDeviceStore } from './device-store.ts';
import { SqliteFraudStore } from './fraud-store.ts';
import { SqliteLocationStore } from './location-store.ts';
import { SqliteNonceStore } from './nonce-store.ts';
import { SqliteSubscriptionStore } from './subscription-store.ts';
import { SqliteTotpStore } from './totp-store.ts';
import { SqliteUserStore } from './user-store.ts';

export interface State {
  /** The name of this run of the process. */
  readonly run: string;
  readonly users: SqliteUserStore;
  readonly locations: SqliteLocationStore;
  readonly bans: SqliteBanStore;
  readonly devices: SqliteDeviceStore;
  readonly nonces: SqliteNonceStore;
  readonly totp: SqliteTotpStore;
  readonly admins: SqliteAdminStore;
  readonly budgets: SqliteBudgetLedger;
  readonly fraud: SqliteFraudStore;
  readonly calls: SqliteCallStore;
  readonly subscriptions: SqliteSubscriptionStore;
  readonly alerts: SqliteAlertJournal;
  readonly audit: SqliteAuditLog;
  readonly applied: AppliedBatches;
  /** Passwords, present and former, and secrets of one-time codes, that an older key had sealed. */
  readonly sealedAgain: number;
  close(): void;
}

/**
 * Opens `directory`, making what is missing; `run` is the name of the run that it is opened for, a new one where it is absent. What an older
 * key had sealed is left to whoever began the run. Throws SbcError `database-unusable`, `database-newer` or `key-file-unusable`.
 */
export function openState(
  directory: string,
  parts: { readonly clock: Clock; readonly random: Random },
  run?: string,
): State {
  const keys = openKeyFile(join(directory, 'keys'), parts.random);
  const database = StateDatabase.open(join(directory, 'portcullis.db'));
  try {
    const users = new SqliteUserStore({ ...parts, database, keys });
    const totp = new SqliteTotpStore({ ...parts, database, keys });
    const admins = new SqliteAdminStore({ ...parts, database, totp });
    const sealedAgain = run === undefined ? users.sealAgain() + totp.sealAgain() : 0;
    database.shrink();
    const name = run ?? token(parts.random, 8);
    const locations = new SqliteLocationStore(database, name);
    const calls = new SqliteCallStore(database, { run: name, keys, random: parts.random });
    const subscriptions = new SqliteSubscriptionStore(database);
    const bans = new SqliteBanStore(database, parts.clock);
    const devices = new SqliteDeviceStore(database);
    const nonces = new SqliteNonceStore(database);
    const budgets = new SqliteBudgetLedger(database);
    const fraud = new SqliteFraudStore(database);
    const alerts = new SqliteAlertJournal(database);
    const audit = new SqliteAuditLog(database, parts.clock);
    const applied = new AppliedBatches(database, name);
    return {
      run: name,
      users,
      locations,
      bans,
      devices,
      nonces,
      totp,
      admins,
      budgets,
      fraud,
      calls,
      subscriptions,
      alerts,
      audit,
      applied,
      sealedAgain,
      close: () => database.close(),
    };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
