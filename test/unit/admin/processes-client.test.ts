import { describe, expect, test } from 'vitest';
import { ProcessesClient } from '../../../src/admin/processes-client.ts';
import { err, ok } from '../../../src/core/result.ts';
import { serve, temporarySocket } from './admin-fixture.ts';

function call(id: string): { readonly id: string; readonly state: string } & Record<'caller' | 'dialled', string> & {
    readonly startedAt: number;
    readonly callee: undefined;
    readonly answeredAt: undefined;
  } {
  return {
    id,
    state: 'connected',
    caller: 'a@b',
    dialled: '600',
    startedAt: 1,
    callee: undefined,
    answeredAt: undefined,
  };
}

function registration(alive: boolean, contact = 'sip:alice@192.0.2.1') {
  return { aor: 'alice@pbx.test', contact, listener: 'phones', expiresAt: 1, alive, userAgent: undefined };
}

type Operations = Parameters<typeof serve>[0];

const missing: number[] = [];

function clientOf(...sockets: readonly [string, ...string[]]): ProcessesClient {
  missing.length = 0;
  return new ProcessesClient(sockets, (count) => void missing.push(count));
}

async function both(one: Operations, two: Operations): Promise<ProcessesClient> {
  return clientOf((await serve(one)).socket, (await serve(two)).socket);
}

describe('a client of several processes', () => {
  test('makes one list of what each has', async () => {
    const client = await both(
      {
        calls: () => [call('c1')],
        registrations: () => Promise.resolve([registration(false), registration(true, 'sip:alice@192.0.2.9')]),
        trunks: () => [{ name: 'carrier', up: false, registered: undefined, calls: 2 }],
      },
      {
        calls: () => [call('c2')],
        registrations: () => Promise.resolve([registration(true), registration(false, 'sip:alice@192.0.2.9')]),
        trunks: () => [{ name: 'carrier', up: true, registered: false, calls: 3 }],
      },
    );
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }, { id: 'c2' }]));
    expect(await client.registrations()).toEqual(ok([registration(true), registration(true, 'sip:alice@192.0.2.9')]));
    expect(await client.trunks()).toEqual(ok([{ name: 'carrier', up: true, registered: false, calls: 5 }]));
    expect(client.processes).toHaveLength(2);
  });

  test('finds what is named, wherever it is', async () => {
    const client = await both({ endCall: () => false }, { endCall: (id) => id === 'c2' });
    expect(await client.endCall('c2')).toEqual(ok('c2'));
    expect(await client.endCall('c3')).toMatchObject(err({ kind: 'refused', code: 'no-such-call' }));
  });

  test('changes all of them, or says which did not change', async () => {
    const applies = { reload: () => Promise.resolve(ok(['limits'])) };
    expect(await (await both(applies, applies)).reload()).toEqual(ok(['limits']));
    const refuses = { reload: () => Promise.resolve(err(['no'])) };
    expect(await (await both(applies, refuses)).reload()).toMatchObject(
      err({ code: 'reload-refused', errors: ['no'] }),
    );
    expect(await (await both({}, {})).drain()).toEqual(ok(4));
  });

  test('lists what the others have while one is being started again, and then changes nothing by halves in silence', async () => {
    const { socket } = await serve({ calls: () => [call('c1')] });
    const client = clientOf(temporarySocket(), socket);
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }]));
    expect(missing).toEqual([1]);
    expect(await client.reload()).toMatchObject(err({ kind: 'not-running' }));
    expect(await client.ban('192.0.2.7', undefined)).toMatchObject(err({ kind: 'refused' }));
    const none = clientOf(temporarySocket(), temporarySocket());
    expect(await none.calls()).toMatchObject(err({ kind: 'not-running' }));
  });

  test('has a failure where one of them runs and fails', async () => {
    const client = await both({}, { recheckUser: () => Promise.reject(new Error('the store is away')) });
    expect((await client.recheckUser('alice@pbx.test')).ok).toBe(false);
    expect(missing).toEqual([]);
  });

  test('asks one after the other of a device: a one-time code is good once', async () => {
    const asked: string[] = [];
    const device = {
      id: 'd',
      aor: 'alice@pbx.test',
      description: 'a phone',
      state: 'approved',
      source: '192.0.2.1',
      firstAt: 1,
      decidedAt: 2,
      decidedBy: 'alice@pbx.test',
    } as const;
    const knows =
      (process: string, isKnown: boolean) =>
      (id: string): typeof device | undefined => {
        asked.push(`${process} ${id}`);
        return isKnown ? device : undefined;
      };
    const [one, two, three] = [
      await serve({ approveDevice: knows('one', false) }),
      await serve({ approveDevice: knows('two', true) }),
      await serve({ approveDevice: knows('three', true) }),
    ];
    const client = clientOf(one.socket, two.socket, three.socket);
    expect(await client.decideDevice('d', 'approved', '123456')).toEqual(ok(device));
    expect(asked).toEqual(['one d', 'two d']);
  });
});
