// All sockets that carry SIP, behind `SipTransport`: listeners by name, flows by id, connections to next hops.
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { SipMessage } from '../message/message.ts';
import { parseMessage } from '../message/parser.ts';
import { serializeMessage } from '../message/serializer.ts';
import type { NextHop } from './hop-locator.ts';
import type { ListenerOptions, TlsOptions } from './listener-options.ts';
import { OutgoingConnections } from './outgoing-connections.ts';
import { contactTo, transportTo, viaTo } from './own-address.ts';
import type { Elsewhere, PassedOn } from './process-flows.ts';
import { withReceived } from './received.ts';
import { type StreamConnection, zeroClosings } from './stream-connection.ts';
import { StreamListener } from './stream-listener.ts';
import type {
  Destination,
  Flow,
  MessageTap,
  SipTransport,
  TransportError,
  TransportEvents,
  TransportName,
} from './transport.ts';
import { defaultTransportLimits, type TransportLimits } from './transport-limits.ts';
import { UdpListener } from './udp-listener.ts';

type OnResult = (error: TransportError | undefined, flow: Flow | undefined) => void;

interface Listening {
  options: ListenerOptions;
  readonly socket: StreamListener | UdpListener;
  bound: SocketAddress;
}

export interface SipTransportsOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly limits?: TransportLimits | undefined;
  /** Addresses that are turned away; nobody when absent. */
  readonly isBanned?: ((address: string) => boolean) | undefined;
  readonly tap?: MessageTap | undefined;
  /** Flows of other processes that share our listeners. */
  readonly elsewhere?: Elsewhere | undefined;
}

export class SipTransports implements SipTransport, PassedOn {
  readonly #listeners = new Map<string, Listening>();
  readonly #connections = new Map<string, StreamConnection>();
  readonly #outgoing: OutgoingConnections;
  readonly #logger: Logger;
  readonly #closings = zeroClosings();
  readonly #tap: MessageTap | undefined;
  readonly #elsewhere: Elsewhere | undefined;
  readonly #limits: TransportLimits;
  /** Of whoever listens to us. */
  readonly #upstairs: TransportEvents;
  #flows = 0;
  #failures = 0;
  /** What waits while nothing may be said or heard; undefined: nothing has to. */
  #held: (() => void)[] | undefined;

