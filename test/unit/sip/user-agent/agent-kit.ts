// A user agent on fake time and a fake transport: calls that come in and go out, and what their owners hear.
import { expect } from 'vitest';
import type { LogFields, Logger } from '../../../../src/core/logger.ts';
import { essentialsOf } from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../../../src/sip/message/message.ts';
import type { HopLocator } from '../../../../src/sip/transport/hop-locator.ts';
import type {
  Body,
  Destination,
  Flow,
  Identity,
  IncomingCall,
  OutgoingCall,
  OutgoingCallHandlers,
  OutgoingCallOptions,
  ReinviteHandlers,
  Session,
  SessionHandlers,
} from '../../../../src/sip/user-agent/session.ts';
import { UserAgent } from '../../../../src/sip/user-agent/user-agent.ts';
import { FakeScheduler, SeededRandom } from '../../../support/fake-time.ts';
import { FakeTransport, fakeFlow, nextHop, summaryOf } from '../../../support/fake-transport.ts';
import { type RequestOptions, request, response } from '../../../support/sip-messages.ts';

export const alice: Identity = { kind: 'user', aor: 'alice@pbx.test', name: 'alice', domain: 'pbx.test' };
export const main: Identity = { kind: 'pbx', name: 'main' };
export const phoneFlow: Flow = fakeFlow({ transport: 'tls' });
export const pbxFlow: Flow = fakeFlow({
  listener: 'to-pbx',
  network: 'inside',
  remote: { address: '10.0.0.5', port: 5060 },
});
export const toPbx: Destination = nextHop();
export const offer: Body = { contentType: 'application/sdp', bytes: Buffer.from('offer') };
export const answer: Body = { contentType: 'application/sdp', bytes: Buffer.from('answer') };

export class AgentKit {
  readonly scheduler = new FakeScheduler();
  readonly transport = new FakeTransport();
  readonly agent: UserAgent;
  /** What owners heard, oldest first. */
  heard: string[] = [];
  readonly logged: string[] = [];
  readonly invites: IncomingCall[] = [];
  readonly sessions: Session[] = [];

  constructor(locator?: HopLocator) {
    this.agent = new UserAgent({
      transport: this.transport,
      ...(locator === undefined ? {} : { locator }),
      scheduler: this.scheduler,
      random: new SeededRandom(5),
      logger: this.#logger(),
      events: {
        onInvite: (call) => {
          this.invites.push(call);
          call.handlers = {
            onCancelled: () => this.heard.push('cancelled'),
            onFlowLost: () => this.heard.push('flow-lost'),
            onSilent: () => this.heard.push('silent'),
          };
        },
        onRequest: (message, transaction) => {
          this.heard.push(`request ${message.method}`);
          transaction.abandon();
        },
      },
    });
  }

  // What the peers send.

  receive(message: SipRequest, flow: Flow = phoneFlow, identity: Identity = alice): void {
    this.agent.receive(message, flow, identity);
    this.scheduler.advance(0);
  }

  respond(
    to: SipRequest,
    status: number,
    parts: { tag?: string; body?: Body; fields?: readonly [string, string][] } = {},
  ): void {
    const { tag, body, fields = [['Contact', '<sip:callee@10.0.0.5:5060>']] } = parts;
    const plain = response(to, status, tag);
    let { headers } = plain;
    for (const [name, value] of fields) headers = headers.append(name, value);
    const made: SipResponse = { ...plain, headers, ...(body === undefined ? {} : { body: body.bytes }) };
    this.agent.receiveResponse(made, pbxFlow);
    this.scheduler.advance(0);
  }

  /** An INVITE from a phone that the owner has. */
  incoming(options: RequestOptions = {}): { readonly call: IncomingCall; readonly invite: SipRequest } {
    const contact = ['Contact', '<sip:alice@198.51.100.1:5060>'] as const;
    const invite = request('INVITE', { protocol: 'TLS', ...options, headers: [contact, ...(options.headers ?? [])] });
    this.receive(invite);
    const call = this.invites.at(-1);
    if (call === undefined) throw new Error('no INVITE reached the owner');
    return { call, invite };
  }

