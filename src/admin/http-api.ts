// The admin API on node:http, two faces over one set of operations: probes and metrics on a TCP address, everything on a Unix
// socket that only the owner of the process may open.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { messageOf, SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { formatSocketAddress, type SocketAddress } from '../core/socket-address.ts';
import { createServer } from './node-http.ts';
import type { AdminOperations } from './operations.ts';
import { type AdminReply, type Face, operatorFace, probeFace, refusal, route } from './routes.ts';
import { listenOnSocket } from './unix-socket.ts';

export interface AdminServerOptions {
  readonly operations: AdminOperations;
  /** Path of the Unix socket. Its folder exists. */
  readonly socket: string;
  /** Where probes and metrics are served; port 0 takes any. Absent: nowhere. */
  readonly address?: SocketAddress | undefined;
  /** What `/metrics` says there, where it is of more than this process; the socket's is of this one. Begun once for all who ask meanwhile. */
  readonly metricsOfAll?: (() => Promise<string>) | undefined;
  readonly logger: Logger;
}

/** Times in milliseconds. */
export const adminLimits = {
  connections: 64,
  headerBytes: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  /** Without a byte either way; an answer that takes longer is not given. */
  idleTimeout: 30_000,
  keepAliveTimeout: 5_000,
} as const;

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #operator: Server;
  readonly #probe: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#operator = this.#serve(operatorFace);
    this.#probe = this.#serve(probeFace(options.metricsOfAll && oneAtATime(options.metricsOfAll)));
  }

  /** Where probes and metrics are served; undefined when nowhere. */
  get address(): SocketAddress | undefined {
    const bound = this.#probe.address();
    return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : undefined;
  }

  /** Rejects with SbcError `admin-socket-in-use`, `admin-socket-unusable` or `listen-failed`; then neither face is open. */
  async listen(): Promise<void> {
    const { socket, address } = this.#options;
    await listenOnSocket(this.#operator, socket);
    try {
      if (address !== undefined) await listenOnAddress(this.#probe, address);
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** Resolves when both faces are closed; the socket file is gone then. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#operator, this.#probe].map(closed));
  }

  #serve(face: Face): Server {
    const { connections, headerBytes, headersTimeout, requestTimeout, idleTimeout, keepAliveTimeout } = adminLimits;
    const options = { maxHeaderSize: headerBytes, headersTimeout, requestTimeout, keepAliveTimeout };
    const server = createServer(options, (request, response) => {
      void this.#answer(face, request).then((reply) => send(response, reply));
    });
    server.maxConnections = connections;
    server.timeout = idleTimeout;
    // Without this, a connection that cannot be accepted for want of descriptors would end the process.
    server.on('error', (error) => this.#options.logger.error('admin-server-failed', { error: error.message }));
    return server;
  }

  /** Never rejects. */
  async #answer(face: Face, request: IncomingMessage): Promise<AdminReply> {
    const { method = '', url = '' } = request;
    // For the log: a query may hold a code.
    const [path = ''] = url.split('?', 1);
    if (hasBody(request)) return refusal(413, 'body-too-large', 'no request here takes a body');
    const routed = route(face, method, url);
    if (typeof routed !== 'function') return routed;
    try {
      const reply = await routed(this.#options.operations);
      if (method !== 'GET' && method !== 'HEAD') {
        this.#options.logger.info('admin-request', { method, path, status: reply.status });
      }
      return reply;
    } catch (thrown) {
      const code = thrown instanceof SbcError ? thrown.code : 'internal';
      this.#options.logger.error('admin-request-failed', { method, path, code, error: messageOf(thrown) });
      if (code === 'not-started') return refusal(503, code, 'the SBC is starting');
      return refusal(500, code, 'the request failed; the log says why');
    }
  }
}

/** Anybody may ask, and each answer asks every process: whoever asks while one is made has that one. */
function oneAtATime<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= make().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

function send(response: ServerResponse, { status, contentType, body, allow }: AdminReply): void {
  response.statusCode = status;
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (allow !== undefined) response.setHeader('Allow', allow);
  // A body that was refused is not read either.
  if (status === 413) response.setHeader('Connection', 'close');
  response.end(body);
}

function listenOnAddress(server: Server, { address, port }: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `cannot serve metrics on ${formatSocketAddress({ address, port })}: ${cause.message}`;
      reject(new SbcError('listen-failed', message, { address, port }, cause));
    };
    server.once('error', fail);
    server.listen({ host: address, port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
