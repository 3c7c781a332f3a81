// A small SIP phone made of the project's own parts, on real sockets: for the demo and for tests over loopback.
// It registers and calls with digest, over TLS with SRTP (SDES), or over TCP and UDP with plain RTP; or with whatever media a
// test gives its calls.
import { type Logger, silentLogger } from '../../src/core/logger.ts';
import { systemRandom, token } from '../../src/core/random.ts';
import type { Scheduler } from '../../src/core/scheduler.ts';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { DigestClient } from '../../src/sip/auth/digest-client.ts';
import type { Identity } from '../../src/sip/auth/identity.ts';
import { Headers } from '../../src/sip/message/headers.ts';
import { noBody, type SipMessage, type SipRequest, type SipResponse } from '../../src/sip/message/message.ts';
import { SipTransports } from '../../src/sip/transport/sip-transports.ts';
import type { Destination, Flow, TransportName } from '../../src/sip/transport/transport.ts';
import { WatchedTransport } from '../../src/sip/transport/watched-transport.ts';
import type {
  Body,
  IncomingCall,
  OutgoingCall,
  OutgoingCallOptions,
  Session,
  SessionHandlers,
} from '../../src/sip/user-agent/session.ts';
import { UserAgent } from '../../src/sip/user-agent/user-agent.ts';
import { PhoneCall } from './phone-call.ts';
import { PhoneMedia } from './phone-media.ts';

export interface PhoneOptions {
  readonly name: string;
  readonly domain: string;
  readonly password: string;
  readonly transport: TransportName;
  /** The SBC's listener. */
  readonly sbc: SocketAddress;
  /** TLS: the authority that vouches for the SBC, as PEM, and the name that it must show. */
  readonly trust?: { readonly ca: string; readonly serverName: string };
  readonly scheduler: Scheduler;
  readonly logger?: Logger;
  /** Where it speaks from; default is the loopback. */
  readonly address?: string;
  /** Looks on at every message. */
  readonly watch?: (direction: 'in' | 'out', message: SipMessage) => void;
}

/** What a call is to its phone: who describes and moves its media. */
export interface MediaCall {
  readonly handlers: SessionHandlers;
  offer(): Body | Promise<Body>;
  /** The answer to our offer, to be acknowledged and in force from now on. */
  answered(session: Session, body: Uint8Array): void;
  answerTo(offer: Uint8Array): Body | Promise<Body>;
  opened(session: Session): void;
  /** The call never came to be. */
  abandon(): void;
}

/** A call of ours that rings somewhere. */
export interface Dialling<Call = PhoneCall> {
  /** Statuses above 100, as they come. */
  readonly provisionals: readonly number[];
  /** The call once it is answered; rejects with `CallRefused`. */
  readonly answered: Promise<Call>;
  cancel(): void;
}

/** A call that comes in. */
export interface Ringing<Call = PhoneCall> {
  readonly request: SipRequest;
  readonly flow: Flow;
  answer(): Promise<Call>;
  reject(status: number): void;
  /** The caller gave up. */
  readonly cancelled: Promise<void>;
}

export class CallRefused extends Error {
  readonly status: number;
  readonly response: SipResponse | undefined;

  constructor(status: number, response: SipResponse | undefined) {
    super(`refused: ${status} ${response?.reason ?? ''}`);
    this.status = status;
    this.response = response;
  }
}

const listener = 'phone';
const peer: Identity = { kind: 'pbx', name: 'sbc' };
const loopback = '127.0.0.1';

export class Phone<Call extends MediaCall = PhoneCall> {
  readonly #options: PhoneOptions;
  readonly #transports: SipTransports;
  readonly #userAgent: UserAgent;
  readonly #credentials: DigestClient;
  readonly #callId = token(systemRandom, 16);
  readonly #openCall: () => Promise<Call>;
  /** Connections that are gone, with calls on them. */
  readonly #closed = new Set<string>();
  readonly #rings: Ringing<Call>[] = [];
  readonly #waiting: ((ring: Ringing<Call>) => void)[] = [];
  #sequence = 0;

