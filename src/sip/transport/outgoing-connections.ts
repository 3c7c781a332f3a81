// Connections to next hops: one for each (listener, host, port, name), made when first needed and used again while it
// lives (RFC 5923). Over TLS the certificate must carry the configured name (RFC 5922); nothing is sent before that holds.
import { lookup } from 'node:dns';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Scheduler } from '../../core/scheduler.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import type { ListenerOptions } from './listener-options.ts';
import { certificateMatches } from './peer-names.ts';
import { StreamConnection } from './stream-connection.ts';
import { unmapped } from './stream-listener.ts';
import type { Destination, Flow, TransportError, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

export type NextHop = Extract<Destination, { readonly kind: 'next-hop' }>;
type OnResult = (error: TransportError | undefined, flow: Flow | undefined) => void;

export interface OutgoingParts {
  readonly limits: TransportLimits;
  readonly events: TransportEvents;
  readonly scheduler: Scheduler;
  readonly nextFlowId: () => string;
  readonly onConnection: (connection: StreamConnection) => void;
}

interface Pending {
  readonly waiting: { readonly bytes: Uint8Array; readonly onResult: OnResult }[];
}

export class OutgoingConnections {
  readonly #parts: OutgoingParts;
  readonly #live = new Map<string, StreamConnection>();
  readonly #pending = new Map<string, Pending>();

  constructor(parts: OutgoingParts) {
    this.#parts = parts;
  }

  send(bytes: Uint8Array, hop: NextHop, listener: ListenerOptions, onResult: OnResult): void {
    const key = `${hop.listener} ${hop.transport} ${hop.host} ${hop.port} ${hop.certificateName ?? ''}`;
    const live = this.#live.get(key);
    if (live?.isAlive === true) {
      const error = live.send(bytes);
      onResult(error, error === undefined ? live.flow : undefined);
      return;
    }
    const pending = this.#pending.get(key) ?? this.#begin(key, hop, listener);
    if (pending.waiting.length >= this.#parts.limits.waitingMessages) {
      onResult({ code: 'overloaded', detail: `${pending.waiting.length} messages wait for ${hop.host}` }, undefined);
      return;
    }
    pending.waiting.push({ bytes, onResult });
  }

  #begin(key: string, hop: NextHop, listener: ListenerOptions): Pending {
    const pending: Pending = { waiting: [] };
    this.#pending.set(key, pending);
    const finish = (result: Socket | TransportError): void => {
      if (this.#pending.get(key) !== pending) return;
      this.#pending.delete(key);
      deadline.cancel();
      if ('code' in result) this.#fail(pending, result);
      else this.#opened(key, pending, result, hop, listener);
    };
    const socket = openSocket(hop, listener, finish);
    const deadline = this.#parts.scheduler.after(this.#parts.limits.connectTimeout, () => {
      socket.destroy();
      finish({ code: 'connect-failed', detail: `${hop.host}:${hop.port} did not answer in time` });
    });
    return pending;
  }

  #opened(key: string, pending: Pending, socket: Socket, hop: NextHop, listener: ListenerOptions): void {
    const { events, limits, scheduler, nextFlowId, onConnection } = this.#parts;
    const flow: Flow = {
      id: nextFlowId(),
      listener: hop.listener,
      network: listener.network,
      transport: hop.transport,
      reliable: true,
      secure: hop.transport === 'tls',
      local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
      remote: { address: unmapped(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
      peerNames: hop.certificateName === undefined ? [] : [hop.certificateName.toLowerCase()],
    };
    const forgetting: TransportEvents = {
      onMessage: (message, from) => events.onMessage(message, from),
      onUnparsable: (error, from) => events.onUnparsable(error, from),
      onFlowClosed: (closed) => {
        if (this.#live.get(key) === connection) this.#live.delete(key);
        events.onFlowClosed(closed);
      },
    };
    const connection = new StreamConnection(socket, flow, forgetting, limits, scheduler);
    this.#live.set(key, connection);
    onConnection(connection);
    for (const { bytes, onResult } of pending.waiting) {
      const error = connection.send(bytes);
      onResult(error, error === undefined ? flow : undefined);
    }
  }

  #fail(pending: Pending, error: TransportError): void {
    for (const { onResult } of pending.waiting) onResult(error, undefined);
  }
}

/** `finish` runs once the peer is connected and, over TLS, proven. */
function openSocket(
  hop: NextHop,
  listener: ListenerOptions,
  finish: (result: Socket | TransportError) => void,
): Socket {
  const where = formatSocketAddress({ address: hop.host, port: hop.port });
  const target = { host: hop.host, port: hop.port, lookup };
  if (hop.transport === 'tcp') {
    const socket = connect(target, () => finish(socket));
    socket.once('error', (error) => finish({ code: 'connect-failed', detail: `${where}: ${error.message}` }));
    return socket;
  }
  const name = hop.certificateName ?? hop.serverName ?? hop.host;
  const { tls } = listener;
  const socket = connectTls(
    {
      ...target,
      ...(isIP(name) === 0 ? { servername: hop.serverName ?? name } : {}),
      ...(tls === undefined ? {} : { cert: tls.certificate, key: tls.key }),
      ...(tls?.serverCa === undefined ? {} : { ca: tls.serverCa }),
      minVersion: 'TLSv1.2',
      checkServerIdentity: (_host, certificate) =>
        certificateMatches(certificate, name) ? undefined : new Error(nameMismatch(name)),
    },
    () => finish(socket),
  );
  socket.once('error', (error) => {
    const code = error.message === nameMismatch(name) ? 'name-mismatch' : 'connect-failed';
    finish({ code, detail: `${where}: ${error.message}` });
  });
  return socket;
}

function nameMismatch(name: string): string {
  return `the certificate does not name ${name}`;
}
