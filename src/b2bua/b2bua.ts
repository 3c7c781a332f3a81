// The room that connects (RFC 7092, a media-plane B2BUA): each INVITE that the gate let pass becomes one `ActiveCall`.

import type { HeaderCapture } from '../media/plane/messages.ts';
import type { Refusal } from '../policy/verdict.ts';
import type { SipRequest } from '../sip/message/message.ts';
import { parseUri } from '../sip/message/uri.ts';
import type { Identity, IncomingCall } from '../sip/user-agent/session.ts';
import { ActiveCall } from './active-call.ts';
import type { ActiveCallSnapshot, CallStamp } from './active-call-snapshot.ts';
import { tokenHeader } from './admission/charging.ts';
import { RepeatedSetups } from './admission/repeated-setups.ts';
import type { B2buaParts } from './b2bua-parts.ts';
import type { Instant } from './call/call-event.ts';
import { type CallHalf, halfOf } from './call/call-half.ts';
import { CallHistory, type HistorySnapshot } from './call/call-history.ts';
import type { MediaRecord } from './call/call-record.ts';
import { statusReason } from './call/reason.ts';
import { CallPaths } from './call-paths.ts';
import type { TransferHost, TransferOrigin } from './call-transfer.ts';
import { Replacements } from './replacements.ts';
import { partyOf } from './routing/party.ts';
import type { Party } from './routing/target.ts';
import type { Replacement } from './transfer/replacement.ts';
import type { Transfer } from './transfer/transfer.ts';

/** A call as operators see it listed. */
export interface CallView {
  readonly id: string;
  readonly state: string;
  readonly caller: string;
  /** As it came. */
  readonly dialled: string;
  readonly callee: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds since 1970; absent before the answer. */
  readonly answeredAt: number | undefined;
  /** The call of another node that this one is the other half of. */
  readonly halfOf?: CallHalf | undefined;
}

/** A call as whoever keeps it sees it. */
export interface KeepableCall {
  readonly id: string;
  readonly stamp: CallStamp;
  /** All of a call that runs, what is written down of one that is not answered yet; undefined: it is ending. */
  take(): KeptState | undefined;
}

export type KeptState =
  | { readonly kind: 'running'; readonly snapshot: ActiveCallSnapshot }
  | { readonly kind: 'unanswered'; readonly history: HistorySnapshot };

export class B2bua implements TransferHost {
  readonly #parts: B2buaParts;
  readonly #replacements: Replacements<ActiveCall>;
  readonly paths = new CallPaths();
  readonly setups = new RepeatedSetups();
  readonly #calls = new Map<string, ActiveCall>();
  readonly #drained: (() => void)[] = [];
  #draining = false;
  #isPaused = false;

  constructor(parts: B2buaParts) {
    this.#parts = parts;
    this.#replacements = new Replacements(parts, () => this.#calls.values());
  }

  /** Calls that are not over. */
  get active(): number {
    return this.#calls.size;
  }

