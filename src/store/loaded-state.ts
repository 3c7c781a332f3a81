// What the process before left, all at once, as whoever kept it hands it over at the start.
import type { BanRecord } from '../policy/bans.ts';
import type { DeviceRecord } from '../policy/devices.ts';
import type { KnownValue } from '../policy/fraud/fraud-store.ts';
import type { Hold } from '../policy/fraud/holds.ts';
import type { BindingRecord } from '../registration/location.ts';
import type { KeptNonces } from '../sip/auth/kept-nonces.ts';
import type { LoadedBudgets } from './budget-ledger.ts';
import type { KeptDocument, LoadedCalls } from './call-store.ts';

export interface LoadedState {
  readonly calls: LoadedCalls;
  readonly subscriptions: readonly KeptDocument[];
  /** By address of record, in their order. */
  readonly bindings: readonly BindingRecord[];
  readonly budgets: LoadedBudgets;
  readonly bans: readonly BanRecord[];
  readonly devices: readonly DeviceRecord[];
  /** Only after an orderly end, and once. */
  readonly nonces: KeptNonces | undefined;
  readonly holds: readonly Hold[];
  /** The oldest first. */
  readonly known: readonly KnownValue[];
}
