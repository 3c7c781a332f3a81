// A scripted SIP peer: it sends what a test says and keeps what it is sent in an inbox. Nothing happens by itself: no
// retransmission, no automatic answer. Messages are made by hand, so that a mistake of our own dialogs cannot hide here.
import { expect } from 'vitest';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { Headers } from '../../src/sip/message/headers.ts';
import {
  noBody,
  responseTo,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../src/sip/message/message.ts';
import type { Flow } from '../../src/sip/transport/transport.ts';
import { summaryOf } from './fake-transport.ts';
import { addressOf, sameHop, tagOf, uriOf } from './scenario-headers.ts';
import type { Wire, WirePeer } from './scenario-wire.ts';

export type Field = readonly [name: string, value: string];

export interface PeerParts {
  readonly name: string;
  readonly wire: Wire;
  readonly flow: Flow;
  /** Lets everything happen that needs no time. */
  readonly settle: () => Promise<void>;
}

export class Peer implements WirePeer {
  readonly name: string;
  readonly settle: () => Promise<void>;
  readonly #wire: Wire;
  flow: Flow;
  inbox: SipMessage[] = [];
  #serial = 0;
  #calls = 0;

  constructor({ name, wire, flow, settle }: PeerParts) {
    this.name = name;
    this.#wire = wire;
    this.flow = flow;
    this.settle = settle;
  }

  deliver(message: SipMessage): void {
    this.inbox.push(message);
  }

  /** Sends, and lets the SBC do what it does about it. */
  async send(message: SipMessage): Promise<void> {
    this.sendNow(message);
    await this.settle();
  }

  /** Sends without giving anybody a turn. */
  sendNow(message: SipMessage): void {
    this.#wire.receive(message, this.flow);
  }

  get via(): string {
    const { remote, transport } = this.flow;
    this.#serial += 1;
    return `SIP/2.0/${transport.toUpperCase()} ${remote.address}:${remote.port};branch=z9hG4bK${this.name}${this.#serial};rport`;
  }

  get address(): SocketAddress {
    return this.flow.remote;
  }

  get contact(): string {
    const { remote, transport } = this.flow;
    return `<sip:${this.name}@${remote.address}:${remote.port}${transport === 'udp' ? '' : `;transport=${transport}`}>`;
  }

  /** Takes the oldest message of the inbox, which must be this request. */
  takeRequest(method: string): SipRequest {
    const message = this.#take(method);
    if (message.kind !== 'request' || message.method !== method) throw this.#other(method, message);
    return message;
  }

  /** Takes the oldest message of the inbox, which must be this response. */
  takeResponse(status: number, method?: string): SipResponse {
    const message = this.#take(String(status));
    const isIt = message.kind === 'response' && message.status === status;
    if (!isIt || (method !== undefined && !summaryOf(message).endsWith(` ${method}`)))
      throw this.#other(`${status} ${method ?? ''}`, message);
    return message;
  }

  /** `INVITE`, `200 BYE` … of everything that came since; the inbox is empty afterwards. */
  takeAll(): readonly string[] {
    const summaries = this.inbox.map(summaryOf);
    this.inbox = [];
    return summaries;
  }

  /** An INVITE that is not sent yet. */
  newCall({ uri, from, to = `<${uri}>`, callId, ...parts }: CallOptions): CallerLeg {
    this.#calls += 1;
    const serial = `${this.name}-${this.flow.remote.port}-${this.#calls}`;
    const state: LegState = {
      callId: callId ?? `call-${serial}`,
      local: from ?? this.contact,
      remote: to,
      localTag: `tag-${serial}`,
      remoteTag: '',
      target: uri,
      sequence: 0,
    };
    return new CallerLeg(this, state, parts);
  }

  /** Sends an INVITE. */
  async call(options: CallOptions): Promise<CallerLeg> {
    const leg = this.newCall(options);
    await this.send(leg.invite);
    return leg;
  }

  expectNothing(): void {
    expect(this.takeAll(), `inbox of ${this.name}`).toEqual([]);
  }

  #take(wanted: string): SipMessage {
    const message = this.inbox.shift();
    if (message === undefined) throw new Error(`${this.name} expected ${wanted}, nothing came`);
    return message;
  }

  #other(wanted: string, message: SipMessage): Error {
    const rest = this.inbox.map(summaryOf).join(', ');
    return new Error(`${this.name} expected ${wanted}, got ${summaryOf(message)} (then: ${rest || 'nothing'})`);
  }
}

