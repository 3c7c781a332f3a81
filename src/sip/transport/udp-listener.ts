// A UDP listener (RFC 3261 §18.1, §18.2). Every source is a flow of its own: the listener and the remote address.
import { createSocket, type Socket } from 'node:dgram';
import { SbcError } from '../../core/errors.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { parseMessage } from '../message/parser.ts';
import type { ListenerOptions } from './listener-options.ts';
import { withReceived } from './received.ts';
import type { Flow, TransportError, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

/** A datagram of line ends or of less than this is a keep-alive of some kind. */
const shortestMessageBytes = 16;
const receiveBufferBytes = 4_194_304;

export class UdpListener {
  readonly #options: ListenerOptions;
  readonly #limits: TransportLimits;
  readonly #events: TransportEvents;
  readonly #socket: Socket;
  #local: SocketAddress;
  #isClosed = false;

  constructor(options: ListenerOptions, limits: TransportLimits, events: TransportEvents) {
    this.#options = options;
    this.#limits = limits;
    this.#events = events;
    this.#local = options.address;
    const type = options.address.address.includes(':') ? 'udp6' : 'udp4';
    this.#socket = createSocket({ type, recvBufferSize: receiveBufferBytes });
    this.#socket.on('message', (bytes, { address, port }) => this.#onDatagram(bytes, { address, port }));
  }

  get name(): string {
    return this.#options.name;
  }

  get isAlive(): boolean {
    return !this.#isClosed;
  }

  /** Resolves with the bound address. Rejects with SbcError `listen-failed`. */
  listen(): Promise<SocketAddress> {
    const { address, port } = this.#options.address;
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        const context = { listener: this.name, address, port };
        reject(new SbcError('listen-failed', `cannot bind ${address}:${port}: ${cause.message}`, context, cause));
      };
      this.#socket.once('error', failed);
      this.#socket.bind({ address, port }, () => {
        this.#socket.off('error', failed);
        // ICMP errors of earlier datagrams arrive here; each sender hears of its own through the callback of `send`.
        this.#socket.on('error', () => {});
        this.#local = { address, port: this.#socket.address().port };
        resolve(this.#local);
      });
    });
  }

  send(bytes: Uint8Array, to: SocketAddress, onResult: (error: TransportError | undefined, flow: Flow) => void): void {
    const flow = this.#flowOf(to);
    if (this.#isClosed) {
      onResult({ code: 'flow-gone', detail: flow.id }, flow);
      return;
    }
    this.#socket.send(bytes, to.port, to.address, (error) => {
      onResult(error === null ? undefined : { code: 'send-failed', detail: error.message }, flow);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }

  #onDatagram(bytes: Uint8Array, source: SocketAddress): void {
    if (bytes.length < shortestMessageBytes) return;
    const flow = this.#flowOf(source);
    const parsed = parseMessage(bytes, this.#limits.message, 'datagram');
    if (!parsed.ok) {
      this.#events.onUnparsable(parsed.error, flow);
      return;
    }
    const message = parsed.value;
    this.#events.onMessage(message.kind === 'request' ? withReceived(message, source) : message, flow);
  }

  #flowOf(remote: SocketAddress): Flow {
    const { name, network } = this.#options;
    return {
      id: `${name}|${remote.address}|${remote.port}`,
      listener: name,
      network,
      transport: 'udp',
      reliable: false,
      secure: false,
      local: this.#local,
      remote,
      peerNames: [],
    };
  }
}
