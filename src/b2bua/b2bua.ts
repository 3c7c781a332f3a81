// The room that connects (RFC 7092, a media-plane B2BUA): each INVITE that the gate let pass becomes one `ActiveCall`.

import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { MediaPlane } from '../media/plane/media-plane.ts';
import type { ReservationStore } from '../policy/reservations.ts';
import { parseUri } from '../sip/message/uri.ts';
import type { CallMaker, Identity, IncomingCall } from '../sip/user-agent/session.ts';
import { ActiveCall } from './active-call.ts';
import type { Admissions } from './admission.ts';
import type { CallRecord } from './call-record.ts';
import type { Directory } from './directory.ts';
import { statusReason } from './reason.ts';
import type { Party } from './target.ts';

export interface B2buaLimits {
  /** How long a reservation may take before the attempt is refused. */
  readonly storeDeadline: Millis;
  /** Calls in any state, refused ones until they are over included; beyond it 503. */
  readonly activeCalls: number;
}

export const defaultB2buaLimits: B2buaLimits = { storeDeadline: 2_000, activeCalls: 10_000 };

/** What others are told about calls; compose connects it with records and metrics. */
export interface CallObserver {
  /** Exactly once for each INVITE that the gate let pass. */
  onCallEnded(record: CallRecord): void;
}

export interface B2buaParts {
  readonly userAgent: CallMaker;
  readonly admissions: Pick<Admissions, 'admit'>;
  readonly directory: Pick<Directory, 'mediaOf'>;
  readonly reservations: ReservationStore;
  readonly media: MediaPlane;
  readonly observer: CallObserver;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: B2buaLimits;
}

/** A call as operators see it listed. */
export interface CallView {
  readonly id: string;
  readonly state: string;
  readonly caller: string;
  readonly callee: string | undefined;
  /** Milliseconds since 1970; absent before the answer. */
  readonly answeredAt: number | undefined;
}

export class B2bua {
  readonly #parts: B2buaParts;
  readonly #calls = new Map<string, ActiveCall>();
  #drained: (() => void) | undefined;
  #draining = false;

  constructor(parts: B2buaParts) {
    this.#parts = parts;
  }

  /** Calls that are not over. */
  get active(): number {
    return this.#calls.size;
  }

  onInvite(incoming: IncomingCall): void {
    if (this.#draining || this.#calls.size >= this.#parts.limits.activeCalls) {
      this.#turnAway(incoming, this.#draining ? 'Draining' : 'Overload');
      return;
    }
    const { id, identity, request } = incoming;
    const active = new ActiveCall(this.#parts, incoming, partyOf(identity), dialledPart(request.uri), () => {
      this.#calls.delete(id);
      if (this.#calls.size === 0) this.#drained?.();
    });
    this.#calls.set(id, active);
    this.#parts.logger.info('call-started', { call: id, caller: partyOf(identity).name });
    active.feed({ type: 'started' });
  }

  calls(): readonly CallView[] {
    return Array.from(this.#calls.values(), ({ call }) => ({
      id: call.id,
      state: call.state,
      caller: call.caller.name,
      callee: call.history.callee?.name,
      answeredAt: call.history.answeredAt,
    }));
  }

  /** Ends one call with BYE on both legs. False when there is none of that id. */
  end(id: string): boolean {
    const active = this.#calls.get(id);
    active?.feed({ type: 'end', cause: 'operator' });
    return active !== undefined;
  }

  /** Takes no new calls; resolves when the last one is over. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** The drain deadline: every call still running is ended. */
  endAll(): void {
    for (const active of [...this.#calls.values()]) active.feed({ type: 'end', cause: 'draining' });
  }

  #turnAway(incoming: IncomingCall, text: string): void {
    const retryAfter = 5 + this.#parts.random.below(10);
    incoming.reject(503, { headers: statusReason(503, text).append('Retry-After', String(retryAfter)) });
  }
}

function partyOf(identity: Identity): Party {
  switch (identity.kind) {
    case 'user':
      return { kind: 'user', name: identity.aor };
    case 'trunk':
    case 'pbx':
      return { kind: identity.kind, name: identity.name };
    case 'anonymous':
      return { kind: 'anonymous', name: 'anonymous' };
    default:
      return identity satisfies never;
  }
}

export const maxDialledLength = 128;

/** What was dialled as it came, cut to a length that a record can bear. */
function dialledPart(uri: string): string {
  const parsed = parseUri(uri);
  if (!parsed.ok) return uri.slice(0, maxDialledLength);
  const { value } = parsed;
  const text = value.scheme === 'tel' ? value.number : value.scheme === 'other' ? value.text : (value.user ?? '');
  return text.slice(0, maxDialledLength);
}