  /** Those of them that another node began, and counts. */
  get relayed(): number {
    let relayed = 0;
    for (const { call } of this.#calls.values()) if (call.history.halfOf !== undefined) relayed += 1;
    return relayed;
  }

  get isOpen(): boolean {
    return !this.#draining;
  }

  begin(transfer: Transfer, from: TransferOrigin): void {
    this.onInvite(transfer, from);
  }

  replacement(request: SipRequest, identity: Identity, from: string | undefined): Replacement {
    return this.#replacements.of(request, identity, from);
  }

  onInvite(incoming: IncomingCall, from?: TransferOrigin): void {
    if (from === undefined && this.#pickUp(incoming)) return;
    const isClosed = this.#draining || this.#isPaused;
    const isFull = isClosed || this.#calls.size >= this.#parts.limits.activeCalls;
    if (isFull && !this.#parts.admissions.isEmergency(incoming.request, incoming.identity)) {
      this.#turnAway(incoming, isClosed ? 'draining' : 'overload');
      return;
    }
    const { id, identity, request } = incoming;
    const caller = partyOf(identity);
    const begun = { caller, dialled: dialledPart(request.uri), halfOf: this.#halfOf(incoming), from };
    const active = ActiveCall.begin(this.#parts, this, incoming, begun, () => this.#forget(id));
    this.#calls.set(id, active);
    const callId = request.headers.get('Call-ID');
    if (callId !== undefined) this.#parts.observer.onDialog(id, callId);
    this.#parts.logger.info('call-started', {
      call: id,
      caller: caller.name,
      transferOf: from?.call,
      halfOf: begun.halfOf?.call,
    });
    active.feed({ type: 'started' });
  }

  calls(): readonly CallView[] {
    return Array.from(this.#calls.values(), viewOf);
  }

  /** One call and its media until now, also by the name that it has at the node where it began; undefined when there is none. */
  async detail(id: string): Promise<{ readonly call: CallView; readonly media: readonly MediaRecord[] } | undefined> {
    const active =
      this.#calls.get(id) ?? [...this.#calls.values()].find(({ call }) => call.history.halfOf?.call === id);
    if (active === undefined) return undefined;
    return { call: viewOf(active), media: active.call.mediaRecords(await active.media()) };
  }

  /** The headers of a running call's first media packets; none where there is no call of that id. */
  async captures(id: string): Promise<readonly HeaderCapture[]> {
    return (await this.#calls.get(id)?.media())?.captures ?? [];
  }

  /** Calls to or from one trunk or PBX. */
  callsOf(kind: Party['kind'], name: string): number {
    const isIt = (party: Party | undefined): boolean => party?.kind === kind && party.name === name;
    return [...this.#calls.values()].filter(({ call }) => isIt(call.caller) || isIt(call.history.callee)).length;
  }

  /** Every call that runs, for a successor process. */
  snapshots(): readonly ActiveCallSnapshot[] {
    return Array.from(this.#calls.values(), (active) => active.snapshot()).filter((snapshot) => snapshot !== undefined);
  }

  /** Goes on with a call of an earlier process (`ActiveCall.resume`). */
  resume(snapshot: ActiveCallSnapshot, canSpeak: Promise<void>): void {
    const { id } = snapshot.call;
    this.#calls.set(
      id,
      ActiveCall.resume(this.#parts, this, snapshot, canSpeak, () => this.#forget(id)),
    );
    this.#parts.logger.info('call-taken-up', { call: id });
  }

  /** A call of an earlier process that cannot go on has its record all the same. */
  lost(kept: HistorySnapshot): void {
    const { observer, logger } = this.#parts;
    const at = this.#instant();
    const history = CallHistory.restore(kept, at);
    history.ended('lost', 500, at);
    logger.warn('call-lost', { call: kept.call.id });
    observer.onCallEnded(history.record({ endpoints: [] }, at));
  }

  keepable(): readonly KeepableCall[] {
    return [...this.#calls.values()].flatMap((active) => this.#keepable(active));
  }

  keepableOf(id: string): KeepableCall | undefined {
    const active = this.#calls.get(id);
    return active === undefined ? undefined : this.#keepable(active)[0];
  }

  /** Nothing of a call that is not admitted yet: nobody has heard of it. */
  #keepable(active: ActiveCall): readonly KeepableCall[] {
    const { call, stamp } = active;
    if (call.state === 'admitting') return [];
    const take = (): KeptState | undefined => {
      const snapshot = active.snapshot();
      if (snapshot !== undefined) return { kind: 'running', snapshot };
      if (call.state !== 'trying' && call.state !== 'ringing') return undefined;
      return { kind: 'unanswered', history: call.history.snapshot(this.#instant()) };
    };
    return [{ id: call.id, stamp, take }];
  }

  #forget(id: string): void {
    this.#calls.delete(id);
    if (this.#calls.size === 0) for (const drained of this.#drained.splice(0)) drained();
  }

  /** Ends one call with BYE on both legs. False when there is none of that id. */
  end(id: string, cause: 'operator' | 'fraud' = 'operator'): boolean {
    const active = this.#calls.get(id);
    active?.feed({ type: 'end', cause });
    return active !== undefined;
  }

  /** Calls that are being set up, changed or ended: another process could not go on with them. */
  get unsettled(): number {
    return [...this.#calls.values()].filter(({ call }) => !call.isSettled).length;
  }

  /** Takes no new calls for a moment, or again. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  /** Every call that is not answered yet is ended, as at the end of a drain. */
  endUnanswered(): void {
    for (const active of [...this.#calls.values()]) {
      const isAnswered = ['connected', 'ending', 'ended'].includes(active.call.state);
      if (!isAnswered) active.feed({ type: 'end', cause: 'draining' });
    }
  }

  /** Takes no new calls; resolves when the last one is over. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** The drain deadline: every call still running is ended. */
  endAll(): void {
    for (const active of [...this.#calls.values()]) active.feed({ type: 'end', cause: 'draining' });
  }

  /**
   * Whoever is being called puts another dialog of its own in the place of one that rings (RFC 3891 §3): no new call, but the answer of
   * the one that runs. The INVITE has a record of its own all the same.
   */
  #pickUp(incoming: IncomingCall): boolean {
    const { request, identity } = incoming;
    const ringing = this.#replacements.ringingOf(request, identity);
    if (ringing?.isOfAsker !== true) return false;
    if (!this.#parts.directory.mayPickUp(identity)) {
      this.#refuse(incoming, noPickUp);
      return true;
    }
    const { active, leg } = ringing;
    const { id: transferOf } = active.call;
    const at = this.#instant();
    const history = new CallHistory({ ...startOf(incoming), halfOf: this.#halfOf(incoming), transferOf }, at);
    this.#parts.logger.info('call-picked-up', { call: transferOf, by: incoming.id });
    active.sessions.pickUp(leg, incoming, (status) => {
      history.ended(
        status === 200 ? 'transferred' : status === 487 ? 'caller-cancelled' : 'failed',
        status,
        this.#instant(),
      );
      this.#parts.observer.onCallEnded(history.record({ endpoints: [] }, at));
    });
    return true;
  }

  #halfOf({ request, identity }: IncomingCall): CallHalf | undefined {
    const node = this.#parts.directory.nodeOf(identity);
    return node === undefined ? undefined : halfOf(node, request.headers.get(tokenHeader));
  }

  #instant(): Instant {
    const { clock } = this.#parts.scheduler;
    return { now: clock.now(), wall: clock.wall() };
  }

  /** Refused without making a call of it; the attempt has its record all the same. */
  #turnAway(incoming: IncomingCall, code: 'draining' | 'overload'): void {
    const retryAfterSeconds = 5 + this.#parts.random.below(10);
    const text = code === 'draining' ? 'Draining' : 'Overload';
    const refusal: Refusal = { code, status: 503, text, detail: `${this.#calls.size} calls`, retryAfterSeconds };
    this.#refuse(incoming, refusal, [['Retry-After', String(retryAfterSeconds)]]);
  }

  #refuse(incoming: IncomingCall, refusal: Refusal, fields: readonly (readonly [string, string])[] = []): void {
    const { status, text } = refusal;
    const headers = fields.reduce((all, [name, value]) => all.append(name, value), statusReason(status, text));
    incoming.reject(status, { headers });
    const at = this.#instant();
    const history = new CallHistory({ ...startOf(incoming), halfOf: this.#halfOf(incoming) }, at);
    history.refused(refusal, []);
    history.ended('refused', status, at);
    this.#parts.observer.onCallEnded(history.record({ endpoints: [] }, at));
  }
}

/** The trunk is being called, and knows the dialog: it may be told why. */
const noPickUp: Refusal = {
  code: 'not-replaceable',
  status: 403,
  text: 'Not allowed',
  detail: 'a call that rings at this trunk may not be picked up by it: picks_up is not set',
};

function startOf({ id, identity, request }: IncomingCall): ConstructorParameters<typeof CallHistory>[0] {
  return { id, caller: partyOf(identity), dialled: dialledPart(request.uri) };
}

function viewOf({ call }: ActiveCall): CallView {
  return {
    id: call.id,
    state: call.state,
    caller: call.caller.name,
    dialled: call.history.dialled,
    callee: call.history.callee?.name,
    startedAt: call.history.startedAt,
    answeredAt: call.history.answeredAt,
    halfOf: call.history.halfOf,
  };
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
