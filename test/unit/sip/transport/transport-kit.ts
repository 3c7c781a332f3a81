// Transports on real loopback sockets, and peers that speak bytes: everything is awaited, nothing sleeps. Time limits run
// on a fake clock.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { LogFields, Logger } from '../../../../src/core/logger.ts';
import type { SipMessage, SipRequest } from '../../../../src/sip/message/message.ts';
import type { MessageError } from '../../../../src/sip/message/message-error.ts';
import { serializeMessage } from '../../../../src/sip/message/serializer.ts';
import type { ListenerOptions, TlsOptions } from '../../../../src/sip/transport/listener-options.ts';
import type { Elsewhere } from '../../../../src/sip/transport/process-flows.ts';
import { SipTransports } from '../../../../src/sip/transport/sip-transports.ts';
import type { Destination, Flow, TransportError, TransportEvents } from '../../../../src/sip/transport/transport.ts';
import { defaultTransportLimits, type TransportLimits } from '../../../../src/sip/transport/transport-limits.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';
import type { TestCertificate } from '../../../support/test-certificates.ts';

/** What happened and was not asked for yet, in order. */
export class Happenings<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];
  count = 0;

  add(item: T): void {
    this.count += 1;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }
}

export interface Arrived<M = SipMessage> {
  readonly message: M;
  readonly flow: Flow;
}

/** What the rooms above would get. */
export class Upstairs implements TransportEvents {
  readonly messages = new Happenings<Arrived>();
  readonly unparsable = new Happenings<{ readonly error: MessageError; readonly flow: Flow }>();
  readonly closed = new Happenings<Flow>();
  /** Runs within `onMessage`. */
  onArrival: (arrived: Arrived) => void = () => {};
  onNoise: (error: MessageError, flow: Flow) => void = () => {};

  onMessage(message: SipMessage, flow: Flow): void {
    this.messages.add({ message, flow });
    this.onArrival({ message, flow });
  }

  onUnparsable(error: MessageError, flow: Flow): void {
    this.unparsable.add({ error, flow });
    this.onNoise(error, flow);
  }

  onFlowClosed(flow: Flow): void {
    this.closed.add(flow);
  }

  async request(): Promise<Arrived<SipRequest>> {
    const { message, flow } = await this.messages.next();
    if (message.kind !== 'request') throw new Error(`expected a request, got ${message.status}`);
    return { message, flow };
  }
}

/** Keeps what is logged. */
export class Log implements Logger {
  readonly lines: { readonly level: string; readonly event: string; readonly fields: LogFields }[] = [];

  debug(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', event, fields });
  }

  info(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', event, fields });
  }

  warn(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', event, fields });
  }

  error(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', event, fields });
  }

  child(): Logger {
    return this;
  }
}

export interface Site {
  readonly transports: SipTransports;
  readonly upstairs: Upstairs;
  readonly scheduler: FakeScheduler;
  readonly log: Log;
  /** Of the listener `main`. */
  readonly port: number;
}

const sites: SipTransports[] = [];
const peers: Peer[] = [];

/** Closes whatever a test opened. */
export function closeAll(): void {
  for (const transports of sites.splice(0)) transports.close();
  for (const peer of peers.splice(0)) peer.socket.destroy();
}

export async function openSite(
  options: Partial<ListenerOptions> & { readonly others?: readonly ListenerOptions[] } = {},
  limits: Partial<TransportLimits> = {},
  elsewhere?: Elsewhere,
): Promise<Site> {
  const { others = [], ...own } = options;
  const upstairs = new Upstairs();
  const scheduler = new FakeScheduler();
  const log = new Log();
  const transports = new SipTransports({
    listeners: [listenerOn(own), ...others],
    events: upstairs,
    scheduler,
    logger: log,
    limits: { ...defaultTransportLimits, ...limits },
    elsewhere,
  });
  sites.push(transports);
  await transports.listen();
  return { transports, upstairs, scheduler, log, port: transports.boundTo('main').port };
}

/** The listener `main`: TCP on 127.0.0.1, any port, but for what `options` say. */
export function listenerOn(options: Partial<ListenerOptions>): ListenerOptions {
  const address = { address: '127.0.0.1', port: 0 };
  return { name: 'main', network: 'outside', transport: 'tcp', address, ...options };
}

export function tlsOf(
  { certificate, key }: TestCertificate,
  others: Partial<TlsOptions> = {},
): { readonly transport: 'tls'; readonly tls: TlsOptions } {
  return { transport: 'tls', tls: { certificate, key, clientCertificate: 'off', ...others } };
}

/** The other end of a stream: what it got, as text, and when it closed. */
export class Peer {
  readonly socket: Socket;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  #text = '';
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    peers.push(this);
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1');
      this.#wake();
    });
  }

  get text(): string {
    return this.#text;
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Waits for `wanted`; returns and takes everything up to its end. */
  async read(wanted: string): Promise<string> {
    for (let at = this.#text.indexOf(wanted); ; at = this.#text.indexOf(wanted)) {
      if (at >= 0) {
        const taken = this.#text.slice(0, at + wanted.length);
        this.#text = this.#text.slice(taken.length);
        return taken;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export async function connectPeer(port: number, host = '127.0.0.1'): Promise<Peer> {
  const socket = connectTcp({ host, port });
  const peer = new Peer(socket);
  await once(socket, 'connect');
  return peer;
}

/** Rejects with the error of the handshake. */
export async function connectTlsPeer(
  port: number,
  options: ConnectionOptions,
): Promise<Peer & { readonly socket: TLSSocket }> {
  const socket = connectTls({ host: '127.0.0.1', port, checkServerIdentity: () => undefined, ...options });
  const secured = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  const peer = new Peer(socket);
  await secured;
  return Object.assign(peer, { socket });
}

/** The bytes of a message as they stand on the wire. */
export function wire(message: SipMessage): Uint8Array {
  return serializeMessage(message);
}

export interface SendOutcome {
  readonly error: TransportError | undefined;
  readonly flow: Flow | undefined;
}

/** Sends and waits for the one result. */
export function send(transports: SipTransports, message: SipMessage, to: Destination): Promise<SendOutcome> {
  return new Promise((resolve) => {
    transports.send(message, to, (error, flow) => resolve({ error, flow }));
  });
}

export function onFlow(flow: Flow): Destination {
  return { kind: 'flow', flow };
}

/** Lets the event loop turn until something holds that nobody announces. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}
