// Which INVITEs were passed on because they would replace another process's dialog (RFC 3891): a CANCEL says no more of whose it is than
// the branch of what it cancels (RFC 3261 §9.1). Nobody has judged those INVITEs yet, so they speak for CANCELs of their own source alone
// (`isSameSource`), and no source has more of them than its share.
import { createHash } from 'node:crypto';
import type { Clock, Millis } from '../../core/clock.ts';
import { sourceBlock } from '../../core/ip-address.ts';
import { essentials } from '../message/header-fields.ts';
import type { SipMessage } from '../message/message.ts';
import { serverKey } from '../transaction/key.ts';
import type { Flow } from './transport.ts';

export const setupLimits = {
  /** At a time; beyond it the oldest is not known any more. */
  setups: 2_000,
  /** Of one source (`sourceBlock`); beyond it the oldest of that source is not known any more. */
  ofSource: 200,
  /** An INVITE is answered within this, or somebody else gives it up (RFC 3261 §16.6 step 11, timer C). */
  longest: 300_000,
} as const satisfies { setups: number; ofSource: number; longest: Millis };

interface Setup {
  readonly owner: number;
  readonly source: string;
  readonly until: Millis;
}

export class PassedSetups {
  readonly #clock: Clock;
  /** By source and transaction, the oldest first. */
  readonly #setups = new Map<string, Setup>();
  /** Names of those of each source, the oldest first. */
  readonly #sources = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An INVITE outside a dialog went to that process; of anything else nothing is kept. */
  passed(message: SipMessage, flow: Flow, owner: number): void {
    const name = nameOf(message, 'INVITE', flow);
    if (name === undefined) return;
    const now = this.#clock.now();
    const source = sourceBlock(flow.remote.address);
    this.#forget(name);
    this.#setups.set(name, { owner, source, until: now + setupLimits.longest });
    const ofSource = this.#sources.get(source) ?? new Set();
    this.#sources.set(source, ofSource.add(name));
    const [first] = ofSource;
    if (ofSource.size > setupLimits.ofSource && first !== undefined) this.#forget(first);
    for (const [oldest, { until }] of this.#setups) {
      if (until > now && this.#setups.size <= setupLimits.setups) break;
      this.#forget(oldest);
    }
  }

  /** Of a CANCEL. */
  ownerOf(message: SipMessage, flow: Flow): number | undefined {
    const name = nameOf(message, 'CANCEL', flow);
    const setup = name === undefined ? undefined : this.#setups.get(name);
    return setup !== undefined && setup.until > this.#clock.now() ? setup.owner : undefined;
  }

  #forget(name: string): void {
    const source = this.#setups.get(name)?.source;
    if (source === undefined) return;
    this.#setups.delete(name);
    const ofSource = this.#sources.get(source);
    ofSource?.delete(name);
    if (ofSource?.size === 0) this.#sources.delete(source);
  }
}

/**
 * Of the INVITE's transaction and what `isSameSource` compares; undefined for a request of another method, or in a dialog. Short, whatever
 * its sender wrote.
 */
function nameOf(message: SipMessage, method: 'INVITE' | 'CANCEL', flow: Flow): string | undefined {
  if (message.kind !== 'request' || message.method !== method) return undefined;
  const read = essentials(message);
  if (!read.ok || read.value.toTag !== undefined) return undefined;
  const key = `${flow.listener}\n${flow.remote.address}\n${serverKey(message, read.value, 'INVITE')}`;
  return createHash('sha256').update(key).digest('base64');
}
