// A TCP or TLS listener (RFC 3261 §18.2): counts connections and handshakes by source before any cryptography, wants
// TLS 1.2 at least (RFC 8996, RFC 9325), and takes a new certificate without touching live connections.

import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
  type TlsOptions as TlsServerOptions,
} from 'node:tls';
import { SbcError } from '../../core/errors.ts';
import { unmappedAddress } from '../../core/ip-address.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { ListenerOptions, TlsOptions } from './listener-options.ts';
import { peerNames } from './peer-names.ts';
import { contextOptions, ServerCertificates } from './server-certificates.ts';
import { SourceCounter } from './source-counter.ts';
import { type ConnectionClosings, StreamConnection } from './stream-connection.ts';
import type { Flow, TransportEvents } from './transport.ts';
import { keepAliveDelay, type TransportLimits } from './transport-limits.ts';

/** What a listener turned away, by reason. */
export interface StreamListenerCounts {
  tooManyConnections: number;
  /** Their address is banned. */
  banned: number;
  tooManyHandshakes: number;
  handshakeFailed: number;
  /** The system had no descriptor or memory for one more. */
  acceptFailed: number;
}

export interface StreamListenerParts {
  readonly options: ListenerOptions;
  readonly limits: TransportLimits;
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Names the next flow; unique in the process. */
  readonly nextFlowId: () => string;
  readonly onConnection: (connection: StreamConnection) => void;
  readonly closings: ConnectionClosings;
  /** Asked before anything is kept or computed for a connection. */
  readonly isBanned: (address: string) => boolean;
}

export class StreamListener {
  readonly counts: StreamListenerCounts = {
    tooManyConnections: 0,
    banned: 0,
    tooManyHandshakes: 0,
    handshakeFailed: 0,
    acceptFailed: 0,
  };
  readonly #parts: StreamListenerParts;
  #server: Server;
  /** It listens nowhere: sockets are handed to it. */
  #tls: TlsServer | undefined;
  readonly #connected: SourceCounter;
  readonly #handshaking: SourceCounter;
  /** Handshakes in progress by both addresses, which the secure socket shares with its raw one. */
  readonly #handshakes = new Map<string, Handshake>();
  #isClosed = false;

  constructor(parts: StreamListenerParts) {
    this.#parts = parts;
    const { connections, connectionsPerAddress, handshakesPerAddress } = parts.limits;
    this.#connected = new SourceCounter(connections, connectionsPerAddress);
    this.#handshaking = new SourceCounter(connections, handshakesPerAddress);
    const { tls } = parts.options;
    this.#tls = tls === undefined ? undefined : this.#createTls(tls);
    this.#server = this.#createServer();
  }

  get name(): string {
    return this.#parts.options.name;
  }