  private constructor(options: PhoneOptions, openCall: () => Promise<Call>) {
    this.#options = options;
    this.#openCall = openCall;
    const { name, password, scheduler, transport, trust, watch } = options;
    this.#credentials = new DigestClient({ username: name, password }, systemRandom);
    const common = { scheduler, random: systemRandom, logger: options.logger ?? silentLogger };
    this.#transports = new SipTransports({
      listeners: [
        {
          name: listener,
          network: 'outside',
          transport,
          address: { address: options.address ?? loopback, port: 0 },
          // A phone behind NAT knows no address that others could use.
          ...(transport === 'udp' ? {} : { advertise: { address: `${name}.invalid`, port: 5061 } }),
          ...(trust === undefined
            ? {}
            : { tls: { certificate: '', key: '', serverCa: [trust.ca], clientCertificate: 'off' } }),
        },
      ],
      events: {
        onMessage: (message, flow) => {
          watch?.('in', message);
          if (message.kind === 'request') this.#userAgent.receive(message, flow, peer);
          else {
            this.#goOnOver(flow);
            this.#userAgent.receiveResponse(message, flow);
          }
        },
        onUnparsable: () => {},
        onFlowClosed: (flow) => {
          this.#closed.add(flow.id);
          this.#userAgent.flowClosed(flow);
        },
      },
      ...common,
    });
    this.#userAgent = new UserAgent({
      transport: new WatchedTransport(this.#transports, (message) => watch?.('out', message)),
      events: { onInvite: (call) => this.#onInvite(call), onRequest: (_request, transaction) => transaction.abandon() },
      ...common,
    });
  }

  static async start(options: PhoneOptions): Promise<Phone> {
    const { trust, scheduler, address = loopback } = options;
    return Phone.with(options, async () => {
      const media = await PhoneMedia.open(address, scheduler, systemRandom.below(2 ** 32));
      return new PhoneCall(media, trust === undefined ? 'off' : 'required', systemRandom);
    });
  }

  /** A phone whose calls are made by `openCall`. */
  static async with<Call extends MediaCall>(
    options: PhoneOptions,
    openCall: () => Promise<Call>,
  ): Promise<Phone<Call>> {
    const phone = new Phone(options, openCall);
    if (options.transport === 'udp') await phone.#transports.listen();
    return phone;
  }

  /** Registers, or with 0 seconds leaves. Resolves with the final status. */
  register(expires = 3_600): Promise<number> {
    const contact = this.#transports.contactFor(this.#sbc, this.#options.name);
    const headers = Headers.of(['Contact', contact], ['Expires', String(expires)]);
    return this.#request('REGISTER', `sip:${this.#options.domain}`, headers);
  }

  /** Calls a user or number of our domain; `headers` of the INVITE beside those that it needs. */
  call(user: string, headers = Headers.empty): Dialling<Call> {
    const provisionals: number[] = [];
    let outgoing: OutgoingCall | undefined;
    let isCancelled = false;
    const place = async (): Promise<Call> => {
      const call = await this.#openCall();
      const body = await call.offer();
      return new Promise((resolve, reject) => {
        outgoing = this.#userAgent.invite(
          { ...this.#invitation(user, body), headers },
          {
            session: call.handlers,
            onProvisional: (response) => provisionals.push(response.status),
            onAnswered: (session, response) => {
              call.answered(session, response.body);
              resolve(call);
            },
            onFailed: ({ status, response }) => {
              call.abandon();
              reject(new CallRefused(status, response));
            },
          },
        );
        if (isCancelled) outgoing.cancel();
      });
    };
    const answered = place();
    // Whoever waits for it hears of the refusal; nobody has to wait.
    answered.catch(() => {});
    return {
      provisionals,
      answered,
      cancel: () => {
        isCancelled = true;
        outgoing?.cancel();
      },
    };
  }

  /** The next call that comes in, or that came and was not taken yet. It rings already. */
  nextCall(): Promise<Ringing<Call>> {
    const ring = this.#rings.shift();
    return ring === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(ring);
  }

  /** Dialogs and transactions that are not over. */
  get busy(): number {
    return this.#userAgent.dialogs + this.#userAgent.layer.active;
  }

  /** Loses its connections, as when its address changes; what it says next goes over a new one. Calls stay. */
  disconnect(): void {
    this.#transports.disconnect(() => true);
  }

  /** Closes its connection without a word. */
  close(): void {
    this.#userAgent.shutdown();
    this.#transports.close();
  }

  /** What is said in its calls goes over the connection that it has now. */
  #goOnOver(flow: Flow): void {
    for (const before of this.#closed) this.#userAgent.moveDialogs(before, flow, peer);
    this.#closed.clear();
  }

  get #address(): string {
    return `sip:${this.#options.name}@${this.#options.domain}`;
  }

  get #sbc(): Destination {
    const { transport, sbc, trust } = this.#options;
    const names = trust === undefined ? {} : { serverName: trust.serverName, certificateName: trust.serverName };
    return { kind: 'next-hop', listener, transport, host: sbc.address, port: sbc.port, ...names };
  }

  #invitation(user: string, body: Body): OutgoingCallOptions {
    const { domain, name } = this.#options;
    return {
      destination: this.#sbc,
      requestUri: `sip:${user}@${domain}`,
      from: `<${this.#address}>`,
      to: `<sip:${user}@${domain}>`,
      contactUser: name,
      headers: Headers.empty,
      body,
      credentials: this.#credentials,
      peer,
    };
  }

  #request(method: string, uri: string, headers: Headers): Promise<number> {
    const send = (answer: { readonly header: string; readonly value: string } | undefined): Promise<number> =>
      new Promise((resolve, reject) => {
        const request = this.#compose(method, uri, headers, answer);
        this.#userAgent.layer.request(request, this.#sbc, {
          onResponse: (response) => {
            if (response.status < 200) return;
            const next = response.status === 401 ? this.#credentials.answer(request, response) : undefined;
            resolve(next?.ok === true ? send(next.value) : response.status);
          },
          onTimeout: () => reject(new Error(`${method}: no answer`)),
          onTransportError: ({ code, detail }) => reject(new Error(`${method}: ${code} ${detail}`)),
        });
      });
    return send(undefined);
  }

  #compose(
    method: string,
    uri: string,
    headers: Headers,
    answer: { readonly header: string; readonly value: string } | undefined,
  ): SipRequest {
    this.#sequence += 1;
    const fields = Headers.of(
      ['Max-Forwards', '70'],
      ['From', `<${this.#address}>;tag=${token(systemRandom, 8)}`],
      ['To', `<${this.#address}>`],
      ['Call-ID', this.#callId],
      ['CSeq', `${this.#sequence} ${method}`],
      ...(answer === undefined ? [] : [[answer.header, answer.value] as const]),
      ...headers.entries(),
    );
    return { kind: 'request', method, uri, headers: fields, body: noBody };
  }

  #onInvite(call: IncomingCall): void {
    let tellCancelled = (): void => {};
    const cancelled = new Promise<void>((resolve) => {
      tellCancelled = resolve;
    });
    call.handlers = { onCancelled: tellCancelled, onFlowLost: tellCancelled, onSilent: tellCancelled };
    call.progress(180);
    const ring: Ringing<Call> = {
      request: call.request,
      flow: call.flow,
      cancelled,
      reject: (status) => call.reject(status),
      answer: async () => {
        const made = await this.#openCall();
        const body = await made.answerTo(call.request.body);
        made.opened(call.answer({ body }, made.handlers));
        return made;
      },
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#rings.push(ring);
    else waiting(ring);
  }
}