  /** A call from a phone that was answered and acknowledged; nothing of it waits to be taken. */
  answered(): {
    readonly session: Session;
    readonly inDialog: (method: string, cseq: number) => SipRequest;
    readonly tag: string;
  } {
    const { call } = this.incoming();
    const session = call.answer({ body: answer }, this.handlers());
    const tag = essentialsOf(this.transport.takeResponse()).toTag ?? '';
    const inDialog = (method: string, cseq: number): SipRequest =>
      request(method, {
        protocol: 'TLS',
        toTag: tag,
        cseq,
        branch: `z9hG4bK-${method}-${cseq}`,
        headers: method === 'INVITE' ? [['Contact', '<sip:alice@198.51.100.1:5060>']] : [],
      });
    this.receive(inDialog('ACK', 1));
    this.take();
    return { session, inDialog, tag };
  }

  // What the owner does.

  invite(over: Partial<OutgoingCallOptions> = {}, handlers: Partial<OutgoingCallHandlers> = {}): OutgoingCall {
    const options: OutgoingCallOptions = {
      destination: toPbx,
      requestUri: 'sip:600@10.0.0.5',
      from: '<sip:alice@pbx.test>',
      to: '<sip:600@pbx.test>',
      contactUser: 'alice',
      headers: Headers.empty,
      body: offer,
      peer: main,
      ...over,
    };
    const call = this.agent.invite(options, {
      session: this.handlers(),
      onProvisional: ({ status }, earlyId) => this.heard.push(`provisional ${status} ${earlyId}`),
      onAnswered: (session, _response, earlyId) => {
        this.heard.push(`answered ${earlyId}`);
        this.sessions.push(session);
        session.ack();
      },
      onFailed: ({ status, cause }) => this.heard.push(`failed ${status} ${cause}`),
      ...handlers,
    });
    this.scheduler.advance(0);
    return call;
  }

  /** A call of ours that was answered and acknowledged. */
  connected(over: Partial<OutgoingCallOptions> = {}): { readonly session: Session; readonly invite: SipRequest } {
    this.invite(over);
    const invite = this.transport.takeRequest();
    this.respond(invite, 200, { body: answer });
    const session = this.sessions.at(-1);
    if (session === undefined) throw new Error('not answered');
    this.transport.take();
    this.take();
    return { session, invite };
  }

  /** A re-INVITE of the session; what becomes of it is heard. */
  reinvite(session: Session, body: Body | undefined = offer): void {
    const handlers: ReinviteHandlers = {
      onAnswered: ({ status }) => {
        this.heard.push(`re-answered ${status}`);
        session.ack();
      },
      onFailed: ({ status, cause }) => this.heard.push(`re-failed ${status} ${cause}`),
    };
    session.reinvite(body, handlers);
    this.scheduler.advance(0);
  }

  handlers(over: Partial<SessionHandlers> = {}): SessionHandlers {
    return {
      onReinvite: () => this.heard.push('re-INVITE'),
      onAck: (body) => this.heard.push(body === undefined ? 'ack' : `ack ${Buffer.from(body.bytes).toString()}`),
      onEnded: (cause, message) =>
        this.heard.push(`ended ${cause}${message === undefined ? '' : ` ${message.method}`}`),
      ...over,
    };
  }

  /** What owners heard since the last call. */
  take(): readonly string[] {
    const { heard } = this;
    this.heard = [];
    return heard;
  }

  /** `INVITE`, `200 BYE` … of what was sent since the last call. */
  sent(): readonly string[] {
    return this.transport.take().map(({ message }) => summaryOf(message));
  }

  /** The last thing that was sent; forgets the others. */
  lastSent(): SipMessage {
    const last = this.transport.take().at(-1);
    if (last === undefined) throw new Error('nothing was sent');
    return last.message;
  }

  lastRequest(): SipRequest {
    const last = this.lastSent();
    if (last.kind !== 'request') throw new Error(`a ${summaryOf(last)}`);
    return last;
  }

  advance(millis: number): void {
    this.scheduler.advance(millis);
  }

  /** Nothing runs, nothing waits, and nobody threw. */
  expectEmpty(): void {
    this.advance(100_000);
    expect({
      dialogs: this.agent.dialogs,
      transactions: this.agent.layer.active,
      lingering: this.agent.layer.lingering,
      timers: this.scheduler.pending,
      exceptions: this.agent.layer.counts.userErrors,
    }).toEqual({ dialogs: 0, transactions: 0, lingering: 0, timers: 0, exceptions: 0 });
  }

  #logger(): Logger {
    const log = (event: string, _fields?: LogFields): void => void this.logged.push(event);
    const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    return logger;
  }
}
