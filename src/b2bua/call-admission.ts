// How a call is let in: what the INVITE asks for (a number, or the place of another dialog), where redirects may lead it, and the way
// that it has come, since from the same sender to the same number a second time is a loop (RFC 3261 §16.3 step 4), and so are many that
// nothing tells apart. Each answer is a later input of the call.
import { essentialsOf } from '../sip/message/header-fields.ts';
import type { SipRequest } from '../sip/message/message.ts';
import type { IncomingCall } from '../sip/user-agent/session.ts';
import type { AdmissionOutcome, WayIn } from './admission/admission-parts.ts';
import { refusals } from './admission/admission-refusals.ts';
import type { Setup } from './admission/repeated-setups.ts';
import type { AdmittedCall, B2buaParts } from './b2bua-parts.ts';
import type { Admission, CallInput, CallOutput } from './call/call-event.ts';
import { type CallPath, pathNameOf, type Visit } from './call-paths.ts';
import type { TransferHost, TransferOrigin } from './call-transfer.ts';
import { defaultMaxForwards } from './headers/forwards.ts';
import { privacyOf } from './headers/privacy.ts';
import { redirected } from './redirection.ts';
import { partyOf } from './routing/party.ts';
import type { ReplacedHalf } from './transfer/replaced-half.ts';
import { passedOn } from './transfer/replacement.ts';

export type CallAdmissionParts = Pick<B2buaParts, 'admissions' | 'directory' | 'observer'>;

/** The call, as far as it is let in here. */
export interface AdmissionOwner {
  readonly id: string;
  /** Undefined: an earlier process has answered it, and nothing is decided any more. */
  readonly incoming: IncomingCall | undefined;
  readonly from: TransferOrigin | undefined;
  /** False once the caller has given up. */
  readonly isWanted: () => boolean;
  readonly feed: (input: CallInput) => void;
  /** A leg of another call is to be this one's. */
  readonly takesHalf: (half: ReplacedHalf) => void;
}

export class CallAdmission {
  readonly #parts: CallAdmissionParts;
  readonly #host: TransferHost;
  readonly #owner: AdmissionOwner;
  /** Names by which the call is known when it comes back. */
  readonly #noted: string[] = [];
  #path: CallPath = [];
  /** Until it is answered. */
  #setup: Setup | undefined;
  /** Another node asks, on behalf of a user who is somewhere else. */
  #isAskedFor = false;

  constructor(parts: CallAdmissionParts, host: TransferHost, owner: AdmissionOwner) {
    this.#parts = parts;
    this.#host = host;
    this.#owner = owner;
  }

