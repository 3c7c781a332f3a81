import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import { err, ok } from '../../../src/core/result.ts';
import { hangUnaccepting, serve, temporarySocket } from './admin-fixture.ts';

const calls = [
  {
    id: 'c1',
    state: 'connected',
    caller: 'alice@pbx.test',
    callee: 'main',
    dialled: '600',
    startedAt: 1,
    answeredAt: 1_700_000_000_000,
  },
  {
    id: 'c2',
    state: 'trying',
    caller: 'bob@pbx.test',
    callee: undefined,
    dialled: '600',
    startedAt: 1,
    answeredAt: undefined,
  },
];
const registrations = [
  {
    aor: 'alice@pbx.test',
    contact: 'sip:alice@192.0.2.1',
    listener: 'phones',
    expiresAt: 1_700_000_000_000,
    alive: true,
    userAgent: undefined,
  },
];

describe('the admin client', () => {
  test('reads what the server says', async () => {
    const { socket } = await serve({
      calls: () => calls,
      endCall: (id) => id === 'c1/x',
      registrations: () => Promise.resolve(registrations),
      reload: () => Promise.resolve(ok(['limits'])),
    });
    const client = new AdminClient(socket);
    expect(await client.version()).toEqual(ok('9.8.7'));
    expect(await client.calls()).toEqual(ok(calls));
    expect(await client.endCall('c1/x')).toEqual(ok('c1/x'));
    expect(await client.registrations()).toEqual(ok(registrations));
    expect(await client.drain()).toEqual(ok(2));
    expect(await client.reload()).toEqual(ok(['limits']));
    expect(await client.status()).toMatchObject({
      ok: true,
      value: { state: 'ready', activeCalls: 2, mediaWorkers: [{ driver: 'epoll' }] },
    });
  });

  test('hands on refusals with their code and every reason', async () => {
    const { socket } = await serve({ reload: () => Promise.resolve(err(['one', 'two'])) });
    const client = new AdminClient(socket);
    expect(await client.reload()).toMatchObject(
      err({ kind: 'refused', code: 'reload-refused', errors: ['one', 'two'] }),
    );
    expect(await client.endCall('none')).toMatchObject(err({ kind: 'refused', code: 'no-such-call', errors: [] }));
  });

  test('says that nothing runs when there is no socket, or a dead one', async () => {
    const socket = temporarySocket();
    expect(await new AdminClient(socket).calls()).toMatchObject(err({ kind: 'not-running' }));
    writeFileSync(socket, '');
    expect(await new AdminClient(socket).calls()).toMatchObject(err({ kind: 'not-running' }));
  });

  test.each([
    ['no JSON', 200, 'hello'],
    ['another shape', 200, '{"calls":[{"id":7}]}'],
    ['a refusal without a code', 500, '{"oops":true}'],
    ['a redirection', 301, '{}'],
  ])('believes no answer that is %s', async (_name, status, body) => {
    const socket = await fake((_request, response) => {
      response.writeHead(status).end(body);
    });
    expect(await new AdminClient(socket).calls()).toMatchObject(err({ kind: 'failed' }));
  });

  test('takes one that closes the connection without an answer for one that is gone', async () => {
    const socket = await fake((request) => request.destroy());
    expect(await new AdminClient(socket).calls()).toMatchObject(err({ kind: 'not-running' }));
  });

  test('takes one whose backlog is full for one that does not answer', async () => {
    const socket = await hangUnaccepting();
    const waiting = await Promise.all(Array.from({ length: 4 }, () => new AdminClient(socket, 100).calls()));
    expect(waiting.map((answer) => !answer.ok && answer.error.kind)).toEqual(Array(4).fill('no-answer'));
    expect(waiting.map((answer) => !answer.ok && answer.error.message).toSorted()).toContain(
      `${socket}: no answer, and too many wait for one`,
    );
  });

  test('says so when the connection ends in the middle of an answer', async () => {
    const socket = await fake((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('{"calls":', () => response.destroy());
    });
    const answer = await new AdminClient(socket).calls();
    expect(answer).toMatchObject(err({ kind: 'not-running' }));
    expect(!answer.ok && answer.error.message).toBe(`not running: ${socket} was closed before all was answered`);
  });
});

async function fake(listener: RequestListener): Promise<string> {
  const socket = temporarySocket();
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return socket;
}