export interface LegState {
  readonly callId: string;
  /** From and To of requests that this side sends, without tags. */
  readonly local: string;
  readonly remote: string;
  readonly localTag: string;
  remoteTag: string;
  /** Request-URI of what this side sends in the dialog. */
  target: string;
  sequence: number;
}

export interface RequestParts {
  readonly body?: string | undefined;
  readonly fields?: readonly Field[];
}

export interface CallOptions extends RequestParts {
  /** The Request-URI, and To unless that is given. */
  readonly uri: string;
  readonly from?: string | undefined;
  readonly to?: string;
  readonly callId?: string;
}

/** One side of a dialog, as a scripted peer keeps it. */
export class PeerLeg {
  readonly peer: Peer;
  readonly state: LegState;

  constructor(peer: Peer, state: LegState) {
    this.peer = peer;
    this.state = state;
  }

  /** A new request in the dialog, not yet sent. */
  request(method: string, { body, fields = [] }: RequestParts = {}): SipRequest {
    this.state.sequence += 1;
    return this.compose(method, this.state.sequence, { body, fields });
  }

  compose(method: string, sequence: number, { body, fields = [] }: RequestParts = {}): SipRequest {
    const { callId, local, remote, localTag, remoteTag, target } = this.state;
    const headers = Headers.of(
      ['Via', this.peer.via],
      ['Max-Forwards', '70'],
      ['From', `${local};tag=${localTag}`],
      ['To', remoteTag === '' ? remote : `${remote};tag=${remoteTag}`],
      ['Call-ID', callId],
      ['CSeq', `${sequence} ${method}`],
      ...(method === 'INVITE' || method === 'UPDATE' ? [['Contact', this.peer.contact] as const] : []),
      ...fields,
      ...(body === undefined ? [] : [['Content-Type', 'application/sdp'] as const]),
    );
    return { kind: 'request', method, uri: target, headers, body: body === undefined ? noBody : Buffer.from(body) };
  }

  async send(method: string, parts: RequestParts = {}): Promise<SipRequest> {
    const request = this.request(method, parts);
    await this.peer.send(request);
    return request;
  }

  /** Sends a BYE and takes its 200. */
  async hangUp(fields: readonly Field[] = []): Promise<void> {
    await this.send('BYE', { fields });
    this.peer.takeResponse(200, 'BYE');
  }

  /** Takes the BYE of the SBC and answers it. */
  async takeBye(): Promise<SipRequest> {
    const bye = this.peer.takeRequest('BYE');
    await this.respond(bye, 200);
    return bye;
  }

  /** Takes the ACK of a 2xx of ours. */
  takeAck(): SipRequest {
    return this.peer.takeRequest('ACK');
  }

  async respond(request: SipRequest, status: number, { body, fields = [] }: RequestParts = {}): Promise<SipResponse> {
    const response = responseTo(request, status, {
      ...(status === 100 ? {} : { toTag: this.state.localTag }),
      headers: Headers.of(
        ...(status > 100 && status < 300 ? [['Contact', this.peer.contact] as const] : []),
        ...fields,
      ),
      ...(body === undefined ? {} : { body: Buffer.from(body), contentType: 'application/sdp' }),
    });
    await this.peer.send(response);
    return response;
  }

  /** Takes the refusal of a re-INVITE of ours and acknowledges it (§17.1.1.3). */
  async takeReinviteRefusal(reinvite: SipRequest, status: number): Promise<SipResponse> {
    const response = this.peer.takeResponse(status, 'INVITE');
    await this.peer.send(sameHop(reinvite, 'ACK', response.headers.get('To') ?? ''));
    return response;
  }

