import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AdminServer } from '../../../src/admin/http-api.ts';
import { SbcError } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { err, ok } from '../../../src/core/result.ts';
import { ask, operationsOf, serve, temporarySocket } from './admin-fixture.ts';

const document = (body: string): unknown => JSON.parse(body);

describe('the TCP face', () => {
  test('serves metrics as the registry types them', async () => {
    const { port } = await serve();
    const { status, headers, body } = await ask({ port }, '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toBe('sbc_calls_active 2\n');
  });

  test('has the metrics of all processes where this one tells of them, and the socket its own', async () => {
    const socket = temporarySocket();
    const server = new AdminServer({
      operations: operationsOf(),
      socket,
      address: { address: '127.0.0.1', port: 0 },
      metricsOfAll: () => Promise.resolve('of all\n'),
      logger: silentLogger,
    });
    onTestFinished(() => server.close());
    await server.listen();
    expect((await ask({ port: server.address?.port ?? 0 }, '/metrics')).body).toBe('of all\n');
    expect((await ask({ socketPath: socket }, '/metrics')).body).toBe('sbc_calls_active 2\n');
  });

  test.each([
    ['starting', false, false, 503],
    ['ready', true, false, 200],
    ['draining', false, true, 503],
  ])('says that it is %s, while it is alive all the time', async (state, isReady, isDraining, expected) => {
    const { port } = await serve({ isReady: () => isReady, isDraining: () => isDraining });
    const ready = await ask({ port }, '/readyz');
    expect(ready.status).toBe(expected);
    expect(document(ready.body)).toEqual({ status: state });
    expect((await ask({ port }, '/healthz')).status).toBe(200);
  });

  test.each([
    ['GET', '/calls'],
    ['DELETE', '/calls/1'],
    ['GET', '/registrations'],
    ['GET', '/trunks'],
    ['GET', '/status'],
    ['POST', '/drain'],
    ['POST', '/reload'],
    ['POST', '/upgrade'],
    ['GET', '/version'],
    ['GET', '/'],
    ['GET', '/../calls'],
    ['GET', '/healthz/'],
    ['GET', '/constructor'],
    ['GET', '/__proto__'],
  ])('has nothing at %s %s', async (method, path) => {
    const drain = vi.fn();
    const reload = vi.fn();
    const { port } = await serve({ drain, reload });
    const { status, body } = await ask({ port }, path, { method });
    expect(status).toBe(404);
    expect(document(body)).toMatchObject({ error: { code: 'no-such-path' } });
    expect(drain).not.toHaveBeenCalled();
    expect(reload).not.toHaveBeenCalled();
  });

  test('names the methods that a path takes', async () => {
    const { port } = await serve();
    const { status, headers, body } = await ask({ port }, '/metrics', { method: 'POST' });
    expect(status).toBe(405);
    expect(headers['allow']).toBe('GET');
    expect(document(body)).toMatchObject({ error: { code: 'method-not-allowed' } });
  });

  test('answers HEAD without a body, and ignores a query', async () => {
    const { port } = await serve();
    expect(await ask({ port }, '/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect((await ask({ port }, '/healthz?verbose=1')).status).toBe(200);
  });

  test('takes no body', async () => {
    const { port } = await serve();
    const { status, headers } = await ask({ port }, '/healthz', { method: 'POST', body: 'x'.repeat(5_000) });
    expect(status).toBe(413);
    expect(headers['connection']).toBe('close');
  });

  test('refuses headers beyond its bound', async () => {
    const { port } = await serve();
    expect((await ask({ port }, `/${'x'.repeat(20_000)}`)).status).toBe(431);
  });
});

describe('the Unix socket', () => {
  test('serves what the TCP face serves', async () => {
    const { socket: socketPath } = await serve();
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await ask({ socketPath }, path)).status, path).toBe(200);
    }
  });

  test('tells version and status', async () => {
    const { socket: socketPath } = await serve();
    expect(document((await ask({ socketPath }, '/version')).body)).toEqual({ version: '9.8.7' });
    expect(document((await ask({ socketPath }, '/status')).body)).toMatchObject({
      version: '9.8.7',
      state: 'ready',
      node: 'edge1',
      activeCalls: 2,
      relayedCalls: 0,
    });
  });

  test('ends the call that is named, escapes decoded', async () => {
    const endCall = vi.fn((id: string) => id === 'a b/c');
    const { socket: socketPath } = await serve({ endCall });
    const ended = await ask({ socketPath }, '/calls/a%20b%2Fc', { method: 'DELETE' });
    expect(ended.status).toBe(200);
    expect(endCall).toHaveBeenCalledExactlyOnceWith('a b/c', undefined);
    const other = await ask({ socketPath }, '/calls/other', { method: 'DELETE' });
    expect(other.status).toBe(404);
    expect(document(other.body)).toMatchObject({ error: { code: 'no-such-call' } });
    expect((await ask({ socketPath }, '/calls/%zz', { method: 'DELETE' })).status).toBe(404);
  });

  test('ends the subscription that is named, for the reason that is given, and no other one', async () => {
    const endSubscription = vi.fn((id: string) => id === 's1');
    const { socket: socketPath } = await serve({ endSubscription });
    const end = (path: string): ReturnType<typeof ask> => ask({ socketPath }, path, { method: 'DELETE' });
    expect((await end('/subscriptions/s1')).status).toBe(200);
    expect((await end('/subscriptions/s1?reason=rejected')).status).toBe(200);
    expect((await end('/subscriptions/s1?reason=timeout')).status).toBe(400);
    expect(document((await end('/subscriptions/s2')).body)).toMatchObject({ error: { code: 'no-such-subscription' } });
    expect(endSubscription.mock.calls.map(([, reason]: readonly string[]) => reason)).toEqual([
      'probation',
      'rejected',
      'probation',
    ]);
  });

  test('looks at a user again when it is told to', async () => {
    const standing = { stands: false, registrations: 2, subscriptions: 1 };
    const recheckUser = vi.fn(() => Promise.resolve(standing));
    const { socket: socketPath, port } = await serve({ recheckUser });
    const told = await ask({ socketPath }, '/users/alice%40pbx.test', { method: 'POST' });
    expect(document(told.body)).toEqual(standing);
    expect(recheckUser).toHaveBeenCalledExactlyOnceWith('alice@pbx.test');
    expect((await ask({ port }, '/users/alice%40pbx.test', { method: 'POST' })).status).toBe(404);
  });

  test('drains once it is told to, not when it is asked', async () => {
    const drain = vi.fn();
    const { socket: socketPath } = await serve({ drain });
    expect((await ask({ socketPath }, '/drain')).status).toBe(405);
    expect(drain).not.toHaveBeenCalled();
    const told = await ask({ socketPath }, '/drain', { method: 'POST' });
    expect(told.status).toBe(202);
    expect(document(told.body)).toEqual({ activeCalls: 2 });
    expect(drain).toHaveBeenCalledOnce();
  });

  test('reloads, and hands on every reason why it did not', async () => {
    const applied = await serve({ reload: () => Promise.resolve(ok(['limits', 'user'])) });
    const good = await ask({ socketPath: applied.socket }, '/reload', { method: 'POST' });
    expect(document(good.body)).toEqual({ changed: ['limits', 'user'] });
    const refused = await serve({ reload: () => Promise.resolve(err(['a.toml:1:1: x', 'a.toml:2:1: y'])) });
    const bad = await ask({ socketPath: refused.socket }, '/reload', { method: 'POST' });
    expect(bad.status).toBe(422);
    expect(document(bad.body)).toMatchObject({
      error: { code: 'reload-refused', errors: ['a.toml:1:1: x', 'a.toml:2:1: y'] },
    });
  });

  test('answers 503 before the SBC has started, and 500 without detail for what nobody foresaw', async () => {
    const starting = await serve({
      calls: () => {
        throw new SbcError('not-started', 'too early');
      },
    });
    expect((await ask({ socketPath: starting.socket }, '/calls')).status).toBe(503);
    const broken = await serve({ registrations: () => Promise.reject(new Error('secret detail')) });
    const answer = await ask({ socketPath: broken.socket }, '/registrations');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret detail');
  });
});

