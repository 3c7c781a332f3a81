// Which INVITEs were passed on because they would replace another process's dialog (RFC 3891): a CANCEL says no more of whose it is than
// the branch of what it cancels (RFC 3261 §9.1).
import type { Clock, Millis } from '../../core/clock.ts';
import { essentials } from '../message/header-fields.ts';
import type { SipMessage } from '../message/message.ts';
import { serverKey } from '../transaction/key.ts';

export const setupLimits = {
  /** At a time; beyond it the oldest is not known any more. */
  setups: 2_000,
  /** An INVITE is answered within this, or somebody else gives it up (RFC 3261 §16.6 step 11, timer C). */
  longest: 300_000,
} as const satisfies { setups: number; longest: Millis };

interface Setup {
  readonly owner: number;
  readonly until: Millis;
}

export class PassedSetups {
  readonly #clock: Clock;
  /** By the transaction, the oldest first. */
  readonly #setups = new Map<string, Setup>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An INVITE outside a dialog went to that process; of anything else nothing is kept. */
  passed(message: SipMessage, owner: number): void {
    const key = keyOf(message, 'INVITE');
    if (key === undefined) return;
    const now = this.#clock.now();
    this.#setups.delete(key);
    this.#setups.set(key, { owner, until: now + setupLimits.longest });
    for (const [oldest, { until }] of this.#setups) {
      if (until > now && this.#setups.size <= setupLimits.setups) break;
      this.#setups.delete(oldest);
    }
  }

  /** Of a CANCEL. */
  ownerOf(message: SipMessage): number | undefined {
    const key = keyOf(message, 'CANCEL');
    const setup = key === undefined ? undefined : this.#setups.get(key);
    return setup !== undefined && setup.until > this.#clock.now() ? setup.owner : undefined;
  }
}

/** Of the INVITE's transaction; undefined for a request of another method, or in a dialog. */
function keyOf(message: SipMessage, method: 'INVITE' | 'CANCEL'): string | undefined {
  if (message.kind !== 'request' || message.method !== method) return undefined;
  const read = essentials(message);
  if (!read.ok || read.value.toTag !== undefined) return undefined;
  return serverKey(message, read.value, 'INVITE');
}
