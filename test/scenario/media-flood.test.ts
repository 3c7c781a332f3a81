// A peer that sends more media than it may, or none: what the worker is told to let pass, and who hears of it.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { connect, connectFromPbx, hangUp } from '../support/scenario-calls.ts';

const g711 = { packetsPerSecond: 175, bytesPerSecond: 18_400 };

/** By endpoint: the caller's is opened first. */
const limitsOf = (s: Scenario) => [...(s.media.sessions.at(-1)?.remotes.values() ?? [])].map(({ limit }) => limit);

describe('a call', () => {
  test('may carry on each side what the codecs have to send that were agreed on', async () => {
    const s = new Scenario();
    const call = await connect(s);
    expect(limitsOf(s)).toEqual([g711, g711]);
    await hangUp(call);
    await s.finish();
  });

  test('of a user carries what its own word allows, as caller and when it is called', async () => {
    const s = new Scenario({ alice: 'media_packets_per_second = 60\nmedia_bandwidth = "120kbit"' });
    const own = { packetsPerSecond: 60, bytesPerSecond: 15_000 };
    const call = await connect(s);
    expect(limitsOf(s)).toEqual([own, g711]);
    await hangUp(call);
    const called = await connectFromPbx(s, await s.registered('alice'));
    expect(limitsOf(s)).toEqual([g711, own]);
    await hangUp(called);
    await s.finish();
  });

  test('carries what a group and a PBX say, and more than its codecs where that is not to count', async () => {
    const s = new Scenario({
      more: '[[group]]\nname = "softphones"\nmedia_packets_per_second = 80\n',
      alice: 'group = "softphones"',
      pbx: 'media_packets_per_second = 5000\nmedia_bandwidth = "80Mbit"\nmedia_limit_by_codec = false',
    });
    const call = await connect(s);
    expect(limitsOf(s)).toEqual([
      { packetsPerSecond: 80, bytesPerSecond: 18_400 },
      { packetsPerSecond: 5_000, bytesPerSecond: 10_000_000 },
    ]);
    await hangUp(call);
    await s.finish();
  });
});

test('a flood is in the log and is an alert, with whose it is; the call goes on', async () => {
  const s = new Scenario();
  const call = await connect(s);
  const session = s.media.sessions[0];
  const [caller = 0, callee = 0] = session?.endpoints.keys() ?? [];
  session?.flood(caller);
  session?.flood(callee);
  const id = s.b2bua.calls()[0]?.id;
  expect(s.alerts).toEqual([
    { kind: 'media-flood', call: id, party: 'user:alice@pbx.test', ...g711 },
    { kind: 'media-flood', call: id, party: 'pbx:main', ...g711 },
  ]);
  expect(s.logged.filter(({ event }) => event === 'media-over-limit')).toMatchObject([
    { level: 'warn', fields: { party: 'alice@pbx.test', ...g711 } },
    { level: 'warn', fields: { party: 'main', ...g711 } },
  ]);
  await hangUp(call);
  await s.finish();
  expect(s.record.cause).toBe('caller-hung-up');
});

test('one-way audio is in the log and is an alert, with who is silent; the call goes on', async () => {
  const s = new Scenario();
  const call = await connect(s);
  const session = s.media.sessions[0];
  const [caller = 0, callee = 0] = session?.endpoints.keys() ?? [];
  session?.silence(caller);
  session?.silence(callee);
  const id = s.b2bua.calls()[0]?.id;
  expect(s.alerts).toEqual([
    { kind: 'one-way-audio', call: id, party: 'user:alice@pbx.test' },
    { kind: 'one-way-audio', call: id, party: 'pbx:main' },
  ]);
  expect(s.logged.filter(({ event }) => event === 'media-one-way')).toMatchObject([
    { level: 'warn', fields: { party: 'alice@pbx.test' } },
    { level: 'warn', fields: { party: 'main' } },
  ]);
  await hangUp(call);
  await s.finish();
  expect(s.record.cause).toBe('caller-hung-up');
});
