// A UDP listener (RFC 3261 §18.1, §18.2). Every source is a flow of its own: the listener and the remote address.
import { createSocket, type Socket } from 'node:dgram';
import { messageOf, SbcError } from '../../core/errors.ts';
import { unmappedAddress } from '../../core/ip-address.ts';
import type { Logger } from '../../core/logger.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { parseMessage } from '../message/parser.ts';
import type { ListenerOptions } from './listener-options.ts';
import { withReceived } from './received.ts';
import type { Flow, TransportError, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

/** A datagram of less than this, or of line ends, is a keep-alive of some kind. */
const shortestMessageBytes = 16;
const receiveBufferBytes = 4_194_304;

export interface UdpListenerParts {
  readonly options: ListenerOptions;
  readonly limits: TransportLimits;
  readonly events: TransportEvents;
  readonly logger: Logger;
}

export class UdpListener {
  readonly #parts: UdpListenerParts;
  #socket: Socket;
  readonly #isIPv6: boolean;
  #local: SocketAddress;
  #isClosed = false;
  #isHeld = false;

  constructor(parts: UdpListenerParts) {
    this.#parts = parts;
    this.#local = parts.options.address;
    this.#isIPv6 = this.#local.address.includes(':');
    this.#socket = this.#createSocket();
  }

  get name(): string {
    return this.#parts.options.name;
  }

  get isAlive(): boolean {
    return !this.#isClosed;
  }

  /** Resolves with the bound address; `inherited` is a socket that is bound there already. Rejects with SbcError `listen-failed`. */
  listen(inherited?: number): Promise<SocketAddress> {
    const { address, port } = this.#parts.options.address;
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        const context = { listener: this.name, address, port };
        reject(new SbcError('listen-failed', `cannot bind ${address}:${port}: ${cause.message}`, context, cause));
      };
      this.#socket.once('error', failed);
      this.#socket.bind(inherited === undefined ? { address, port } : { fd: inherited }, () => {
        this.#socket.off('error', failed);
        // ICMP errors of earlier datagrams arrive here; each sender hears of its own through the callback of `send`.
        this.#socket.on('error', (error) => {
          this.#parts.logger.debug('udp-error', { listener: this.name, error: error.message });
        });
        this.#local = { address, port: this.#socket.address().port };
        resolve(this.#local);
      });
    });
  }

  /** Reads nothing until `carryOn`. */
  hold(): void {
    this.#isHeld = true;
    this.#socket.close();
  }

  /** As `listen`, after `hold`. */
  carryOn(inherited: number | undefined): Promise<SocketAddress> {
    this.#isHeld = false;
    this.#socket = this.#createSocket();
    return this.listen(inherited);
  }

  send(bytes: Uint8Array, to: SocketAddress, onResult: (error: TransportError | undefined, flow: Flow) => void): void {
    const flow = this.#flowOf(to);
    if (this.#isClosed) {
      onResult({ code: 'flow-gone', detail: flow.id }, flow);
      return;
    }
    try {
      this.#socket.send(bytes, to.port, this.#sendable(to.address), (error) => {
        onResult(error === null ? undefined : { code: 'send-failed', detail: error.message }, flow);
      });
    } catch (thrown) {
      // A port or address that nothing can be sent to, such as port 0.
      onResult({ code: 'send-failed', detail: messageOf(thrown) }, flow);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isHeld) this.#socket.close();
  }

  #createSocket(): Socket {
    const socket = createSocket({
      type: this.#isIPv6 ? 'udp6' : 'udp4',
      recvBufferSize: receiveBufferBytes,
      reusePort: this.#parts.options.isShared === true,
      // Addresses are numeric here, and no datagram waits for a resolver.
      lookup: (address, _options, done) => done(null, address, this.#isIPv6 ? 6 : 4),
    });
    socket.on('message', (bytes, { address, port }) => this.#onDatagram(bytes, address, port));
    return socket;
  }

  #onDatagram(bytes: Uint8Array, address: string, port: number): void {
    // Nothing can be answered to port 0: whoever sends from there forged it.
    if (bytes.length < shortestMessageBytes || isBlank(bytes) || port === 0) return;
    const { limits, events } = this.#parts;
    const source = { address: unmappedAddress(address), port };
    const flow = this.#flowOf(source);
    const parsed = parseMessage(bytes, limits.message, 'datagram');
    if (!parsed.ok) {
      events.onUnparsable(parsed.error, flow);
      return;
    }
    const message = parsed.value;
    events.onMessage(message.kind === 'request' ? withReceived(message, source) : message, flow, bytes);
  }

  /** An IPv6 socket reaches IPv4 by IPv4-mapped addresses (RFC 4291 §2.5.5.2). */
  #sendable(address: string): string {
    return this.#isIPv6 && !address.includes(':') ? `::ffff:${address}` : address;
  }

  #flowOf(remote: SocketAddress): Flow {
    const { name, network } = this.#parts.options;
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

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x0d || byte === 0x0a || byte === 0);
}
