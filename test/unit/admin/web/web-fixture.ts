// The dashboard's server over operations and accounts that a test sets, and a browser's requests as they are on the wire.
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { onTestFinished } from 'vitest';
import type { WebAccount, WebAccounts, WebOperations } from '../../../../src/admin/web/web-operations.ts';
import { WebServer, type WebServerOptions } from '../../../../src/admin/web/web-server.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { systemRandom } from '../../../../src/core/random.ts';
import { FakeClock } from '../../../support/fake-time.ts';
import { operationsOf } from '../admin-fixture.ts';

export const right = { name: 'carol', password: 'Correct-Horse-2026!', code: '123456' };
export const idle = 900_000;
export const lifetime = 28_800_000;

/** One administrator, one viewer, and whoever else is somebody else. */
export class FakeAccounts implements WebAccounts {
  readonly accounts = new Map<string, WebAccount>([
    ['carol', { role: 'admin', createdAt: 1 }],
    ['dave', { role: 'viewer', createdAt: 1 }],
  ]);
  attempts = 0;
  /** What an attempt waits for. */
  pause: Promise<void> = Promise.resolve();

  async signIn(name: string, password: string, code: string): ReturnType<WebAccounts['signIn']> {
    this.attempts += 1;
    await this.pause;
    if (!this.accounts.has(name)) return 'unknown';
    if (password !== right.password) return 'wrong-password';
    return code === right.code ? 'signed-in' : 'wrong-code';
  }

  find(name: string): WebAccount | undefined {
    return this.accounts.get(name);
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): unknown;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

export class WebSite {
  readonly accounts = new FakeAccounts();
  readonly clock = new FakeClock();
  readonly notes: string[] = [];
  readonly server: WebServer;
  readonly #isTls: boolean;

  private constructor(operations: Partial<WebOperations>, more: Partial<WebServerOptions>) {
    this.#isTls = more.tls !== undefined;
    this.server = new WebServer({
      operations: {
        ...operationsOf(),
        history: () => {
          throw new Error('no history here');
        },
        registrations: () => Promise.resolve({ matching: 0, registrations: [] }),
        recentCalls: () => [],
        alerts: () => [],
        note: (action, subject, detail = '', by) =>
          void this.notes.push(`${by}: ${action} ${subject} ${detail}`.trim()),
        ...operations,
      },
      accounts: this.accounts,
      address: { address: '127.0.0.1', port: 0 },
      idleTimeout: idle,
      sessionLifetime: lifetime,
      clock: this.clock,
      random: systemRandom,
      logger: silentLogger,
      ...more,
    });
  }

  static async open(operations: Partial<WebOperations> = {}, more: Partial<WebServerOptions> = {}): Promise<WebSite> {
    const site = new WebSite(operations, more);
    onTestFinished(() => site.server.close());
    await site.server.listen();
    return site;
  }

  get host(): string {
    return `localhost:${this.server.address?.port ?? 0}`;
  }

  get origin(): string {
    return `${this.#isTls ? 'https' : 'http'}://${this.host}`;
  }

  ask(path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}): Promise<Reply> {
    const given = Object.fromEntries(
      Object.entries({ Host: this.host, ...headers }).filter(([, value]) => value !== undefined),
    );
    const options = {
      host: '127.0.0.1',
      port: this.server.address?.port,
      path,
      method,
      agent: false,
      rejectUnauthorized: false,
      headers: { ...given, ...(body === '' ? {} : { 'Content-Length': Buffer.byteLength(body) }) },
    } as const;
    return new Promise((resolve, reject) => {
      const asked = (this.#isTls ? tlsRequest : request)(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: (): unknown => JSON.parse(text),
          });
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  signIn(credentials: object = right, headers: Asked['headers'] = {}): Promise<Reply> {
    return this.ask('/api/sign-in', {
      method: 'POST',
      headers: { Origin: this.origin, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(credentials),
    });
  }

  /** A browser that is signed in. */
  async signedIn(name = 'carol'): Promise<Signed> {
    const reply = await this.signIn({ ...right, name });
    const [cookie = ''] = (reply.headers['set-cookie']?.[0] ?? '').split(';');
    const told = reply.json();
    const csrf = typeof told === 'object' && told !== null && 'csrf' in told ? String(told.csrf) : '';
    return new Signed(this, cookie, csrf);
  }
}

export class Signed {
  readonly #site: WebSite;
  readonly cookie: string;
  readonly csrf: string;

  constructor(site: WebSite, cookie: string, csrf: string) {
    this.#site = site;
    this.cookie = cookie;
    this.csrf = csrf;
  }

  get(path: string, headers: Asked['headers'] = {}): Promise<Reply> {
    return this.#site.ask(path, { headers: { Cookie: this.cookie, ...headers } });
  }

  post(path: string, headers: Asked['headers'] = {}): Promise<Reply> {
    const own = { Cookie: this.cookie, Origin: this.#site.origin, 'X-CSRF-Token': this.csrf };
    return this.#site.ask(path, { method: 'POST', headers: { ...own, ...headers } });
  }
}
