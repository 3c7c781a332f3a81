// What the B2BUA is made of and what bounds it; compose supplies it, every call uses it.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { MediaPlane } from '../media/plane/media-plane.ts';
import type { HeaderCapture, MediaLimit } from '../media/plane/messages.ts';
import type { ReservationStore } from '../policy/reservations.ts';
import type { RefusalCode } from '../policy/verdict.ts';
import type { CallMaker, Flow, IncomingCall } from '../sip/user-agent/session.ts';
import type { Admissions } from './admission/admission.ts';
import type { ElsewhereDialog } from './admission/elsewhere-admission.ts';
import type { Admission } from './call/call-event.ts';
import type { CallRecord } from './call/call-record.ts';
import type { Directory } from './routing/directory.ts';
import type { Party } from './routing/target.ts';

export interface B2buaLimits {
  /** How long a reservation may take before the attempt is refused. */
  readonly storeDeadline: Millis;
  /** Calls in any state, refused ones until they are over included; beyond it 503. */
  readonly activeCalls: number;
}

export const defaultB2buaLimits: B2buaLimits = { storeDeadline: 2_000, activeCalls: 10_000 };

/** A call that policy lets happen, as others are told of it. `flow`: what the caller asked for it over; undefined: nothing tells where it is. */
export interface AdmittedCall extends Pick<IncomingCall, 'id' | 'request' | 'identity'> {
  readonly flow: Flow | undefined;
}

/** What others are told about calls; compose connects it with records and metrics. */
export interface CallObserver {
  /** A dialog of that call begins; with its Call-ID on the wire. */
  onDialog(call: string, callId: string): void;
  /** Policy lets a call happen that still wants to; slots are not taken yet. It may be ended from here. */
  onAdmitted(call: AdmittedCall, admission: Admission): void;
  /** A redirect leads it on, as a call of whoever is charged for that. It may be ended from here. */
  onRedirected(call: Pick<IncomingCall, 'id' | 'request'>, admission: Admission): void;
  /** Where `by` redirects it, it may not go. */
  onRedirectRefused(call: Pick<IncomingCall, 'id'>, by: Party, code: RefusalCode): void;
  /** A peer sends more media than it may; once for each of its media lines. `party` is known once the call is answered. */
  onMediaFlood(call: string, party: Party | undefined, limit: MediaLimit): void;
  /** Nothing comes from a peer while the other one is heard; once for each of its media lines. `party` as above: who is silent. */
  onOneWayAudio(call: string, party: Party | undefined): void;
  /** It is on its way to somebody, or answered: what is known of it is worth keeping. */
  onReached(call: string, state: 'trying' | 'connected'): void;
  /** The headers of its first media packets, when its media is closed; nothing where none were noted. */
  onCaptured(call: string, captures: readonly HeaderCapture[]): void;
  /** Exactly once for each INVITE that the gate let pass. */
  onCallEnded(record: CallRecord): void;
}

export interface B2buaParts {
  readonly userAgent: CallMaker;
  readonly admissions: Pick<Admissions, 'admit' | 'admitStanding' | 'admitElsewhere' | 'isEmergency'>;
  readonly directory: Pick<Directory, 'mediaOf' | 'methodPolicy' | 'isOurs' | 'mayPickUp' | 'nodeOf'>;
  /** The PBX that told that user of a dialog, and the Call-ID that it has there; undefined: nobody did. */
  readonly toldDialog: (aor: string, callId: string) => { readonly pbx: string; readonly callId: string } | undefined;
  /** The other node whose tag it is (another process of this machine, too), as a contact; undefined: this one's, or nobody's. */
  readonly nodeOfTag: (tag: string) => ElsewhereDialog['contactOf'] | undefined;
  readonly reservations: ReservationStore;
  readonly media: MediaPlane;
  readonly observer: CallObserver;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: B2buaLimits;
}
