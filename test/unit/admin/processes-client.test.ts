import { describe, expect, test } from 'vitest';
import { AdminClient } from '../../../src/admin/admin-client.ts';
import type { AdminOperations } from '../../../src/admin/operations.ts';
import { usualCallQuery } from '../../../src/admin/overview.ts';
import { ProcessesClient } from '../../../src/admin/processes-client.ts';
import { err, ok } from '../../../src/core/result.ts';
import { hang, hangUnaccepting, serve, temporarySocket } from './admin-fixture.ts';
import { overviewView } from './overview-fixture.ts';

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

const traffic = { packets: 1, bytes: 1 };
const line = {
  ...{ encryption: 'none', received: traffic, sent: traffic, lost: 0, jitter: 0, round_trip: null },
  ...{ one_way: false, dropped: {} },
};
const none = { active: 0, answered: 0, unanswered: 0, refused: 0 };

type Operations = Parameters<typeof serve>[0];

const missing: number[] = [];

function clientOf(...sockets: readonly [string, ...string[]]): ProcessesClient {
  missing.length = 0;
  return new ProcessesClient(sockets, (count) => void missing.push(count));
}

function fail(): never {
  throw new Error('no');
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
    expect(await client.trunks()).toEqual(ok([{ name: 'carrier', up: false, registered: false, calls: 5 }]));
    expect(client.processes).toHaveLength(2);
  });

  test('lists a call of two processes once, with the media of both', async () => {
    const half = { ...call('c2'), halfOf: { node: 'edge-1', call: 'c1' } };
    const stray = { ...call('c4'), halfOf: { node: 'edge-1', call: 'c3' } };
    const over = (id: string, halfOf?: string) => ({
      ...call(id),
      ...{ endedAt: 1, duration: 1, cause: 'bye', status: 200, refusal: undefined, mos: undefined, halfOf },
    });
    const sides = (mos: number) => ['a', 'b'].map((leg) => ({ ...line, leg, mos }));
    const asked: unknown[] = [];
    const client = await both(
      {
        calls: () => [call('c1')],
        recentCalls: () => [over('c1')],
        call: (id) => Promise.resolve(id === 'c1' ? { call: call('c1'), media: sides(4) } : undefined),
        overview: ({ withoutHalvesOf }) => {
          asked.push(withoutHalvesOf);
          return Promise.resolve(overviewView({ node: 'edge-1', calls: { ...none, active: 1 } }));
        },
      },
      {
        calls: () => [half, stray],
        recentCalls: () => [over('c2', 'c1'), over('c4', 'c3')],
        call: () => Promise.resolve({ call: half, media: sides(3) }),
        overview: ({ withoutHalvesOf }) => {
          asked.push(withoutHalvesOf);
          return Promise.resolve(overviewView({ node: 'edge-2', relayed: 2 }));
        },
      },
    );
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }, { id: 'c4' }]));
    expect(await client.recentCalls()).toMatchObject(ok([{ id: 'c1' }, { id: 'c4' }]));
    const shown = await client.call('c1');
    if (!shown.ok) throw new Error(shown.error.message);
    expect(shown.value.call.id).toBe('c1');
    expect(shown.value.halves).toEqual(['c2']);
    expect(shown.value.media.map(({ leg, mos }) => [leg, mos])).toEqual([
      ['a', 4],
      ['b', 3],
      ['n', 4],
      ['n', 3],
    ]);
    expect(await client.call('c2')).toMatchObject(ok({ call: { id: 'c2' }, media: [{ leg: 'a' }, { leg: 'b' }] }));
    expect(await client.overview(usualCallQuery)).toMatchObject(ok({ calls: { active: 1 }, relayed: 2 }));
    expect(asked).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test('shows the halves that others have of calls of a process which does not answer', async () => {
    const asked: unknown[] = [];
    const half = { ...call('c2'), halfOf: { node: 'edge-1', call: 'c1' }, quality: undefined };
    const { socket } = await serve({
      overview: ({ withoutHalvesOf = [] }) => {
        asked.push(withoutHalvesOf);
        const isShown = !withoutHalvesOf.includes(1);
        return Promise.resolve(
          overviewView({
            node: 'edge-2',
            matching: isShown ? 1 : 0,
            list: isShown ? [half] : [],
            relayed: isShown ? 1 : 0,
          }),
        );
      },
    });
    const client = clientOf(temporarySocket(), socket);
    expect(await client.overview(usualCallQuery)).toMatchObject(
      ok({ matching: 1, relayed: 1, list: [{ id: 'c2' }], processes: [{ answers: false }, { answers: true }] }),
    );
    expect(asked).toEqual([[1, 2], [2]]);
    expect(await clientOf(temporarySocket(), temporarySocket()).overview(usualCallQuery)).toMatchObject({ ok: false });
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

  test('goes on without one that hangs, and says which it is at a glance', async () => {
    const { socket } = await serve({
      calls: () => [call('c1')],
      endCall: (id) => id === 'c1',
      overview: () => Promise.resolve(overviewView({ node: 'edge-2', calls: { ...none, active: 3 } })),
      metricsText: () => Promise.resolve('sbc_calls_active 3\n'),
    });
    missing.length = 0;
    const client = new ProcessesClient([await hang(), socket], (count) => void missing.push(count), 50);
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }]));
    expect(missing).toEqual([1]);
    expect(await client.endCall('c1')).toEqual(ok('c1'));
    const overview = await client.overview(usualCallQuery);
    expect(overview).toMatchObject(
      ok({
        node: 'edge',
        calls: { active: 3 },
        processes: [
          { number: 1, answers: false },
          { number: 2, answers: true },
        ],
      }),
    );
    expect(JSON.stringify(overview)).toContain('no answer within 0.05 s');
    const metrics = await client.metrics();
    expect(metrics.ok && metrics.value).toContain('sbc_process_up{process="1"} 0\nsbc_process_up{process="2"} 1\n');
  });

  test('lists what the others have where one takes no connection any more', async () => {
    const { socket } = await serve({ calls: () => [call('c1')] });
    const stopped = await hangUnaccepting();
    await Promise.all(Array.from({ length: 3 }, () => new AdminClient(stopped, 50).calls()));
    missing.length = 0;
    const client = new ProcessesClient([socket, stopped], (count) => void missing.push(count), 50);
    expect(await client.calls()).toMatchObject(ok([{ id: 'c1' }]));
    expect(missing).toEqual([1]);
  });

  test('does not say that there is no such call, or device, while one that may have it hangs, or fails', async () => {
    const { socket } = await serve({});
    const hanging = new ProcessesClient([socket, await hang()], () => {}, 50);
    expect(await hanging.endCall('c1')).toMatchObject(err({ kind: 'no-answer' }));
    expect(await hanging.call('c1')).toMatchObject(err({ kind: 'no-answer' }));
    const failing = await both({}, { call: () => Promise.reject(new Error('no')), forgetDevice: fail });
    expect(await failing.call('c1')).toMatchObject(err({ code: 'internal' }));
    expect(await failing.forgetDevice('d')).toMatchObject(err({ code: 'internal' }));
    const gone = clientOf(temporarySocket(), socket);
    expect(await gone.endCall('c1')).toMatchObject(err({ code: 'no-such-call' }));
    expect(await gone.forgetDevice('d')).toMatchObject(err({ code: 'no-such-device' }));
  });

  test('is one list of the calls that were asked for, in the order that was asked for', async () => {
    const asked: string[] = [];
    const answers =
      (node: string, ...ids: readonly (readonly [string, number])[]): AdminOperations['overview'] =>
      ({ order, limit }) => {
        asked.push(`${node} ${order} ${limit}`);
        const list = ids.map(([id, startedAt]) => ({ ...call(id), startedAt }));
        return Promise.resolve(overviewView({ node, matching: 5, list }));
      };
    const client = await both(
      { overview: answers('edge-1', ['c3', 3], ['c1', 1]) },
      { overview: answers('edge-2', ['c4', 4], ['c2', 2]) },
    );
    const answer = await client.overview({ ...usualCallQuery, limit: 3 });
    expect(answer).toMatchObject(ok({ matching: 10, list: [{ id: 'c4' }, { id: 'c3' }, { id: 'c2' }] }));
    expect(asked.toSorted()).toEqual(['edge-1 started 3', 'edge-2 started 3']);
  });

  test('has what was over last, and what was told, of all, the newest first', async () => {
    const over = (id: string, endedAt: number) => ({
      ...call(id),
      endedAt,
      duration: 1,
      cause: 'bye',
      status: 200,
      refusal: undefined,
      mos: undefined,
    });
    const told = (text: string, lastAt: number) =>
      ({ severity: 'info', kind: 'x', text, firstAt: 1, lastAt, count: 1 }) as const;
    const client = await both(
      { recentCalls: () => [over('c1', 10)], alerts: () => [told('one', 5)] },
      { recentCalls: () => [over('c2', 20)], alerts: () => [told('two', 6)] },
    );
    expect(await client.recentCalls()).toMatchObject(ok([{ id: 'c2' }, { id: 'c1' }]));
    expect(await client.alerts()).toMatchObject(ok([{ text: 'two' }, { text: 'one' }]));
  });

  test('says who ordered what, for the audit log of the process that does it', async () => {
    const done: string[] = [];
    const client = await both(
      { liftBans: (_address, by) => done.push(`lifted by ${by}`) },
      { endCall: (id, by) => done.push(`${id} ended by ${by}`) > 0 },
    );
    expect(await client.endCall('c2', 'web:carol')).toEqual(ok('c2'));
    expect(await client.liftBans('192.0.2.7', 'web:carol')).toEqual(ok(2));
    expect(await client.endCall('c2', 'root')).toMatchObject(err({ code: 'malformed' }));
    expect(done).toEqual(['c2 ended by web:carol', 'lifted by web:carol']);
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
