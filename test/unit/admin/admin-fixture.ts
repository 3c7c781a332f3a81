// The admin API over operations that a test sets, on sockets of its own that end with the test.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { AdminServer } from '../../../src/admin/http-api.ts';
import type { AdminOperations } from '../../../src/admin/operations.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { err, ok } from '../../../src/core/result.ts';

export function temporarySocket(): string {
  const directory = mkdtempSync(join(tmpdir(), 'pc-admin-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'admin.sock');
}

/** Serves a socket on which nobody ever answers, as a process does that hangs. */
export async function hang(): Promise<string> {
  const socket = temporarySocket();
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return socket;
}

/** Serves a socket from which nobody takes a connection, as a process does that is stopped: two wait, and a third is turned away. */
export async function hangUnaccepting(): Promise<string> {
  const socket = temporarySocket();
  const stopped = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
    require('node:net').createServer().listen({ path: workerData, backlog: 1 }, () => {
      parentPort.postMessage('listens');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`,
    { eval: true, workerData: socket },
  );
  onTestFinished(async () => void (await stopped.terminate()));
  await once(stopped, 'message');
  return socket;
}

export function operationsOf(more: Partial<AdminOperations> = {}): AdminOperations {
  return {
    version: '9.8.7',
    isReady: () => true,
    isDraining: () => false,
    status: () => ({
      node: 'edge1',
      startedAt: 1_700_000_000_000,
      process: 4_711,
      activeCalls: 2,
      relayedCalls: 0,
      listeners: [{ name: 'phones', transport: 'tls', address: '10.1.0.5:5061' }],
      mediaWorkers: [{ alive: true, driver: 'epoll', sessions: 2 }],
    }),
    overview: () => Promise.reject(new Error('nobody is asked at a glance here')),
    logLevel: () => ({ level: 'info', configured: 'info', until: undefined }),
    setLogLevel: (level) => ({ level, configured: 'info', until: undefined }),
    calls: () => [],
    recentCalls: () => [],
    alerts: () => [],
    call: () => Promise.resolve(undefined),
    trace: () => Promise.resolve(undefined),
    endCall: () => false,
    registrations: () => Promise.resolve([]),
    subscriptions: () => [],
    endSubscription: () => false,
    recheckUser: () => Promise.resolve({ stands: true, registrations: 0, subscriptions: 0 }),
    trunks: () => [],
    bans: () => [],
    ban: () => undefined,
    liftBans: () => 0,
    fraudHolds: () => [],
    liftFraud: () => 0,
    devices: () => [],
    decideDevice: () => undefined,
    approveDevice: () => undefined,
    forgetDevice: () => undefined,
    learnDevices: () => Promise.resolve([]),
    routeTest: () => Promise.resolve(err('there is no such user')),
    drain: () => Promise.resolve(),
    reload: () => Promise.resolve(ok([])),
    upgrade: () => undefined,
    metricsText: () => Promise.resolve('sbc_calls_active 2\n'),
    metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
    ...more,
  };
}

export async function serve(
  more: Partial<AdminOperations> = {},
  socket = temporarySocket(),
  logger: Logger = silentLogger,
): Promise<{ readonly server: AdminServer; readonly socket: string; readonly port: number }> {
  const address = { address: '127.0.0.1', port: 0 };
  const server = new AdminServer({ operations: operationsOf(more), socket, address, logger });
  onTestFinished(() => server.close());
  await server.listen();
  return { server, socket, port: server.address?.port ?? 0 };
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request, to a Unix socket or a TCP port. */
export function ask(
  to: { readonly socketPath: string } | { readonly port: number },
  path: string,
  { method = 'GET', body = '' }: { method?: string; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const asked = request({ host: '127.0.0.1', ...to, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
