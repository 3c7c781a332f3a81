// What a screen is told at a glance: which calls, in which order, and what is wrong with a question.
import { describe, expect, test, vi } from 'vitest';
import { type CallRow, selectCalls, usualCallQuery, withoutHalves } from '../../../src/admin/overview.ts';
import { ask, serve } from './admin-fixture.ts';
import { overviewView } from './overview-fixture.ts';

const quality = { jitter: 1, roundTrip: undefined, oneWay: false, encryption: [] };
const row = (id: string, startedAt: number, more: Partial<CallRow> = {}): CallRow => ({
  id,
  state: 'connected',
  caller: `${id}@pbx.test`,
  dialled: '600',
  callee: undefined,
  startedAt,
  answeredAt: undefined,
  ...more,
});
const rows = [
  row('bob', 10, { quality: { ...quality, mos: 4.1, loss: 0 } }),
  row('Alice', 30, { callee: 'carrier', quality: { ...quality, mos: 2.9, loss: 0.2 } }),
  row('carol', 20, { state: 'ringing' }),
];
const order = (query: Partial<typeof usualCallQuery>): readonly string[] =>
  selectCalls(rows, { ...usualCallQuery, ...query }).list.map(({ id }) => id);

describe('calls are selected', () => {
  test('the newest first, the worst first, or the most lost first, unknown ones last', () => {
    expect(order({})).toEqual(['Alice', 'carol', 'bob']);
    expect(order({ order: 'mos' })).toEqual(['Alice', 'bob', 'carol']);
    expect(order({ order: 'loss' })).toEqual(['Alice', 'bob', 'carol']);
    expect(order({ order: 'state', reversed: true })[0]).toBe('carol');
    expect(order({ order: 'callee' }).at(-1)).toBe('Alice');
  });

  test('without the halves of calls that other nodes began and list', () => {
    const half = (id: string, node: string): CallRow => row(id, 1, { halfOf: { node, call: 'c' } });
    const calls = [row('own', 1), half('of-one', 'edge-1'), half('of-two', 'edge-2')];
    expect(withoutHalves(calls, new Set(['edge-1', undefined])).map(({ id }) => id)).toEqual(['own', 'of-two']);
    expect(withoutHalves(calls, new Set())).toEqual(calls);
  });

  test('by part of what they say, in capitals or not, and counted beyond the limit', () => {
    expect(order({ match: 'ALICE' })).toEqual(['Alice']);
    expect(order({ match: 'ringing' })).toEqual(['carol']);
    expect(order({ match: 'carrier' })).toEqual(['Alice']);
    expect(selectCalls(rows, { ...usualCallQuery, limit: 1 })).toMatchObject({ matching: 3, list: [{ id: 'Alice' }] });
  });
});

describe('GET /overview', () => {
  test('hands the question on, and says what is wrong with one', async () => {
    const overview = vi.fn(() => Promise.resolve(overviewView()));
    const { socket: socketPath } = await serve({ overview });
    const { status, body } = await ask({ socketPath }, '/overview?match=ali&order=mos&reversed=yes&limit=5');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ version: '9.8.7', state: 'ready', node: 'edge1' });
    expect(overview).toHaveBeenCalledExactlyOnceWith({ match: 'ali', order: 'mos', reversed: true, limit: 5 });
    overview.mockClear();
    await ask({ socketPath }, '/overview?without_halves_of=1,3,x,-2,9999');
    expect(overview).toHaveBeenCalledExactlyOnceWith({ ...usualCallQuery, withoutHalvesOf: [1, 3] });
    for (const wrong of ['order=colour', 'limit=-1', 'limit=1e3', 'limit=100000', 'limit=']) {
      expect((await ask({ socketPath }, `/overview?${wrong}`)).status, wrong).toBe(400);
    }
    expect(overview).toHaveBeenCalledOnce();
  });

  test('is not answered on the network', async () => {
    const { port } = await serve();
    for (const path of ['/overview', '/log-level']) expect((await ask({ port }, path)).status).toBe(404);
  });
});

test('the level of the log is told, and set for as long as it is asked', async () => {
  const setLogLevel = vi.fn(() => ({ level: 'debug', configured: 'info', until: 5 }) as const);
  const { socket: socketPath } = await serve({ setLogLevel });
  expect(JSON.parse((await ask({ socketPath }, '/log-level')).body)).toEqual({ level: 'info', configured: 'info' });
  const set = await ask({ socketPath }, '/log-level?level=debug&lasts=600000', { method: 'PUT' });
  expect(JSON.parse(set.body)).toEqual({ level: 'debug', configured: 'info', until: 5 });
  await ask({ socketPath }, '/log-level?level=warn', { method: 'PUT' });
  expect(setLogLevel.mock.calls).toEqual([
    ['debug', 600_000],
    ['warn', undefined],
  ]);
  for (const wrong of ['level=trace', '', 'level=debug&lasts=0', 'level=debug&lasts=99999999999']) {
    expect((await ask({ socketPath }, `/log-level?${wrong}`, { method: 'PUT' })).status, wrong).toBe(400);
  }
});

test('a ladder is asked for in the width of a screen', async () => {
  const trace = vi.fn(() => Promise.resolve(Buffer.from('x')));
  const { socket: socketPath } = await serve({ trace });
  await ask({ socketPath }, '/traces/c1?width=80');
  expect(trace).toHaveBeenCalledExactlyOnceWith('c1', 'ladder', { withSecrets: false, width: 80 });
  expect((await ask({ socketPath }, '/traces/c1?width=8')).status).toBe(400);
});
