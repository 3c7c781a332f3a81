// What earlier versions of the program kept is read by this one. Each file of test/golden/kept was written by the version that it is
// named after, and stays as it is; UPDATE_GOLDEN=1 writes the newest anew. Who adds a field reads
// what lacks it; any other change is a new version and a new file, and the old one goes on being read.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { keepSoon } from '../../src/compose/keeping/call-keeper.ts';
import type { KeptDocument } from '../../src/store/call-store.ts';
import { FakeClock, FakeScheduler } from '../support/fake-time.ts';
import { MemoryPlace } from '../support/memory-place.ts';
import { Scenario } from '../support/scenario.ts';
import { connect, hangUp } from '../support/scenario-calls.ts';
import { PeerLeg } from '../support/scenario-peer.ts';
import { legAt } from '../support/scenario-restarts.ts';
import { datagrams, onDatagrams, subscribe, subscribing } from '../support/scenario-subscriptions.ts';

interface Golden {
  readonly at: number;
  /** The callee's side of the call that runs. */
  readonly callee: PeerLeg['state'];
  readonly calls: readonly KeptDocument[];
}

const newest = new URL('../golden/kept/calls-v2.json', import.meta.url);
const every = [new URL('../golden/kept/calls-v1.json', import.meta.url), newest];

/** One call that runs, one that rings, one that has just ended. */
async function written(): Promise<Golden> {
  const place = new MemoryPlace();
  const { calls, locations } = place.open('run-1', 0);
  const s = new Scenario({ state: { calls, locations } });
  const ended = await connect(s, s.phone('carol', '198.51.100.3'));
  await s.advance(1_000);
  const { leg } = await connect(s);
  await s.advance(7_000);
  await hangUp(ended);
  await s.phone('bob', '198.51.100.2').invite('601');
  await s.advance(keepSoon);
  const at = s.scheduler.clock.wall();
  return { at, callee: leg.state, calls: place.open('run-2', at).calls.load().calls };
}

function read(file: URL): Golden {
  const golden: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isGolden(golden)) throw new Error(`${file.pathname} is no golden file of calls`);
  return golden;
}

/** A file of ours: what is in it is what `written` gives. */
function isGolden(value: unknown): value is Golden {
  return typeof value === 'object' && value !== null && 'callee' in value && 'calls' in value;
}

/** Names of fields, whatever is in them; of arrays those of all elements. */
function shapeOf(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => shapeOf(one, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => shapeOf(inner, `${path}.${key}`));
}

function shapes({ calls }: Golden): readonly string[] {
  const all = calls.flatMap(({ document }) => {
    const kept: unknown = JSON.parse(document);
    const kind = typeof kept === 'object' && kept !== null && 'kind' in kept ? String(kept.kind) : '';
    return shapeOf(kept, kind);
  });
  return [...new Set(all)].toSorted();
}

describe('what is kept of calls', () => {
  test('has all that the newest file has: what is left out or named otherwise is a new version', async () => {
    const now = await written();
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(newest, `${JSON.stringify(now, undefined, 1)}\n`);
    expect(shapes(now)).toEqual(expect.arrayContaining([...shapes(read(newest))]));
    expect(now.calls).toHaveLength(3);
  });

  test.each(every.map((file) => [file.pathname.split('/').at(-1) ?? '', file] as const))(
    'in %s goes on: one call runs until it is hung up, one is lost, one has its record again',
    async (_name, file) => {
      const { at, calls, callee } = read(file);
      const place = new MemoryPlace();
      const before = place.open('run-1', at);
      before.calls.write(calls, []);
      const clock = new FakeClock();
      clock.jumpWall(at + 3_000 - clock.wall());
      const stores = place.open('run-2', at);
      const s = new Scenario({ state: stores, scheduler: new FakeScheduler(clock) });
      await s.settle();
      expect(s.b2bua.calls()).toMatchObject([{ state: 'connected', caller: 'alice@pbx.test' }]);
      expect(s.records.map(({ caller, cause }) => `${caller.name} ${cause}`).toSorted()).toEqual([
        'bob@pbx.test lost',
        'carol@pbx.test caller-hung-up',
      ]);
      await s.advance(2_000);
      await new PeerLeg(s.pbx, { ...callee }).hangUp();
      expect(s.records.at(-1)).toMatchObject({ cause: 'callee-hung-up', duration: 7_050 + 3_000 + 2_000 });
      await s.advance(70_000);
      await s.finish();
    },
  );

  test('by a newer program is given up, and the log says why', async () => {
    const place = new MemoryPlace();
    place.open('run-1', 0).calls.write([{ id: 'later', document: '{"v":3,"kind":"running"}' }], []);
    const s = new Scenario({ state: place.open('run-2', 0) });
    await s.advance(2_000);
    const fields = { why: 'a newer program wrote them', calls: ['later'] };
    expect(s.logged).toContainEqual({ level: 'error', event: 'kept-calls-unreadable', fields });
    expect(place.open('run-3', 0).calls.load().calls).toEqual([]);
    s.keeper.close();
  });
});

