// Transactions and dialogs behind the one API that connect and registration use (RFC 3261 §8, §12–§15).
// A request arrives with the identity that the gate proved; in a dialog it must be the dialog's own.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { sameIdentity } from '../auth/identity.ts';
import { dialogKey, uasDialog } from '../dialog/dialog.ts';
import { defaultSessionTimers, type SessionTimerTerms } from '../dialog/session-timer.ts';
import { essentialsOf, tokens } from '../message/header-fields.ts';
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';
import { defaultSipTimers, type SipTimers } from '../transaction/timers.ts';
import { TransactionLayer } from '../transaction/transaction-layer.ts';
import type { TransactionLimits } from '../transaction/transaction-limits.ts';
import type { ServerTransaction, TransactionUser } from '../transaction/transaction-user.ts';
import { type HopLocator, unresolvedHops } from '../transport/hop-locator.ts';
import type { Destination, Flow, SipTransport } from '../transport/transport.ts';
import { allowedMethods, capabilities, knownMethods, pathTag, supportedExtensions } from './allowed-methods.ts';
import { halfDialogKey } from './event-dialog.ts';
import { FlowWatch } from './flow-watch.ts';
import { type DialogParty, newTag, type UserAgentGround } from './ground.ts';
import { contactUserOf, IncomingInvite } from './incoming-invite.ts';
import { InviteSession } from './invite-session.ts';
import { NotifierDialog } from './notifier-dialog.ts';
import { OutgoingInvite } from './outgoing-invite.ts';
import { sendOutside } from './outside-request.ts';
import type {
  CallMaker,
  ChallengeAnswerer,
  DialogIds,
  EarlyDialog,
  Identity,
  OutgoingCall,
  OutgoingCallHandlers,
  OutgoingCallOptions,
  OutsideRequester,
  OutsideRequestHandlers,
  OutsideRequestOptions,
  Session,
  SessionHandlers,
  SessionSnapshot,
  UserAgentEvents,
} from './session.ts';
import { tooShort } from './session-refresh.ts';
import { SubscriberDialog } from './subscriber-dialog.ts';
import type {
  IncomingSubscriptionHandlers,
  OutgoingSubscriptionHandlers,
  OutgoingSubscriptionOptions,
  SubscriberSnapshot,
  SubscriptionMaker,
} from './subscriptions.ts';

export interface UserAgentOptions {
  readonly transport: SipTransport;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: UserAgentEvents;
  readonly timers?: SipTimers;
  readonly limits?: TransactionLimits;
  /** How long a next hop that has an INVITE of ours may say nothing (RFC 3261 §16.6); absent: that of `timers`. */
  readonly timerC?: () => Millis;
  /** Asked when it matters, since it may change; absent: the default, undefined: none. */
  readonly sessionTimers?: () => SessionTimerTerms | undefined;
  /** Finds next hops; absent: each is taken as it is. */
  readonly locator?: HopLocator;
  /** What answers challenges of a configured peer, for sessions of an earlier process: their credentials are kept by nobody. */
  readonly credentialsOf?: (peer: Identity) => ChallengeAnswerer | undefined;
  /** Extensions that requests may require beside ours, as policy has it at the moment. */
  readonly supports?: (extension: string) => boolean;
  /** What tags and branches of ours begin with, where processes share listeners; absent: nothing. */
  readonly mark?: string | undefined;
}

export class UserAgent implements CallMaker, OutsideRequester, SubscriptionMaker {
  readonly layer: TransactionLayer;
  readonly #ground: UserAgentGround;
  readonly #events: UserAgentEvents;
  readonly #supports: (extension: string) => boolean;
  readonly #credentialsOf: (peer: Identity) => ChallengeAnswerer | undefined;
  /** INVITEs without a final answer, by transaction. */
  readonly #incoming = new Map<string, IncomingInvite>();
  /** Who sent a request, from the gate until the transaction layer hands the request up. */
  readonly #proven = new WeakMap<SipRequest, Identity>();