  constructor(options: SipTransportsOptions) {
    const { listeners, events, scheduler, logger, limits = defaultTransportLimits, isBanned = () => false } = options;
    this.#logger = logger;
    this.#tap = options.tap;
    this.#elsewhere = options.elsewhere;
    this.#limits = limits;
    this.#upstairs = events;
    const watching: TransportEvents = {
      onMessage: (message, flow, bytes) =>
        this.#guard(flow, () => {
          const isShared = this.#listeners.get(flow.listener)?.options.isShared === true;
          const owner = isShared ? this.#elsewhere?.ownerOf(message, flow) : undefined;
          if (owner !== undefined) {
            this.#elsewhere?.pass(owner, message, flow, bytes);
            return;
          }
          this.#hear(message, flow, bytes);
        }),
      onUnparsable: (error, flow) => this.#guard(flow, () => events.onUnparsable(error, flow)),
      onFlowClosed: (flow) => {
        this.#connections.delete(flow.id);
        this.gone(flow);
      },
    };
    const nextFlowId = (): string => {
      this.#flows += 1;
      return `flow-${this.#flows}`;
    };
    const onConnection = (connection: StreamConnection): void => {
      this.#connections.set(connection.flow.id, connection);
      if (this.#held !== undefined) connection.hold();
    };
    const closings = this.#closings;
    const parts = { limits, events: watching, scheduler, logger, nextFlowId, onConnection, closings };
    this.#outgoing = new OutgoingConnections(parts);
    for (const options of listeners) {
      const socket =
        options.transport === 'udp'
          ? new UdpListener({ options, limits, events: watching, logger })
          : new StreamListener({ options, ...parts, isBanned });
      this.#listeners.set(options.name, { options, socket, bound: options.address });
    }
  }

  /**
   * Binds every listener, but for those that have a socket in `inherited` (descriptors by name). Rejects with the first SbcError
   * `listen-failed`, and then nothing stays bound.
   */
  async listen(inherited: ReadonlyMap<string, number> = new Map()): Promise<void> {
    try {
      for (const [name, listening] of this.#listeners) {
        listening.bound = await listening.socket.listen(inherited.get(name));
      }
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /**
   * From now on nothing is read, accepted or sent: what comes waits in the kernel, what is to be sent for `carryOn`. Sockets of
   * listeners are closed here; whoever shall go on with them has descriptors of his own.
   */
  hold(): void {
    if (this.#held !== undefined) return;
    this.#held = [];
    for (const { socket } of this.#listeners.values()) socket.hold();
    for (const connection of this.#connections.values()) connection.hold();
  }

  /** After `hold`; `inherited` as for `listen`. Rejects with SbcError `listen-failed`. */
  async carryOn(inherited: ReadonlyMap<string, number>): Promise<void> {
    for (const [name, { socket }] of this.#listeners) await socket.carryOn(inherited.get(name));
    const waiting = this.#held ?? [];
    this.#held = undefined;
    for (const connection of this.#connections.values()) connection.carryOn();
    for (const one of waiting) one();
  }

  /** Where a listener is bound; tests and `port 0` ask. */
  boundTo(listener: string): SocketAddress {
    return this.#listening(listener).bound;
  }

  /** Ends the connections of an address, whatever runs over them. */
  disconnect(matches: (address: string) => boolean): void {
    for (const connection of [...this.#connections.values()]) {
      if (matches(connection.flow.remote.address)) connection.close();
    }
  }

  /** Live stream connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Messages whose handling met a mistake of our own; each is an error in the log. */
  get handlingFailures(): number {
    return this.#failures;
  }

  /** Connections that were turned away, at once or because their peer kept us waiting, by reason. */
  get refused(): ReadonlyMap<string, number> {
    const { slowReader, messageLate, unserved } = this.#closings;
    const counts = new Map([
      ['slow-reader', slowReader],
      ['message-late', messageLate],
      ['unserved', unserved],
    ]);
    for (const { socket } of this.#listeners.values()) {
      if (socket instanceof UdpListener) continue;
      const { tooManyConnections, banned, tooManyHandshakes, handshakeFailed, acceptFailed } = socket.counts;
      counts.set('banned', (counts.get('banned') ?? 0) + banned);
      counts.set('too-many-connections', (counts.get('too-many-connections') ?? 0) + tooManyConnections);
      counts.set('too-many-handshakes', (counts.get('too-many-handshakes') ?? 0) + tooManyHandshakes);
      counts.set('handshake-failed', (counts.get('handshake-failed') ?? 0) + handshakeFailed);
      counts.set('accept-failed', (counts.get('accept-failed') ?? 0) + acceptFailed);
    }
    return counts;
  }

  /** Handshakes and next hops get this certificate from now on. Throws, and keeps the old one, when it does not fit its key. */
  setCertificate(listener: string, tls: TlsOptions): void {
    const listening = this.#listening(listener);
    if (!(listening.socket instanceof StreamListener)) return;
    listening.socket.setCertificate(tls);
    listening.options = { ...listening.options, tls };
  }

  /** What TLS session tickets of listeners that other processes share are sealed with. */
  setTicketKeys(keys: Buffer): void {
    for (const { options, socket } of this.#listeners.values()) {
      if (options.isShared === true && socket instanceof StreamListener) socket.setTicketKeys(keys);
    }
  }

  /** Stops listening and closes every connection, those that are being made too. */
  close(): void {
    for (const { socket } of this.#listeners.values()) socket.close();
    this.#outgoing.close();
    for (const connection of [...this.#connections.values()]) connection.close();
  }

  send(message: SipMessage, to: Destination, tellResult: OnResult): void {
    this.#orLater(() => this.#send(message, to, tellResult));
  }

  #send(message: SipMessage, to: Destination, tellResult: OnResult): void {
    const bytes = this.#serialize(message);
    const onResult: OnResult = (error, flow) => {
      if (flow !== undefined && error === undefined && bytes !== undefined) this.#show('out', message, bytes, flow);
      tellResult(error, flow);
    };
    if (bytes === undefined) onResult({ code: 'send-failed', detail: 'the message cannot be written' }, undefined);
    else if (to.kind === 'flow') this.#sendOnFlow(message, bytes, to.flow, onResult);
    else if (to.transport === 'udp') this.#sendDatagram(bytes, to, onResult);
    else this.#outgoing.send(bytes, to, this.#listening(to.listener).options, onResult);
  }

  reliable(to: Destination): boolean {
    return transportTo(to) !== 'udp';
  }

  viaFor(to: Destination): { readonly transport: TransportName; readonly sentBy: string } {
    return viaTo(to, this.#listeningTo(to));
  }

  contactFor(to: Destination, user?: string): string {
    return contactTo(to, this.#listeningTo(to), user);
  }

  isAlive(flow: Flow): boolean {
    if (flow.transport !== 'udp') return this.isOpen(flow.id) || this.#elsewhere?.isAlive(flow.id) === true;
    const socket = this.#listeners.get(flow.listener)?.socket;
    return socket instanceof UdpListener && socket.isAlive;
  }

  // For other processes.

  take(bytes: Uint8Array, flow: Flow): void {
    const parsed = parseMessage(bytes, this.#limits.message, flow.reliable ? 'stream' : 'datagram');
    // It was understood where it came.
    if (!parsed.ok) return;
    const message = parsed.value.kind === 'request' ? withReceived(parsed.value, flow.remote) : parsed.value;
    // Never asked again whose it is: processes that know different INVITEs would pass a CANCEL to each other without an end.
    this.#guard(flow, () => this.#hear(message, flow, bytes));
  }

  relay(flowId: string, bytes: Uint8Array, serves: boolean): boolean {
    return this.#sendHere(flowId, bytes, serves)?.code !== 'flow-gone';
  }

  isOpen(flowId: string): boolean {
    return this.#connections.get(flowId)?.isAlive === true;
  }

  gone(flow: Flow): void {
    this.#elsewhere?.flowClosed(flow);
    this.#orLater(() => this.#guard(flow, () => this.#upstairs.onFlowClosed(flow)));
  }

  #hear(message: SipMessage, flow: Flow, bytes: Uint8Array): void {
    this.#show('in', message, bytes, flow);
    this.#upstairs.onMessage(message, flow, bytes);
  }

  #orLater(work: () => void): void {
    if (this.#held === undefined) work();
    else this.#held.push(work);
  }

  #serialize(message: SipMessage): Uint8Array | undefined {
    try {
      return serializeMessage(message);
    } catch (thrown) {
      this.#logger.error('message-not-written', { error: messageOf(thrown) });
      return undefined;
    }
  }

  #sendOnFlow(message: SipMessage, bytes: Uint8Array, flow: Flow, onResult: OnResult): void {
    if (flow.transport === 'udp') {
      this.#sendFrom(flow.listener, bytes, flow.remote, onResult);
      return;
    }
    const serves = message.kind === 'request' || (message.status >= 200 && message.status < 300);
    const isOfOther = this.#elsewhere?.isAlive(flow.id) === true;
    const error = isOfOther
      ? this.#elsewhere?.send(message, flow, bytes, serves)
      : this.#sendHere(flow.id, bytes, serves);
    onResult(error, error === undefined ? flow : undefined);
  }

  #sendHere(flowId: string, bytes: Uint8Array, serves: boolean): TransportError | undefined {
    const connection = this.#connections.get(flowId);
    if (serves) connection?.serve();
    return connection === undefined ? { code: 'flow-gone', detail: flowId } : connection.send(bytes);
  }

  #sendDatagram(bytes: Uint8Array, hop: NextHop, onResult: OnResult): void {
    if (isIP(hop.host) !== 0) {
      this.#sendFrom(hop.listener, bytes, { address: hop.host, port: hop.port }, onResult);
      return;
    }
    const family = this.#listening(hop.listener).bound.address.includes(':') ? 6 : 4;
    lookup(hop.host, { family }, (error, address) => {
      if (error !== null) onResult({ code: 'connect-failed', detail: `${hop.host}: ${error.message}` }, undefined);
      else this.#sendFrom(hop.listener, bytes, { address, port: hop.port }, onResult);
    });
  }

  #sendFrom(listener: string, bytes: Uint8Array, to: SocketAddress, onResult: OnResult): void {
    const { socket } = this.#listening(listener);
    if (socket instanceof UdpListener) socket.send(bytes, to, onResult);
    else onResult({ code: 'send-failed', detail: `${listener} is no UDP listener` }, undefined);
  }

  /** Of what we made nothing else is read: nobody has asked for its other fields yet, and few will. */
  #show(direction: 'in' | 'out', message: SipMessage, bytes: Uint8Array, flow: Flow): void {
    const callId = this.#tap === undefined ? undefined : message.headers.get('Call-ID');
    if (callId === undefined) return;
    const { transport, local, remote } = flow;
    this.#tap?.onSipMessage(callId, { direction, transport, local, remote, bytes });
  }

  /** One message that nobody foresaw must not end the process, and everybody's calls with it. */
  #guard(flow: Flow, handle: () => void): void {
    try {
      handle();
    } catch (thrown) {
      this.#failures += 1;
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      this.#logger.error('message-handling-failed', { flow: flow.id, error: messageOf(thrown), stack });
    }
  }

  #listeningTo(to: Destination): Listening {
    return this.#listening(to.kind === 'flow' ? to.flow.listener : to.listener);
  }

  #listening(name: string): Listening {
    const listening = this.#listeners.get(name);
    if (listening === undefined) throw new SbcError('unknown-listener', `there is no listener ${name}`, { name });
    return listening;
  }
}
