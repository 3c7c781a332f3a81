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

async function both(one: Operations, two: Operations): Promise<ProcessesClient> {
  return new ProcessesClient([(await serve(one)).socket, (await serve(two)).socket]);
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
    const client = new ProcessesClient([temporarySocket(), socket]);
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }]));
    expect(await client.reload()).toMatchObject(err({ kind: 'not-running' }));
    const none = new ProcessesClient([temporarySocket(), temporarySocket()]);
    expect(await none.calls()).toMatchObject(err({ kind: 'not-running' }));
  });
});
