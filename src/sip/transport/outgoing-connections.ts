// Connections to next hops: one for each (listener, transport, host, port, names), made when first needed and used again
// while it lives (RFC 5923). Over TLS the certificate must carry the configured name (RFC 5922); nothing is sent before.
import { lookup } from 'node:dns';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { unmappedAddress } from '../../core/ip-address.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import type { NextHop } from './hop-locator.ts';
import type { ListenerOptions } from './listener-options.ts';
import { certificateMatches } from './peer-names.ts';
import { type ConnectionClosings, StreamConnection } from './stream-connection.ts';
import type { Flow, TransportError, TransportEvents } from './transport.ts';
import { keepAliveDelay, type TransportLimits } from './transport-limits.ts';

type OnResult = (error: TransportError | undefined, flow: Flow | undefined) => void;

export interface OutgoingParts {
  readonly limits: TransportLimits;
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  readonly nextFlowId: () => string;
  readonly onConnection: (connection: StreamConnection) => void;
  readonly closings: ConnectionClosings;
}

/** A connection that is being made, and what waits for it. */
interface Pending {
  readonly key: string;
  readonly hop: NextHop;
  readonly listener: ListenerOptions;
  readonly waiting: { readonly bytes: Uint8Array; readonly onResult: OnResult }[];
  socket: Socket | undefined;
  deadline: Timer | undefined;
}

export class OutgoingConnections {
  readonly #parts: OutgoingParts;
  readonly #live = new Map<string, StreamConnection>();
  readonly #pending = new Map<string, Pending>();
  #isClosed = false;

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  send(bytes: Uint8Array, hop: NextHop, listener: ListenerOptions, onResult: OnResult): void {
    const key = [hop.listener, hop.transport, hop.host, hop.port, provenName(hop), hop.serverName ?? ''].join(' ');
    const live = this.#live.get(key);
    if (live?.isAlive === true) {
      const error = live.send(bytes);
      onResult(error, error === undefined ? live.flow : undefined);
      return;
    }
    if (this.#isClosed) {
      onResult({ code: 'connect-failed', detail: 'the transport is closed' }, undefined);
      return;
    }
    const pending = this.#pending.get(key);
    if (pending !== undefined && pending.waiting.length >= this.#parts.limits.waitingMessages) {
      onResult({ code: 'overloaded', detail: `${pending.waiting.length} messages wait for ${hop.host}` }, undefined);
      return;
    }
    if (pending !== undefined) pending.waiting.push({ bytes, onResult });
    else this.#begin({ key, hop, listener, waiting: [{ bytes, onResult }], socket: undefined, deadline: undefined });
  }

  /** Gives up what is being made; live connections are closed by their owner. */
  close(): void {
    this.#isClosed = true;
    for (const pending of [...this.#pending.values()]) {
      this.#fail(pending, { code: 'connect-failed', detail: 'the transport is closed' });
    }
  }

  #begin(pending: Pending): void {
    const { key, hop, listener } = pending;
    this.#pending.set(key, pending);
    pending.deadline = this.#parts.scheduler.after(this.#parts.limits.connectTimeout, () => {
      this.#fail(pending, { code: 'connect-failed', detail: `${hopText(hop)} did not answer in time` });
    });
    pending.socket = openSocket(hop, listener, {
      opened: (socket) => this.#opened(pending, socket),
      failed: (error) => this.#fail(pending, error),
    });
  }

  #opened(pending: Pending, socket: Socket): void {
    if (!this.#end(pending)) {
      socket.destroy();
      return;
    }
    const { key, hop, listener, waiting } = pending;
    const { events, limits, scheduler, nextFlowId, onConnection, closings } = this.#parts;
    const flow: Flow = {
      id: nextFlowId(),
      listener: hop.listener,
      network: listener.network,
      transport: hop.transport,
      reliable: true,
      secure: hop.transport === 'tls',
      local: { address: unmappedAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 },
      remote: { address: unmappedAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
      peerNames: hop.transport === 'tls' ? [provenName(hop).toLowerCase()] : [],
    };
    const forgetting: TransportEvents = {
      onMessage: (message, from, bytes) => events.onMessage(message, from, bytes),
      onUnparsable: (error, from) => events.onUnparsable(error, from),
      onFlowClosed: (closed) => {
        if (this.#live.get(key) === connection) this.#live.delete(key);
        events.onFlowClosed(closed);
      },
    };
    const parts = { socket, flow, events: forgetting, limits, scheduler, closings, isAccepted: false };
    const connection = new StreamConnection(parts);
    this.#live.set(key, connection);
    onConnection(connection);
    for (const { bytes, onResult } of waiting) {
      const error = connection.send(bytes);
      onResult(error, error === undefined ? flow : undefined);
    }
  }

  #fail(pending: Pending, error: TransportError): void {
    if (!this.#end(pending)) return;
    pending.socket?.destroy();
    for (const { onResult } of pending.waiting) onResult(error, undefined);
  }

  /** False when it has ended before. */
  #end(pending: Pending): boolean {
    if (this.#pending.get(pending.key) !== pending) return false;
    this.#pending.delete(pending.key);
    pending.deadline?.cancel();
    return true;
  }
}

interface SocketOutcome {
  /** Connected and, over TLS, proven. */
  readonly opened: (socket: Socket) => void;
  readonly failed: (error: TransportError) => void;
}

function openSocket(hop: NextHop, listener: ListenerOptions, { opened, failed }: SocketOutcome): Socket {
  const target = targetOf(hop, listener);
  if (hop.transport === 'tcp') {
    const socket = connect(target, () => opened(socket));
    socket.on('error', (error) => failed({ code: 'connect-failed', detail: `${hopText(hop)}: ${error.message}` }));
    return socket;
  }
  const name = provenName(hop);
  const { tls } = listener;
  const socket = connectTls(
    {
      ...target,
      ...(isIP(name) === 0 ? { servername: hop.serverName ?? name } : {}),
      ...(tls === undefined ? {} : { cert: tls.certificate, key: tls.key }),
      ...(tls?.serverCa === undefined ? {} : { ca: [...tls.serverCa] }),
      minVersion: 'TLSv1.2',
      checkServerIdentity: (_host, certificate) =>
        certificateMatches(certificate, name) ? undefined : new Error(nameMismatch(name)),
    },
    () => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveDelay);
      opened(socket);
    },
  );
  socket.on('error', (error: Error) => {
    const code = error.message === nameMismatch(name) ? 'name-mismatch' : 'connect-failed';
    failed({ code, detail: `${hopText(hop)}: ${error.message}` });
  });
  return socket;
}

/** From the address that the listener stands on, as the next hop's rules expect it. */
function targetOf({ host, port }: NextHop, { address: { address } }: ListenerOptions): TcpNetConnectOpts {
  const common = { host, port, lookup, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveDelay };
  if (isUnspecified(address)) return common;
  return { ...common, localAddress: address, family: isIP(address) };
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** What the certificate must carry. */
function provenName({ certificateName, serverName, host }: NextHop): string {
  return certificateName ?? serverName ?? host;
}

function nameMismatch(name: string): string {
  return `the certificate does not name ${name}`;
}

function hopText({ host, port }: NextHop): string {
  return formatSocketAddress({ address: host, port });
}
