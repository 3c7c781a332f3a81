import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import { StandbyServer } from '../../../src/admin/standby-server.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { ok } from '../../../src/core/result.ts';
import { temporarySocket } from './admin-fixture.ts';

async function standing(port?: number): Promise<{ readonly client: AdminClient; readonly told: () => number }> {
  const socket = temporarySocket();
  let orders = 0;
  const server = new StandbyServer({
    socket,
    address: port === undefined ? undefined : { address: '127.0.0.1', port },
    version: '9.8.7',
    onTakeover: () => {
      orders += 1;
    },
    logger: silentLogger,
  });
  await server.listen();
  onTestFinished(() => server.close());
  return { client: new AdminClient(socket), told: () => orders };
}

describe('a process that stands by', () => {
  test('takes the order to take over, and says that it cannot be asked anything else', async () => {
    const { client, told } = await standing();
    expect(await client.version()).toEqual(ok('9.8.7'));
    expect(await client.calls()).toMatchObject({ ok: false, error: { code: 'standby' } });
    expect(told()).toBe(0);
    expect(await client.takeover()).toEqual(ok('taking-over'));
    expect(told()).toBe(1);
  });

  test('is alive and not ready for probes, which may order nothing', async () => {
    const port = await freePort();
    const { told } = await standing(port);
    const status = async (path: string, method = 'GET'): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
    expect([await status('/healthz'), await status('/readyz'), await status('/takeover', 'POST')]).toEqual([
      200, 503, 503,
    ]);
    expect(told()).toBe(0);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : 0);
  });
  const port = await promise;
  await new Promise((done) => server.close(done));
  return port;
}
