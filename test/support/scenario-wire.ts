// The network of a scenario: what the SBC sends is written as bytes, read again and put into the inbox of whoever stands at
// that flow or next hop; what a peer sends comes in the same way. Connections can be cut, and messages lost.
import type { SocketAddress } from '../../src/core/socket-address.ts';
import type { SipMessage } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { serializeMessage } from '../../src/sip/message/serializer.ts';
import { withReceived } from '../../src/sip/transport/received.ts';
import type {
  Destination,
  Flow,
  SipTransport,
  TransportError,
  TransportEvents,
  TransportName,
} from '../../src/sip/transport/transport.ts';
import { summaryOf } from './fake-transport.ts';

export interface WireListener {
  readonly name: string;
  readonly network: string;
  readonly transport: TransportName;
  readonly address: SocketAddress;
  /** What Via and Contact show. */
  readonly advertise: SocketAddress;
}

/** Somebody at the other end of a flow. */
export interface WirePeer {
  readonly flow: Flow;
  deliver(message: SipMessage): void;
}

export interface WireEntry {
  /** `to`: the SBC sent it. */
  readonly direction: 'to' | 'from';
  readonly flow: Flow;
  readonly message: SipMessage;
  readonly text: string;
}

export class Wire implements SipTransport {
  readonly log: WireEntry[] = [];
  /** Messages for which it is true never arrive; neither side is told. */
  loses: (direction: 'to' | 'from', message: SipMessage) => boolean = () => false;
  readonly #listeners: ReadonlyMap<string, WireListener>;
  readonly #events: () => TransportEvents;
  readonly #peers = new Map<string, WirePeer>();
  readonly #hops = new Map<string, WirePeer>();
  readonly #dead = new Set<string>();

  constructor(listeners: readonly WireListener[], events: () => TransportEvents) {
    this.#listeners = new Map(listeners.map((listener) => [listener.name, listener]));
    this.#events = events;
  }

  /** `hop`: the host and port under which the SBC calls it, when it does. */
  connect(peer: WirePeer, hop?: { readonly host: string; readonly port: number }): void {
    this.#peers.set(peer.flow.id, peer);
    if (hop !== undefined) this.#hops.set(`${hop.host}:${hop.port}`, peer);
  }

  /** A flow from `remote` to the named listener of the SBC. */
  flow(listener: string, remote: SocketAddress, serial: number, peerNames: readonly string[] = []): Flow {
    const { network, transport, address } = this.#listener(listener);
    const isDatagram = transport === 'udp';
    return {
      id: isDatagram ? `${listener}|${remote.address}|${remote.port}` : `flow-${serial}`,
      listener,
      network,
      transport,
      reliable: !isDatagram,
      secure: transport === 'tls',
      local: address,
      remote,
      peerNames,
    };
  }

  /** What a peer sends. */
  receive(message: SipMessage, flow: Flow): void {
    const { text, copy } = crossWire(message);
    this.log.push({ direction: 'from', flow, message: copy, text });
    if (this.#dead.has(flow.id) || this.loses('from', copy)) return;
    this.handUp(copy, flow);
  }

  /** As a socket does with what it has read. */
  handUp(message: SipMessage, flow: Flow): void {
    const received = message.kind === 'request' ? withReceived(message, flow.remote) : message;
    this.#events().onMessage(received, flow, serializeMessage(message));
  }

  /** The connection is gone. */
  cut(flow: Flow): void {
    if (this.#dead.has(flow.id)) return;
    this.#dead.add(flow.id);
    this.#events().onFlowClosed(flow);
  }

  send(
    message: SipMessage,
    to: Destination,
    onResult: (error: TransportError | undefined, flow: Flow | undefined) => void,
  ): void {
    const peer = to.kind === 'flow' ? this.#peers.get(to.flow.id) : this.#hops.get(`${to.host}:${to.port}`);
    if (peer === undefined || this.#dead.has(peer.flow.id)) {
      const detail = to.kind === 'flow' ? to.flow.id : `${to.host}:${to.port}`;
      onResult({ code: to.kind === 'flow' ? 'flow-gone' : 'connect-failed', detail }, undefined);
      return;
    }
    const { text, copy } = crossWire(message);
    this.log.push({ direction: 'to', flow: peer.flow, message: copy, text });
    if (!this.loses('to', copy)) peer.deliver(copy);
    onResult(undefined, peer.flow);
  }

  reliable(to: Destination): boolean {
    return transportOf(to) !== 'udp';
  }

  viaFor(to: Destination): { readonly transport: TransportName; readonly sentBy: string } {
    const { advertise } = this.#listener(listenerOf(to));
    return { transport: transportOf(to), sentBy: `${advertise.address}:${advertise.port}` };
  }

  contactFor(to: Destination, user?: string): string {
    const { advertise, transport } = this.#listener(listenerOf(to));
    const parameters = transport === 'udp' ? '' : `;transport=${transport}`;
    return `<sip:${user === undefined ? '' : `${user}@`}${advertise.address}:${advertise.port}${parameters}>`;
  }

  isAlive(flow: Flow): boolean {
    // A connection of an earlier process is none of this one.
    return !this.#dead.has(flow.id) && (!flow.reliable || this.#peers.has(flow.id));
  }

  #listener(name: string): WireListener {
    const listener = this.#listeners.get(name);
    if (listener === undefined) throw new Error(`no listener ${name}`);
    return listener;
  }
}

/** The message as the other end reads it. Throws when it cannot be read: what we send must be well-formed. */
function crossWire(message: SipMessage): { readonly text: string; readonly copy: SipMessage } {
  const bytes = serializeMessage(message);
  const parsed = parseMessage(bytes);
  if (!parsed.ok) throw new Error(`${summaryOf(message)} cannot be read: ${parsed.error.code} ${parsed.error.detail}`);
  return { text: Buffer.from(bytes).toString('latin1'), copy: parsed.value };
}

function transportOf(to: Destination): TransportName {
  return to.kind === 'flow' ? to.flow.transport : to.transport;
}

function listenerOf(to: Destination): string {
  return to.kind === 'flow' ? to.flow.listener : to.listener;
}