interface GoldenSubscriptions {
  readonly at: number;
  /** The phone's side. */
  readonly phone: PeerLeg['state'];
  readonly subscriptions: readonly KeptDocument[];
}

const newestSubscriptions = new URL('../golden/kept/subscriptions-v1.json', import.meta.url);

/** A phone on UDP watches a mailbox. */
async function writtenSubscriptions(): Promise<GoldenSubscriptions> {
  const place = new MemoryPlace();
  const s = new Scenario({ tables: subscribing, more: datagrams, state: place.open('run-1', 0) });
  const { own } = await subscribe(s, onDatagrams(s));
  await s.advance(1_500);
  const at = s.scheduler.clock.wall();
  return { at, phone: own.state, subscriptions: place.open('run-2', at).subscriptions.load() };
}

function readSubscriptions(): GoldenSubscriptions {
  const golden: unknown = JSON.parse(readFileSync(newestSubscriptions, 'utf8'));
  if (!isGoldenSubscriptions(golden)) throw new Error('that is no golden file of subscriptions');
  return golden;
}

function isGoldenSubscriptions(value: unknown): value is GoldenSubscriptions {
  return typeof value === 'object' && value !== null && 'phone' in value && 'subscriptions' in value;
}

describe('what is kept of subscriptions', () => {
  const shapesOf = ({ subscriptions }: GoldenSubscriptions): readonly string[] =>
    [...new Set(subscriptions.flatMap(({ document }) => shapeOf(JSON.parse(document))))].toSorted();

  test('has all that the newest file has: what is left out or named otherwise is a new version', async () => {
    const now = await writtenSubscriptions();
    if (process.env['UPDATE_GOLDEN'] === '1') {
      writeFileSync(newestSubscriptions, `${JSON.stringify(now, undefined, 1)}\n`);
    }
    expect(shapesOf(now)).toEqual(expect.arrayContaining([...shapesOf(readSubscriptions())]));
    expect(now.subscriptions).toHaveLength(1);
  });

  test('in the file of version 1 is ended in its dialog, so that the phone subscribes anew', async () => {
    const { at, phone, subscriptions } = readSubscriptions();
    const place = new MemoryPlace();
    place.open('run-1', at).subscriptions.write(subscriptions, []);
    const clock = new FakeClock();
    clock.jumpWall(at + 3_000 - clock.wall());
    const scheduler = new FakeScheduler(clock);
    const s = new Scenario({ tables: subscribing, more: datagrams, state: place.open('run-2', at), scheduler });
    const back = onDatagrams(s);
    await s.settle();
    const notify = back.takeRequest('NOTIFY');
    expect(notify.headers.get('Subscription-State')).toBe('terminated;reason=deactivated');
    await legAt(back, new PeerLeg(back, { ...phone })).respond(notify, 200);
    expect(s.former.waiting).toBe(0);
    await s.advance(2_000);
    expect(place.open('run-3', at).subscriptions.load()).toEqual([]);
    await s.finish();
  });
});
