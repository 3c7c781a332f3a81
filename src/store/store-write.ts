// What is written down for the process after this one, one change each, as plain records: what a thread, a file or another machine
// is told. Every store turns its calls into these (`written-stores.ts`), and whoever keeps them applies them in their order.
import type { EpochMillis } from '../core/clock.ts';
import type { Notice } from '../observe/alerts/notice.ts';
import type { BanRecord, BanTarget } from '../policy/bans.ts';
import type { DeviceRecord } from '../policy/devices.ts';
import type { KnownValue } from '../policy/fraud/fraud-store.ts';
import type { Hold } from '../policy/fraud/holds.ts';
import type { BindingRecord } from '../registration/location.ts';
import type { KeptNonces } from '../sip/auth/kept-nonces.ts';
import type { KeptBudget, KeptLease } from './budget-ledger.ts';

export type StoreWrite =
  /** It takes the place of an earlier one of that id. The document may hold keys: whoever keeps it seals it. */
  | { readonly kind: 'call'; readonly id: string; readonly document: string }
  | { readonly kind: 'call-gone'; readonly id: string }
  | { readonly kind: 'subscription'; readonly id: string; readonly document: string }
  | { readonly kind: 'subscription-gone'; readonly id: string }
  /** All bindings of that address of record; none removes it. */
  | { readonly kind: 'bindings'; readonly aor: string; readonly bindings: readonly BindingRecord[] }
  | { readonly kind: 'lease'; readonly owner: string; readonly leases: readonly KeptLease[]; readonly at: EpochMillis }
  | { readonly kind: 'spent'; readonly owner: string; readonly spent: readonly KeptBudget[] }
  | { readonly kind: 'ban'; readonly record: BanRecord }
  | { readonly kind: 'ban-lifted'; readonly target: BanTarget }
  | { readonly kind: 'nonces'; readonly nonces: KeptNonces }
  | { readonly kind: 'device'; readonly record: DeviceRecord }
  | { readonly kind: 'device-gone'; readonly id: string }
  | { readonly kind: 'hold'; readonly hold: Hold }
  | { readonly kind: 'hold-gone'; readonly hold: Hold }
  | { readonly kind: 'known'; readonly values: readonly KnownValue[]; readonly oldest: EpochMillis }
  | { readonly kind: 'alert'; readonly notice: Notice };

/** What the stores ask of a `WriteBehind`. */
export interface WriteSink {
  /** It is written soon. */
  put(write: StoreWrite): void;
  /** Resolves when it is written. Rejects where it is not in time; it may be written all the same. */
  durable(write: StoreWrite): Promise<void>;
}

/**
 * Writes with the same key take each other's place: of those that wait only the last counts. Undefined: each counts, and all stay in
 * their order.
 */
export function placeOf(write: StoreWrite): string | undefined {
  switch (write.kind) {
    case 'call':
    case 'call-gone':
      return `call ${write.id}`;
    case 'subscription':
    case 'subscription-gone':
      return `subscription ${write.id}`;
    case 'bindings':
      return `bindings ${write.aor}`;
    case 'ban':
      return banPlace(write.record);
    case 'ban-lifted':
      return banPlace(write.target);
    case 'device':
      return `device ${write.record.id}`;
    case 'device-gone':
      return `device ${write.id}`;
    case 'nonces':
      return 'nonces';
    case 'hold':
    case 'hold-gone':
      return `hold ${write.hold.action} ${write.hold.of ?? ''} ${write.hold.subject}`;
    case 'alert':
      return `alert ${write.notice.id}`;
    case 'lease':
    case 'spent':
    case 'known':
      return undefined;
    default:
      return write satisfies never;
  }
}

/** About how many characters of memory it takes while it waits. */
export function sizeOf(write: StoreWrite): number {
  switch (write.kind) {
    case 'call':
    case 'subscription':
      return write.document.length + smallWrite;
    case 'bindings':
      return (write.bindings.length + 1) * bindingSize;
    case 'nonces':
      return (write.nonces.windows.length + 1) * smallWrite;
    case 'known':
      return (write.values.length + 1) * smallWrite;
    case 'call-gone':
    case 'subscription-gone':
    case 'lease':
    case 'spent':
    case 'ban':
    case 'ban-lifted':
    case 'device':
    case 'device-gone':
    case 'hold':
    case 'hold-gone':
    case 'alert':
      return smallWrite;
    default:
      return write satisfies never;
  }
}

const smallWrite = 256;
const bindingSize = 1_024;

function banPlace({ source, account }: BanTarget): string {
  return `ban ${source} ${account ?? ''}`;
}