describe('metrics of several processes', () => {
  test('are gathered once for all who ask meanwhile, and anew for who asks later, after a failure too', async () => {
    const gatherings: PromiseWithResolvers<string>[] = [];
    const gather = (): Promise<string> => {
      const gathering = Promise.withResolvers<string>();
      gatherings.push(gathering);
      return gathering.promise;
    };
    let asked = 0;
    const operations = Object.defineProperty(operationsOf(), 'metricsContentType', {
      get: () => {
        asked += 1;
        return 'text/plain';
      },
    });
    const address = { address: '127.0.0.1', port: 0 };
    const socket = temporarySocket();
    const server = new AdminServer({ operations, socket, address, metricsOfAll: gather, logger: silentLogger });
    onTestFinished(() => server.close());
    await server.listen();
    const port = server.address?.port ?? 0;
    const first = ask({ port }, '/metrics');
    await vi.waitFor(() => expect(gatherings).toHaveLength(1));
    const others = [ask({ port }, '/metrics'), ask({ port }, '/metrics')];
    await vi.waitFor(() => expect(asked).toBe(3));
    gatherings[0]?.resolve('of all 1\n');
    const bodies = (await Promise.all([first, ...others])).map(({ body }) => body);
    expect(bodies).toEqual(['of all 1\n', 'of all 1\n', 'of all 1\n']);
    expect(gatherings).toHaveLength(1);
    const failing = ask({ port }, '/metrics');
    await vi.waitFor(() => expect(gatherings).toHaveLength(2));
    gatherings[1]?.reject(new Error('no'));
    expect((await failing).status).toBe(500);
    const later = ask({ port }, '/metrics');
    await vi.waitFor(() => expect(gatherings).toHaveLength(3));
    gatherings[2]?.resolve('of all 2\n');
    expect((await later).body).toBe('of all 2\n');
  });
});

describe('a server without a TCP address', () => {
  test('serves the socket only', async () => {
    const { server, socket: socketPath } = await serve();
    await server.close();
    expect(server.address).toBeUndefined();
    await expect(ask({ socketPath }, '/healthz')).rejects.toThrow();
  });
});

test('a one-time code is in no line of the log, whatever becomes of the request', async () => {
  const log = vi.fn();
  const logger = { ...silentLogger, info: log, warn: log, error: log };
  const approveDevice = vi.fn(() => {
    throw new SbcError('totp-not-opened', 'the key is gone');
  });
  const { socket } = await serve({ approveDevice }, undefined, logger);
  const { status } = await ask({ socketPath: socket }, '/devices/3f2a?state=approved&code=123456', { method: 'PUT' });
  expect(status).toBe(500);
  expect(JSON.stringify(log.mock.calls)).toContain('/devices/3f2a');
  expect(JSON.stringify(log.mock.calls)).not.toContain('123456');
});
