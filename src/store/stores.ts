// All that outlives the process, as the rooms see it. Whoever keeps it (a file, another machine) is opened with everything that a decision
// needs in memory, so that `load` and what else is read answers at once; what is written goes there behind the decision.

import type { AlertJournal } from '../observe/alerts/alerts.ts';
import type { StoreFigures } from '../observe/store-metrics.ts';
import type { BanStore } from '../policy/bans.ts';
import type { DeviceStore } from '../policy/devices.ts';
import type { FraudStore } from '../policy/fraud/fraud-store.ts';
import type { RestorableReservations } from '../policy/reservations.ts';
import type { LocationStore } from '../registration/location.ts';
import type { NonceStore } from '../sip/auth/kept-nonces.ts';
import type { BudgetLedger } from './budget-ledger.ts';
import type { CallStore } from './call-store.ts';
import type { SubscriptionStore } from './subscription-store.ts';

export interface Stores {
  readonly calls: CallStore;
  readonly subscriptions: SubscriptionStore;
  readonly locations: LocationStore;
  readonly budgets: BudgetLedger;
  readonly bans: BanStore;
  readonly devices: DeviceStore;
  readonly nonces: NonceStore;
  readonly fraud: FraudStore;
  readonly alerts: AlertJournal;
  /** Caps that count beyond this process; absent: it counts by itself. */
  readonly reservations?: RestorableReservations;
  /** What metrics show of it. */
  readonly figures: StoreFigures;
  /**
   * Resolves when all that was written before is kept, or could not be when it was tried. Whoever keeps it has then opened what it keeps it in,
   * and holds it open: another version of the program may come for it.
   */
  flush(): Promise<void>;
  /** Flushes, and closes whatever is open. */
  close(): Promise<void>;
}
