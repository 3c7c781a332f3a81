import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AdminServer } from '../../../src/admin/http-api.ts';
import { longestSocketPath } from '../../../src/admin/unix-socket.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { ask, operationsOf, serve, temporarySocket } from './admin-fixture.ts';

function serverOn(socket: string, port?: number): AdminServer {
  const address = port === undefined ? undefined : { address: '127.0.0.1', port };
  return new AdminServer({ operations: operationsOf(), socket, address, logger: silentLogger });
}

describe('the admin socket', () => {
  test('is its owner’s alone, whatever the umask of the process', async () => {
    const before = process.umask(0);
    try {
      const { socket } = await serve();
      expect(statSync(socket).mode & 0o777).toBe(0o600);
    } finally {
      expect(process.umask(before)).toBe(0);
    }
  });

  test('is gone when the server is closed', async () => {
    const { server, socket } = await serve();
    await server.close();
    await server.close();
    expect(existsSync(socket)).toBe(false);
  });

  test('of a dead process is replaced', async () => {
    const socket = temporarySocket();
    leaveStale(socket);
    expect(statSync(socket).isSocket()).toBe(true);
    await serve({}, socket);
    expect((await ask({ socketPath: socket }, '/healthz')).status).toBe(200);
  });

  test('of a live process is refused, and goes on to be served', async () => {
    const { socket } = await serve();
    const refused = expect(serverOn(socket).listen()).rejects;
    await refused.toMatchObject({ code: 'admin-socket-in-use', context: { path: socket } });
    expect((await ask({ socketPath: socket }, '/healthz')).status).toBe(200);
  });

  test('never takes the place of a file that is no socket', async () => {
    const socket = temporarySocket();
    writeFileSync(socket, 'precious');
    await expect(serverOn(socket).listen()).rejects.toMatchObject({ code: 'admin-socket-unusable' });
    expect(readFileSync(socket, 'utf8')).toBe('precious');
  });

  test('with a path that the system would cut is refused', async () => {
    const socket = join(dirname(temporarySocket()), 'x'.repeat(longestSocketPath));
    await expect(serverOn(socket).listen()).rejects.toThrow(/exceeds 103/);
  });

  test('in a folder that is not there is an error that names it', async () => {
    const socket = join(dirname(temporarySocket()), 'missing', 'admin.sock');
    const refused = expect(serverOn(socket).listen()).rejects;
    await refused.toMatchObject({ code: 'admin-socket-unusable', context: { path: socket } });
  });

  test('does not stay behind when the TCP address is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const bound = taken.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const socket = temporarySocket();
    await expect(serverOn(socket, port).listen()).rejects.toMatchObject({ code: 'listen-failed' });
    expect(existsSync(socket)).toBe(false);
    await new Promise((resolve) => taken.close(resolve));
  });
});

/** A process that ends without closing its socket. */
function leaveStale(socket: string): void {
  const program = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const { signal } = spawnSync(process.execPath, ['-e', program]);
  expect(signal).toBe('SIGKILL');
}
