// The dashboard's server: static files of ours, and an API behind a session. It trusts nothing that a browser sends along by itself: a
// change needs the page's token and the page's origin. Plain HTTP is for the loopback only (the configuration holds to that).
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import * as z from 'zod';
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import { createServer } from '../node-http.ts';
import { type AdminReply, json, refusal } from '../routes.ts';
import { readPageFiles } from './page-files.ts';
import { SignInGate } from './sign-in-gate.ts';
import { bodyOf, hasBody, isFromElsewhere, send, sourceOf, type WebReply, webLimits } from './web-exchange.ts';
import type { WebAccounts, WebOperations } from './web-operations.ts';
import { actorOf, webRouteOf } from './web-routes.ts';
import { isSameSecret, type PassedSession, type WebSession, WebSessions } from './web-sessions.ts';

export interface WebServerOptions {
  readonly operations: WebOperations;
  readonly accounts: WebAccounts;
  readonly address: SocketAddress;
  /** As PEM; absent: plain HTTP. */
  readonly tls?: WebTls | undefined;
  readonly idleTimeout: Millis;
  readonly sessionLifetime: Millis;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface WebTls {
  readonly certificate: string;
  readonly key: string;
}

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #server: Server | TlsServer;
  readonly #files = readPageFiles();
  readonly #sessions: WebSessions;
  readonly #gate: SignInGate;
  readonly #perAddress = new Map<string, number>();

  /** Throws SbcError `certificate-unusable`. */
  constructor(options: WebServerOptions) {
    this.#options = options;
    const { clock, random, idleTimeout: idle, sessionLifetime: lifetime, tls } = options;
    this.#sessions = new WebSessions({ idle, lifetime }, clock, random);
    this.#gate = new SignInGate(clock);
    this.#server = this.#serve(tls);
  }

  /** Who is signed in, for the process that takes this one's place. */
  passSessions(): readonly PassedSession[] {
    return this.#sessions.passOn();
  }

  /** What `passSessions` of the process before gave; anything else is nothing. */
  takeSessions(passed: unknown): void {
    this.#sessions.takeOver(passed);
  }

  /** Where it listens. */
  get address(): SocketAddress | undefined {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound !== null ? { address: bound.address, port: bound.port } : undefined;
  }