  /** The ACK of a 2xx to our INVITE with that sequence number. */
  async ack(sequence = this.state.sequence, parts: RequestParts = {}): Promise<SipRequest> {
    const ack = this.compose('ACK', sequence, parts);
    await this.peer.send(ack);
    return ack;
  }
}

/** An INVITE that the peer sent. */
export class CallerLeg extends PeerLeg {
  invite: SipRequest;

  constructor(peer: Peer, state: LegState, parts: RequestParts) {
    super(peer, state);
    this.invite = this.request('INVITE', parts);
  }

  /** Takes a response to the INVITE; a 2xx or a provisional with a tag fixes the dialog. */
  take(status: number): SipResponse {
    const response = this.peer.takeResponse(status, 'INVITE');
    this.state.remoteTag = tagOf(response.headers.get('To')) ?? this.state.remoteTag;
    if (status < 300) this.state.target = uriOf(response.headers.get('Contact')) ?? this.state.target;
    return response;
  }

  /** Takes the refusal and acknowledges it (§17.1.1.3). */
  async takeRefusal(status: number): Promise<SipResponse> {
    const response = this.peer.takeResponse(status, 'INVITE');
    await this.ackRefusal(response);
    return response;
  }

  async ackRefusal(response: SipResponse): Promise<void> {
    await this.peer.send(sameHop(this.invite, 'ACK', response.headers.get('To') ?? ''));
  }

  /** Takes the 200, acknowledges it, and returns it. */
  async takeAnswer(parts: RequestParts = {}): Promise<SipResponse> {
    const response = this.take(200);
    await this.ack(this.state.sequence, parts);
    return response;
  }

  /** Sends the CANCEL, and takes its 200. */
  async cancel(fields: readonly Field[] = []): Promise<void> {
    await this.peer.send(this.cancelRequest(fields));
    this.peer.takeResponse(200, 'CANCEL');
  }

  cancelRequest(fields: readonly Field[] = []): SipRequest {
    return sameHop(this.invite, 'CANCEL', this.invite.headers.get('To') ?? '', fields);
  }
}

/** An INVITE that the SBC sent to the peer. */
export class CalleeLeg extends PeerLeg {
  readonly invite: SipRequest;

  constructor(peer: Peer, state: LegState, invite: SipRequest) {
    super(peer, state);
    this.invite = invite;
  }

  /** Takes the INVITE that has come. `tag` tells forks of one INVITE apart. */
  static take(peer: Peer, tag = `${peer.name}-tag`): CalleeLeg {
    return CalleeLeg.of(peer, peer.takeRequest('INVITE'), tag);
  }

  static of(peer: Peer, invite: SipRequest, tag: string): CalleeLeg {
    const { headers } = invite;
    const state: LegState = {
      callId: headers.get('Call-ID') ?? '',
      local: headers.get('To') ?? '',
      remote: addressOf(headers.get('From') ?? ''),
      localTag: tag,
      remoteTag: tagOf(headers.get('From')) ?? '',
      target: uriOf(headers.get('Contact')) ?? '',
      sequence: 0,
    };
    return new CalleeLeg(peer, state, invite);
  }

  ring(status = 180, parts: RequestParts = {}): Promise<SipResponse> {
    return this.respond(this.invite, status, parts);
  }

  answer(body: string | undefined, fields: readonly Field[] = []): Promise<SipResponse> {
    return this.respond(this.invite, 200, { body, fields });
  }

  /** Refuses, and takes the ACK. */
  async refuse(status: number, fields: readonly Field[] = []): Promise<void> {
    await this.respond(this.invite, status, { fields });
    this.peer.takeRequest('ACK');
  }

  /** Takes the CANCEL, answers it and the INVITE, and takes the ACK of the 487. */
  async takeCancel(): Promise<SipRequest> {
    const cancel = this.peer.takeRequest('CANCEL');
    await this.respond(cancel, 200);
    await this.refuse(487);
    return cancel;
  }
}