  /** Connections that are counted now, and those of them in a handshake. */
  get held(): { readonly connections: number; readonly handshakes: number } {
    return { connections: this.#connected.total, handshakes: this.#handshaking.total };
  }

  /** Resolves with the bound address; `inherited` is a socket that listens there already. Rejects with SbcError `listen-failed`. */
  listen(inherited?: number): Promise<SocketAddress> {
    const { isShared = false } = this.#parts.options;
    const { address, port } = this.#parts.options.address;
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        const context = { listener: this.name, address, port };
        reject(new SbcError('listen-failed', `cannot listen on ${address}:${port}: ${cause.message}`, context, cause));
      };
      this.#server.once('error', failed);
      this.#server.listen(
        inherited === undefined ? { host: address, port, reusePort: isShared } : { fd: inherited },
        () => {
          this.#server.off('error', failed);
          this.#server.on('error', (error) => this.#onAcceptFailed(error));
          const bound = this.#server.address();
          resolve({ address, port: typeof bound === 'object' && bound !== null ? bound.port : port });
        },
      );
    });
  }

  /** Accepts nothing until `carryOn`; connections that it has are their owner's affair. */
  hold(): void {
    this.#server.close();
  }

  /** As `listen`, after `hold`. */
  carryOn(inherited: number | undefined): Promise<SocketAddress> {
    this.#server = this.#createServer();
    return this.listen(inherited);
  }

  /** New handshakes get this certificate. Throws, and keeps the old one, when key and certificate do not fit. */
  setCertificate(tls: TlsOptions): void {
    if (this.#tls === undefined) return;
    const renewed = this.#createTls(tls);
    renewed.setTicketKeys(this.#tls.getTicketKeys());
    this.#tls = renewed;
  }

  /** Session tickets are sealed with these from now on, also under a new certificate. */
  setTicketKeys(keys: Buffer): void {
    this.#tls?.setTicketKeys(keys);
  }

  /** Accepts nothing more and ends what is still in a handshake; connections are closed by their owner. */
  close(): void {
    this.#isClosed = true;
    this.#server.close();
    for (const { socket } of [...this.#handshakes.values()]) socket.destroy();
  }

  #createServer(): Server {
    const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelay };
    return createServer(socketOptions, (socket) => this.#onSocket(socket));
  }

  #createTls(tls: TlsOptions): TlsServer {
    const certificates = new ServerCertificates(this.name, tls);
    const server = createTlsServer({
      ...contextOptions(this.name, tls, tls),
      // With one certificate there is nothing to choose, and no handshake need wait for an answer.
      ...(certificates.isEmpty ? {} : { SNICallback: chosenFrom(certificates) }),
      // A browser that was lured here speaks another protocol, and says so (RFC 9325 §3.7); phones offer none or this one.
      // Asked, since Node copies a list of them for each connection, into pieces of 64 kB that live as long as one of their connections.
      ALPNCallback: ({ protocols }) => protocols.find((protocol) => protocol === 'sip/2'),
      requestCert: tls.clientCertificate !== 'off',
      rejectUnauthorized: tls.clientCertificate === 'required',
    });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    server.on('tlsClientError', (error, socket) => {
      this.counts.handshakeFailed += 1;
      this.#parts.logger.debug('tls-handshake-failed', { listener: this.name, error: error.message });
      socket.destroy();
    });
    return server;
  }

  #onAcceptFailed(error: Error): void {
    this.counts.acceptFailed += 1;
    // The first says what the operator must know; a flood of them must not fill the log.
    if (this.counts.acceptFailed === 1) {
      this.#parts.logger.error('accept-failed', { listener: this.name, error: error.message });
    }
  }

  #onSocket(socket: Socket): void {
    const source = socket.remoteAddress;
    socket.on('error', () => socket.destroy());
    if (source !== undefined && this.#parts.isBanned(source)) {
      this.counts.banned += 1;
      socket.destroy();
      return;
    }
    if (this.#isClosed || source === undefined || !this.#connected.add(source)) {
      this.counts.tooManyConnections += 1;
      socket.destroy();
      return;
    }
    socket.once('close', () => this.#connected.remove(source));
    if (this.#tls === undefined) this.#accept(socket, []);
    else this.#beginHandshake(this.#tls, socket, source);
  }

  #beginHandshake(server: TlsServer, socket: Socket, source: string): void {
    if (!this.#handshaking.add(source)) {
      this.counts.tooManyHandshakes += 1;
      socket.destroy();
      return;
    }
    const { scheduler, limits } = this.#parts;
    const deadline = scheduler.after(limits.handshakeTimeout, () => socket.destroy());
    const handshake: Handshake = { key: keyOf(socket), source, socket, deadline, hasBegun: false, isOver: false };
    this.#handshakes.set(handshake.key, handshake);
    socket.once('close', () => {
      if (!handshake.hasBegun) this.counts.handshakeFailed += 1;
      this.#endHandshake(handshake);
    });
    // TLS begins with the first bytes: whoever says nothing costs none, and Node takes a buffer as large as they are, where it takes one
    // of 64 kB for the life of a connection whose first bytes it reads itself.
    socket.once('readable', () => {
      handshake.hasBegun = socket.readableLength > 0;
      if (handshake.hasBegun) server.emit('connection', socket);
      else socket.destroy();
    });
  }

  #onSecure(socket: TLSSocket): void {
    // Errors of the secure socket are its own: the raw one hears nothing of a broken record.
    socket.on('error', () => socket.destroy());
    const handshake = this.#handshakes.get(keyOf(socket));
    if (handshake !== undefined) this.#endHandshake(handshake);
    this.#accept(socket, socket.authorized ? peerNames(socket.getPeerCertificate()) : []);
  }

  #endHandshake(handshake: Handshake): void {
    if (handshake.isOver) return;
    handshake.isOver = true;
    handshake.deadline.cancel();
    this.#handshakes.delete(handshake.key);
    this.#handshaking.remove(handshake.source);
  }

  #accept(socket: Socket, names: readonly string[]): void {
    const { options, events, limits, scheduler, closings } = this.#parts;
    const remote = { address: unmappedAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    if (this.#isClosed || remote.address === '') {
      socket.destroy();
      return;
    }
    const flow: Flow = {
      id: this.#parts.nextFlowId(),
      listener: options.name,
      network: options.network,
      transport: options.transport,
      reliable: true,
      secure: options.transport === 'tls',
      local: { address: unmappedAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 },
      remote,
      peerNames: names,
    };
    this.#parts.onConnection(
      new StreamConnection({ socket, flow, events, limits, scheduler, closings, isAccepted: true }),
    );
  }
}

function chosenFrom(certificates: ServerCertificates): NonNullable<TlsServerOptions['SNICallback']> {
  return (name, done) => done(null, certificates.contextFor(name));
}

interface Handshake {
  readonly key: string;
  readonly source: string;
  readonly socket: Socket;
  readonly deadline: Timer;
  /** Its first bytes are there. */
  hasBegun: boolean;
  isOver: boolean;
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localAddress ?? ''}`;
}