  constructor(options: UserAgentOptions) {
    const { transport, scheduler, random, logger } = options;
    const { timers = defaultSipTimers, mark = '' } = options;
    const user: TransactionUser = {
      onRequest: (request, transaction) => this.#onRequest(request, transaction),
      onCancel: (invite, cancel) => this.#onCancel(invite, cancel),
      onAck: (ack, flow) => this.#onAck(ack, flow),
      onStrayResponse: (response) => this.#onStray(response),
    };
    this.#events = options.events;
    this.#supports = options.supports ?? (() => false);
    this.#credentialsOf = options.credentialsOf ?? (() => undefined);
    this.layer = new TransactionLayer({
      transport,
      scheduler,
      random,
      mark,
      logger,
      user,
      timers,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    const { locator = unresolvedHops } = options;
    this.#ground = {
      layer: this.layer,
      transport,
      scheduler,
      random,
      mark,
      logger,
      sessionTimers: options.sessionTimers ?? ((): SessionTimerTerms => defaultSessionTimers),
      timers,
      timerC: options.timerC ?? ((): Millis => timers.timerC),
      locator,
      dialogs: new Map(),
      flowWatch: new FlowWatch(),
      invites: new Map(),
    };
  }

  /** What a 200 to OPTIONS tells. */
  get capabilities(): Headers {
    return capabilities(this.#ground.sessionTimers());
  }

  /** Dialogs, early ones of callers included. */
  get dialogs(): number {
    return this.#ground.dialogs.size;
  }

  /** A request that the gate let pass, with whom it was proven to come from. */
  receive(request: SipRequest, flow: Flow, identity: Identity): void {
    this.#proven.set(request, identity);
    this.layer.receive(request, flow);
  }

  receiveResponse(response: SipResponse, flow: Flow): void {
    this.layer.receive(response, flow);
  }

  /** Who a request comes from when it belongs to a dialog and arrived over that dialog's own flow; the gate asks. */
  knowsDialog(request: SipRequest, flow: Flow): Identity | undefined {
    const party = this.#partyOf(request);
    return party?.flow?.id === flow.id ? party.peer : undefined;
  }

  /** Whom the dialog that a request is inside of is with, over whatever flow it came: not who sent it. */
  peerOf(request: SipRequest): Identity | undefined {
    return this.#partyOf(request)?.peer;
  }

  invite(options: OutgoingCallOptions, handlers: OutgoingCallHandlers): OutgoingCall {
    return new OutgoingInvite(this.#ground, options, handlers);
  }

  sessionOf(callId: string, localTag: string, remoteTag: string, peer: Identity): Session | undefined {
    const party = this.#ground.dialogs.get(dialogKey(callId, localTag, remoteTag));
    return party instanceof InviteSession && sameIdentity(party.peer, peer) ? party : undefined;
  }

  earlyOf({ callId, localTag, remoteTag }: DialogIds, asker: Identity): EarlyDialog | undefined {
    const invite = this.#ground.invites.get(halfDialogKey(callId, localTag));
    if (invite?.rings(remoteTag) !== true) return undefined;
    return { outgoing: invite.id, isOfAsker: sameIdentity(invite.peer, asker) };
  }

  /** A request outside a dialog that makes none: REGISTER, OPTIONS, MESSAGE. */
  request(options: OutsideRequestOptions, handlers: OutsideRequestHandlers): void {
    sendOutside(this.#ground, options, handlers);
  }

  subscribed(
    request: SipRequest,
    transaction: ServerTransaction,
    { identity, ...rest }: Parameters<SubscriptionMaker['subscribed']>[2],
  ): NotifierDialog | undefined {
    const dialog = uasDialog(request, newTag(this.#ground));
    if (!dialog.ok) {
      this.#ground.logger.warn('subscribe-refused', { reason: dialog.error });
      transaction.respond(this.#final(request, 400));
      return undefined;
    }
    const contactUser = contactUserOf(request);
    const { flow } = transaction;
    const begun = { request, answer: (response: SipResponse) => transaction.respond(response) };
    return new NotifierDialog(this.#ground, { flow, begun, state: dialog.value, identity, contactUser, ...rest });
  }

  resumeSubscriber(
    { v: _, dialog: state, ...rest }: SubscriberSnapshot,
    seconds: number,
    handlers: IncomingSubscriptionHandlers,
  ): NotifierDialog {
    return new NotifierDialog(this.#ground, { ...rest, state, begun: seconds, handlers });
  }

  subscribe(options: OutgoingSubscriptionOptions, handlers: OutgoingSubscriptionHandlers): SubscriberDialog {
    return new SubscriberDialog(this.#ground, options, handlers);
  }

  contactFor(destination: Destination, user?: string): string {
    return this.#ground.transport.contactFor(destination, user);
  }

  /** A user came back over another flow: its dialogs on the old one go on over the new one (RFC 5626 §5.3). How many those are. */
  moveDialogs(oldFlowId: string, flow: Flow, identity: Identity): number {
    let moved = 0;
    for (const party of this.#ground.dialogs.values()) {
      if (party.flow?.id !== oldFlowId || !sameIdentity(party.peer, identity)) continue;
      party.rehome(flow);
      moved += 1;
    }
    return moved;
  }

  restore({ v: _, timer, ...parts }: SessionSnapshot, handlers: SessionHandlers): Session {
    const credentials = this.#credentialsOf(parts.peer);
    return new InviteSession(this.#ground, { ...parts, timer, credentials, isResumed: true }, handlers);
  }

  /** A flow is gone: calls that were not answered on it are over, and so are subscriptions. Running ones wait for their phone to come back. */
  flowClosed(flow: Flow): void {
    for (const invite of [...this.#incoming.values()]) if (invite.flow.id === flow.id) invite.flowLost();
    this.#ground.flowWatch.closed(flow.id);
  }

  /** Forgets every transaction and dialog without sending anything: the process ends. */
  shutdown(): void {
    this.layer.shutdown();
    for (const party of [...this.#ground.dialogs.values()]) if (party instanceof InviteSession) party.abandon();
    this.#ground.dialogs.clear();
    this.#ground.invites.clear();
  }

  #onRequest(request: SipRequest, transaction: ServerTransaction): void {
    const identity = this.#proven.get(request) ?? { kind: 'anonymous' };
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      transaction.respond(refusal);
    } else if (essentialsOf(request).toTag !== undefined) {
      this.#onDialogRequest(request, transaction, identity);
    } else if (request.method === 'INVITE') {
      this.#onInvite(request, transaction, identity);
    } else if (request.method === 'BYE') {
      transaction.respond(this.#final(request, 481));
    } else {
      this.#events.onRequest(request, transaction, identity);
    }
  }

  /** §8.2.1, §8.2.2: what no owner needs to see. */
  #refusal(request: SipRequest): SipResponse | undefined {
    if (!knownMethods.has(request.method)) {
      return this.#final(request, 405, Headers.of(['Allow', allowedMethods]));
    }
    const ours = supportedExtensions(this.#ground.sessionTimers());
    const required = tokens(request.headers, 'Require').filter((tag) => {
      const extension = tag.toLowerCase();
      if (extension === pathTag && request.method === 'REGISTER') return false;
      return !ours.includes(extension) && !this.#supports(extension);
    });
    if (required.length === 0) return undefined;
    return this.#final(request, 420, Headers.of(['Unsupported', required.join(', ')]));
  }

  #onInvite(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const short = tooShort(request, this.#ground.sessionTimers());
    if (short !== undefined) {
      transaction.respond(this.#final(request, short.status, short.headers));
      return;
    }
    const dialog = uasDialog(request, newTag(this.#ground));
    if (!dialog.ok) {
      this.#ground.logger.warn('invite-refused', { reason: dialog.error });
      transaction.respond(this.#final(request, 400));
      return;
    }
    const invite = new IncomingInvite(this.#ground, transaction, identity, dialog.value, contactUserOf(request));
    this.#incoming.set(transaction.id, invite);
    const onClosed = (): void => void this.#incoming.delete(transaction.id);
    invite.onClosed = onClosed;
    try {
      this.#events.onInvite(invite);
    } catch (thrown) {
      invite.reject(500);
      throw thrown;
    }
  }

  #onCancel({ id, request }: ServerTransaction, cancel: SipRequest): void {
    const invite = this.#incoming.get(id);
    if (invite !== undefined) invite.cancelled(cancel);
    else this.#partyOf(request)?.onCancel(request);
  }

  /** Same identity, or 481 as if there were no such dialog: a stranger learns nothing. A new flow re-homes the dialog. */
  #onDialogRequest(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const party = this.#partyOf(request);
    if (party === undefined || !sameIdentity(party.peer, identity)) {
      if (party !== undefined) this.#ground.logger.warn('dialog-request-of-another', { method: request.method });
      transaction.respond(this.#final(request, 481));
      return;
    }
    if (party.flow?.id !== transaction.flow.id) party.rehome(transaction.flow);
    party.onRequest(request, (response) => {
      const headers = Headers.of(...response.headers.entries(), ...party.carried.entries());
      transaction.respond({ ...response, headers });
    });
  }

  #onAck(ack: SipRequest, flow: Flow): void {
    const party = this.#partyOf(ack);
    const identity = this.#proven.get(ack);
    if (party === undefined) return;
    if (party.flow?.id === flow.id || (identity !== undefined && sameIdentity(party.peer, identity))) party.onAck(ack);
  }

  /** A 2xx that outlived its transaction: acknowledged again when it is ours, else left alone. */
  #onStray(response: SipResponse): void {
    const { callId, fromTag, toTag } = essentialsOf(response);
    const party = this.#ground.dialogs.get(dialogKey(callId, fromTag ?? '', toTag ?? ''));
    if (party instanceof InviteSession) party.ackAgain(response);
  }

  #partyOf(request: SipRequest): DialogParty | undefined {
    const { callId, fromTag, toTag } = essentialsOf(request);
    if (toTag === undefined) return undefined;
    const party = this.#ground.dialogs.get(dialogKey(callId, toTag, fromTag ?? ''));
    if (party !== undefined || request.method !== 'NOTIFY') return party;
    // It may come before the 2xx that it notifies of (RFC 6665 §4.4.1).
    return this.#ground.dialogs.get(halfDialogKey(callId, toTag));
  }

  #final(request: SipRequest, status: number, headers = Headers.empty): SipResponse {
    return responseTo(request, status, { toTag: newTag(this.#ground), headers });
  }
}