  /** Rejects with SbcError `listen-failed`. */
  listen(): Promise<void> {
    const { address, port } = this.#options.address;
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        const message = `cannot serve the dashboard on ${formatSocketAddress({ address, port })}: ${cause.message}`;
        reject(new SbcError('listen-failed', message, { address, port }, cause));
      };
      this.#server.once('error', fail);
      this.#server.listen({ host: address, port }, () => {
        this.#server.off('error', fail);
        resolve();
      });
    });
  }

  /** New handshakes get it. Throws where certificate and key do not fit; then the old one stays. */
  setCertificate({ certificate, key }: WebTls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ cert: certificate, key, minVersion });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #serve(tls: WebTls | undefined): Server | TlsServer {
    const { connections, headerBytes, headersTimeout, requestTimeout, keepAliveTimeout, handshakeTimeout } = webLimits;
    const http = { maxHeaderSize: headerBytes, headersTimeout, requestTimeout, keepAliveTimeout };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(request).then((reply) => send(request, response, reply));
    };
    const server =
      tls === undefined ? createServer(http, listener) : createTls({ ...http, handshakeTimeout }, tls, listener);
    server.maxConnections = connections;
    server.timeout = webLimits.idleTimeout;
    server.on('connection', (socket: Socket) => this.#count(socket));
    server.on('error', (error) => this.#options.logger.error('web-server-failed', { error: error.message }));
    return server;
  }

  /** One address does not take every connection. */
  #count(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    this.#perAddress.set(address, count);
    socket.once('close', () => {
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
    if (count > webLimits.connectionsPerAddress) socket.destroy();
  }

  /** Never rejects. */
  async #answer(request: IncomingMessage): Promise<WebReply> {
    const { method = '', url = '' } = request;
    const [path = ''] = url.split('?', 1);
    try {
      if (!this.#isOurHost(request)) return refusal(421, 'unknown-host', 'this is not the name of this server');
      if (!path.startsWith('/api/')) return this.#file(method, path);
      if (isFromElsewhere(request)) return refusal(403, 'other-site', 'another site asks');
      return await this.#api(request, method, path);
    } catch (thrown) {
      const code = thrown instanceof SbcError ? thrown.code : 'internal';
      this.#options.logger.error('web-request-failed', { method, path, code, error: messageOf(thrown) });
      if (code === 'no-answer') return refusal(504, code, 'a process does not answer, and may have what was asked for');
      return refusal(500, code, 'the request failed; the log says why');
    }
  }

  #file(method: string, path: string): WebReply {
    if (method !== 'GET' && method !== 'HEAD')
      return { ...refusal(405, 'method-not-allowed', 'this path takes GET'), allow: 'GET' };
    const file = this.#files.get(path);
    if (file === undefined) return refusal(404, 'no-such-path', 'there is nothing at this path');
    return { status: 200, contentType: file.contentType, body: file.bytes };
  }

  async #api(request: IncomingMessage, method: string, path: string): Promise<WebReply> {
    if (path === '/api/sign-in') return this.#signIn(request, method);
    const id = this.#cookieOf(request);
    const session =
      id === undefined ? undefined : this.#session(id, request.headers['x-portcullis-poll'] === undefined);
    if (id === undefined || session === undefined)
      return { ...refusal(401, 'signed-out', 'sign in first'), cookie: this.#cookie('', 0) };
    if (path === '/api/session' && method === 'GET') return this.#told(session);
    if (path === '/api/sign-out') return this.#signOut(request, method, id, session);
    const found = webRouteOf(path);
    if (found === undefined) return refusal(404, 'no-such-path', 'there is nothing at this path');
    const { route } = found;
    if (route.method !== (method === 'HEAD' ? 'GET' : method)) {
      return { ...refusal(405, 'method-not-allowed', `this path takes ${route.method}`), allow: route.method };
    }
    if (hasBody(request)) return refusal(413, 'body-too-large', 'this takes no body');
    if (route.isChange) {
      const refused = this.#refusedChange(request, session);
      if (refused !== undefined) return refused;
      if (session.account.role !== 'admin') return refusal(403, 'role-insufficient', 'a viewer changes nothing');
    }
    const query = new URLSearchParams((request.url ?? '').split('?', 2)[1] ?? '');
    const reply = await route.answer(this.#options.operations, { id: found.id, query, session });
    if (route.isChange) {
      this.#options.logger.info('web-request', { by: session.name, method, path, status: reply.status });
    }
    return reply;
  }

  /** Of an account that still is what it was when it signed in. */
  #session(id: string, isActive: boolean): WebSession | undefined {
    const session = this.#sessions.find(id, isActive);
    if (session === undefined) return undefined;
    const account = this.#options.accounts.find(session.name);
    const { role, createdAt } = session.account;
    if (account?.role === role && account.createdAt === createdAt) return session;
    this.#sessions.close(id);
    return undefined;
  }

  async #signIn(request: IncomingMessage, method: string): Promise<WebReply> {
    if (method !== 'POST') return { ...refusal(405, 'method-not-allowed', 'this path takes POST'), allow: 'POST' };
    if (!this.#isOwnOrigin(request)) return refusal(403, 'other-site', 'another site asks');
    if (request.headers['content-type'] !== 'application/json')
      return refusal(415, 'not-json', 'expected application/json');
    const given = credentials.safeParse(await bodyOf(request));
    if (!given.success) return refusal(400, 'malformed', 'expected name, password and code');
    const { name, password, code } = given.data;
    const source = sourceOf(request);
    const { accounts, operations, logger } = this.#options;
    const answer = await this.#gate.pass(source, () => accounts.signIn(name, password, code));
    const subject = /^[A-Za-z0-9._-]{1,64}$/.test(name) ? name : '(no name)';
    if (answer.kind === 'too-many') {
      if (answer.isFirst) {
        logger.warn('web-sign-in-limited', { source });
        operations.note('web sign-in', subject, `too many attempts, from ${source}`, 'web');
      }
      return { ...refusal(429, 'too-many-attempts', 'too many attempts: wait a minute'), retryAfter: 60 };
    }
    const outcome = answer.value;
    const account = outcome === 'signed-in' ? accounts.find(name) : undefined;
    operations.note(
      'web sign-in',
      subject,
      `${outcome}, from ${source}`,
      account === undefined ? 'web' : `web:${name}`,
    );
    if (account === undefined) {
      logger.warn('web-sign-in', { name: subject, source, outcome });
      return refusal(401, 'refused', 'name, password or code is wrong, or the account is locked for a while');
    }
    logger.info('web-sign-in', { name, source, outcome });
    this.#gate.forget(source);
    const before = this.#cookieOf(request);
    if (before !== undefined) this.#sessions.close(before);
    const { id, session } = this.#sessions.open(name, account);
    return { ...this.#told(session), cookie: this.#cookie(id, this.#options.sessionLifetime) };
  }

  #signOut(request: IncomingMessage, method: string, id: string, session: WebSession): WebReply {
    if (method !== 'POST') return { ...refusal(405, 'method-not-allowed', 'this path takes POST'), allow: 'POST' };
    const refused = this.#refusedChange(request, session);
    if (refused !== undefined) return refused;
    this.#sessions.close(id);
    this.#options.operations.note('web sign-out', session.name, undefined, actorOf(session));
    return { ...json(200, { signedOut: session.name }), cookie: this.#cookie('', 0) };
  }

  #refusedChange(request: IncomingMessage, session: WebSession): WebReply | undefined {
    if (!this.#isOwnOrigin(request)) return refusal(403, 'other-site', 'another site asks');
    const given = request.headers['x-csrf-token'];
    if (typeof given === 'string' && isSameSecret(session.csrf, given)) return undefined;
    this.#options.logger.warn('web-token-wrong', { name: session.name, source: sourceOf(request) });
    return refusal(403, 'token-wrong', 'the token of the page is missing or wrong: load it again');
  }

  #told(session: WebSession): AdminReply {
    const { idleTimeout, clock } = this.#options;
    return json(200, {
      name: session.name,
      role: session.account.role,
      csrf: session.csrf,
      idleMillis: idleTimeout,
      leftMillis: Math.max(0, Math.round(session.endsAt - clock.now())),
    });
  }

  // What browsers send along.

  get #cookieName(): string {
    return this.#options.tls === undefined ? 'portcullis' : '__Host-portcullis';
  }

  #cookie(value: string, lasts: Millis): string {
    const secure = this.#options.tls === undefined ? '' : '; Secure';
    return `${this.#cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(lasts / 1_000)}${secure}`;
  }

  #cookieOf({ headers }: IncomingMessage): string | undefined {
    for (const pair of (headers.cookie ?? '').split(';')) {
      const [name = '', value = ''] = pair.trim().split('=', 2);
      if (name === this.#cookieName && /^[0-9a-f]{64}$/.test(value)) return value;
    }
    return undefined;
  }

  /** Without TLS nothing proves the name that a browser was told: only those of the loopback are ours (DNS rebinding). */
  #isOurHost({ headers: { host = '' } }: IncomingMessage): boolean {
    return this.#options.tls !== undefined || /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
  }

  #isOwnOrigin({ headers }: IncomingMessage): boolean {
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    return headers.host !== undefined && headers.origin === `${scheme}://${headers.host}`;
  }
}

const minVersion = 'TLSv1.2';

const credentials = z.strictObject({
  name: z.string().min(1).max(64),
  password: z.string().min(1).max(1_024),
  code: z.string().min(1).max(16),
});

function createTls(
  options: object,
  { certificate, key }: WebTls,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): TlsServer {
  try {
    return createTlsServer({ ...options, cert: certificate, key, minVersion }, listener);
  } catch (thrown) {
    throw new SbcError(
      'certificate-unusable',
      `[admin.web]: certificate and key cannot be used: ${messageOf(thrown)}`,
      {},
      thrown,
    );
  }
}
