// A TCP or TLS listener (RFC 3261 §18.2): counts connections and handshakes by source address before any cryptography,
// wants TLS 1.2 at least (RFC 8996, RFC 9325), and takes a new certificate without touching live connections.

import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { ListenerOptions, TlsOptions } from './listener-options.ts';
import { peerNames } from './peer-names.ts';
import { SourceCounter } from './source-counter.ts';
import { StreamConnection } from './stream-connection.ts';
import type { Flow, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

/** What a listener turned away, by reason. */
export interface StreamListenerCounts {
  tooManyConnections: number;
  tooManyHandshakes: number;
  handshakeFailed: number;
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
}

export class StreamListener {
  readonly #parts: StreamListenerParts;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #connected: SourceCounter;
  readonly #handshakes: SourceCounter;
  readonly counts: StreamListenerCounts = { tooManyConnections: 0, tooManyHandshakes: 0, handshakeFailed: 0 };

  constructor(parts: StreamListenerParts) {
    this.#parts = parts;
    const { connections, connectionsPerAddress, handshakesPerAddress } = parts.limits;
    this.#connected = new SourceCounter(connections, connectionsPerAddress);
    this.#handshakes = new SourceCounter(connections, handshakesPerAddress);
    this.#tls = parts.options.tls === undefined ? undefined : this.#createTls(parts.options.tls);
    this.#server = createServer((socket) => this.#onSocket(socket));
  }

  get name(): string {
    return this.#parts.options.name;
  }

  /** Resolves with the bound address. Rejects with SbcError `listen-failed`. */
  listen(): Promise<SocketAddress> {
    const { address, port } = this.#parts.options.address;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const context = { listener: this.name, address, port };
        reject(new SbcError('listen-failed', `cannot listen on ${address}:${port}: ${cause.message}`, context, cause));
      });
      this.#server.listen({ host: address, port }, () => {
        const bound = this.#server.address();
        resolve({ address, port: typeof bound === 'object' && bound !== null ? bound.port : port });
      });
    });
  }

  /** New handshakes get this certificate. Throws, and keeps the old one, when key and certificate do not fit. */
  setCertificate(tls: TlsOptions): void {
    this.#tls?.setSecureContext(secureContextOf(tls));
  }

  /** Accepts nothing more; connections are closed by their owner. */
  close(): void {
    this.#server.close();
  }

  #createTls(tls: TlsOptions): TlsServer {
    const server = createTlsServer({
      ...secureContextOf(tls),
      requestCert: tls.clientCertificate !== 'off',
      rejectUnauthorized: tls.clientCertificate === 'required',
      handshakeTimeout: this.#parts.limits.handshakeTimeout,
    });
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    server.on('tlsClientError', (error, socket) => {
      this.counts.handshakeFailed += 1;
      this.#parts.logger.debug('tls-handshake-failed', { listener: this.name, error: error.message });
      socket.destroy();
    });
    return server;
  }

  #onSocket(socket: Socket): void {
    const source = socket.remoteAddress;
    socket.on('error', () => socket.destroy());
    if (source === undefined || !this.#connected.add(source)) {
      this.counts.tooManyConnections += 1;
      socket.destroy();
      return;
    }
    socket.once('close', () => this.#connected.remove(source));
    if (this.#tls === undefined) {
      this.#accept(socket, []);
      return;
    }
    if (!this.#handshakes.add(source)) {
      this.counts.tooManyHandshakes += 1;
      socket.destroy();
      return;
    }
    const handshake: Handshake = { key: remoteKey(socket), source, isOver: false };
    this.#pending.set(handshake.key, handshake);
    socket.once('close', () => this.#endHandshake(handshake));
    this.#tls.emit('connection', socket);
  }

  /** Handshakes in progress by remote address and port, which the secure socket shares with its raw one. */
  readonly #pending = new Map<string, Handshake>();

  #onSecure(socket: TLSSocket): void {
    const handshake = this.#pending.get(remoteKey(socket));
    if (handshake !== undefined) this.#endHandshake(handshake);
    this.#accept(socket, socket.authorized ? peerNames(socket.getPeerCertificate()) : []);
  }

  #endHandshake(handshake: Handshake): void {
    if (handshake.isOver) return;
    handshake.isOver = true;
    this.#pending.delete(handshake.key);
    this.#handshakes.remove(handshake.source);
  }

  #accept(socket: Socket, names: readonly string[]): void {
    const { options, events, limits, scheduler } = this.#parts;
    const local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    const remote = { address: unmapped(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    if (remote.address === '') {
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
      local,
      remote,
      peerNames: names,
    };
    const connection = new StreamConnection(socket, flow, events, limits, scheduler);
    connection.expectFirstMessage();
    this.#parts.onConnection(connection);
  }
}

interface Handshake {
  readonly key: string;
  readonly source: string;
  isOver: boolean;
}

function remoteKey(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`;
}

/** An IPv4 peer of a dual-stack listener as itself. */
export function unmapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function secureContextOf(tls: TlsOptions): Record<string, unknown> & { readonly minVersion: 'TLSv1.2' } {
  return {
    cert: tls.certificate,
    key: tls.key,
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa }),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}