  admit(): void {
    const { incoming, from, takesHalf } = this.#owner;
    if (incoming === undefined) return;
    const { request, identity, flow, id } = incoming;
    // The flow of a transfer is that of the leg that stays; of where the referrer is was asked when its REFER came in.
    const way: WayIn =
      from === undefined
        ? { listener: flow.listener, call: id, from: { flow } }
        : { listener: from.listener ?? flow.listener, call: id, from: 'asked' };
    const { admissions } = this.#parts;
    const replacement = this.#host.replacement(request, identity, from?.call);
    if (replacement.kind === 'none') {
      void admissions.admit(request, identity, way).then((outcome) => this.#decided(outcome));
    } else if (replacement.kind === 'matched') {
      const { replaced, asker } = replacement;
      const { leg, half } = replaced;
      takesHalf(half);
      // Where somebody is who has another node ask was asked there.
      const came: WayIn = asker === identity ? way : { ...way, from: 'asked' };
      this.#isAskedFor = asker !== identity;
      void admissions.admitStanding(request, asker, came, leg).then((outcome) => this.#decided(outcome));
    } else if (replacement.kind === 'unknown' && identity.kind === 'pbx' && from !== undefined) {
      const dialog = { pbx: identity.name, replaces: request.headers.get('Replaces') ?? '' };
      void admissions.admit(request, identity, way).then((outcome) => this.#decided(passedOn(outcome, dialog)));
    } else if (replacement.kind === 'foreign') {
      const { dialog } = replacement;
      void admissions.admit(request, identity, way).then((outcome) => this.#decided(passedOn(outcome, dialog)));
    } else if (replacement.kind === 'elsewhere') {
      const { dialog } = replacement;
      void admissions.admitElsewhere(request, identity, way, dialog).then((outcome) => this.#decided(outcome));
    } else {
      this.#decided({ kind: 'refused', refusal: replacement.refusal, trace: [] });
    }
  }

  redirect(redirect: Extract<CallOutput, { type: 'redirect' }>): void {
    const { incoming, feed } = this.#owner;
    if (incoming === undefined) return;
    void redirected(this.#parts, incoming, redirect).then(({ admissions, trace, refusals: codes }) => {
      const { leg, by } = redirect;
      for (const code of codes) this.#parts.observer.onRedirectRefused(incoming, partyOf(by), code);
      feed({ type: 'redirected', leg, admissions, trace });
    });
  }

  /** The call goes where a redirect led. */
  follow(admission: Admission): void {
    const { incoming } = this.#owner;
    if (incoming !== undefined) this.#parts.observer.onRedirected(incoming, admission);
  }

  /** A dialog of the call is begun. */
  onDialog(callId: string): void {
    this.#parts.observer.onDialog(this.#owner.id, callId);
    this.#cameBy(callId);
  }

  /** What may be many at once are calls that talk, not those that ring. */
  answered(): void {
    if (this.#setup !== undefined) this.#host.setups.end(this.#setup);
    this.#setup = undefined;
  }

  /** The call is over. */
  forget(): void {
    this.answered();
    for (const name of this.#noted) this.#host.paths.forget(name, this.#path);
  }

  #decided(decided: AdmissionOutcome): void {
    const outcome = this.#unlessLoop(decided);
    const { incoming, isWanted, feed } = this.#owner;
    // A caller who gave up meanwhile is no call any more, and nothing may be kept of it.
    if (outcome.kind === 'admitted' && isWanted() && incoming !== undefined)
      this.#parts.observer.onAdmitted(this.#admitted(incoming), outcome.admission);
    feed(
      outcome.kind === 'admitted'
        ? { type: 'admitted', admission: outcome.admission }
        : { type: 'refused', refusal: outcome.refusal, trace: outcome.trace },
    );
  }

  #admitted({ id, request, identity, flow }: IncomingCall): AdmittedCall {
    const isOwnFlow = this.#owner.from === undefined && !this.#isAskedFor;
    return { id, request, identity, flow: isOwnFlow ? flow : undefined };
  }

  #unlessLoop(outcome: AdmissionOutcome): AdmissionOutcome {
    const canonical = outcome.kind === 'admitted' ? outcome.admission.canonical : undefined;
    const { incoming } = this.#owner;
    if (outcome.kind === 'refused' || canonical === undefined || incoming === undefined) return outcome;
    // What is over already must leave no trace of its way.
    if (!this.#owner.isWanted()) return outcome;
    const { id, request, identity } = incoming;
    const { kind, name } = partyOf(identity);
    const step = `${kind}:${name} to ${canonical}`;
    const hops = essentialsOf(request).maxForwards ?? defaultMaxForwards;
    const path = this.#host.paths.extended(request, { step, hops }, kind === 'pbx');
    if (path === undefined) {
      return { kind: 'refused', refusal: refusals.looped(step), trace: outcome.admission.trace };
    }
    // A user has a cap of its own, which is low.
    const setup = kind === 'user' ? undefined : setupOf(request, { step, hops });
    const most = this.#parts.directory.methodPolicy().identicalSetups;
    if (setup !== undefined && !this.#parts.admissions.isEmergency(request, identity)) {
      if (!this.#host.setups.begin(setup, most)) {
        return { kind: 'refused', refusal: refusals.repeated(setup.what), trace: outcome.admission.trace };
      }
      this.#setup = setup;
    }
    this.#path = path;
    if (kind === 'user') this.#cameBy(id);
    const session = pathNameOf(request.headers);
    if (session !== undefined) this.#cameBy(session);
    return outcome;
  }

  #cameBy(name: string): void {
    this.#noted.push(name);
    this.#host.paths.note(name, this.#path);
  }
}

function setupOf(request: SipRequest, { step, hops }: Visit): Setup {
  const { hidesCaller, isAnonymous } = privacyOf(request);
  const { uri } = essentialsOf(request).from;
  const caller = uri.scheme === 'tel' ? uri.number : uri.scheme === 'other' ? undefined : uri.user;
  // Whoever shows a word, such as unavailable or restricted, looks like everybody else who does.
  const isNamed = !hidesCaller && !isAnonymous && caller !== undefined && isNumber(caller);
  return { what: `${step} by ${isNamed ? caller : 'nobody known'}`, hops, isNamed };
}

/** Digits with the signs that are written between them. */
function isNumber(caller: string): boolean {
  return /^\+?[0-9][0-9.()-]*$/.test(caller);
}
