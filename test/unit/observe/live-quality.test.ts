import { describe, expect, test } from 'vitest';
import type { MediaRecord } from '../../../src/b2bua/call/call-record.ts';
import { noTraffic } from '../../../src/media/plane/traffic-totals.ts';
import { askedAtOnce, freshFor, LiveQuality, qualityOf } from '../../../src/observe/live-quality.ts';
import { FakeClock } from '../../support/fake-time.ts';

function side(leg: string, more: Partial<MediaRecord['report']> = {}): MediaRecord {
  const traffic = { packets: 99, bytes: 17_028 };
  const report = {
    ...noTraffic,
    endpoint: 1,
    received: traffic,
    sent: traffic,
    receivedRtcp: traffic,
    sentRtcp: traffic,
    lost: 1,
    jitter: 2,
    meanOpinionScore: 4.2,
    roundTrip: undefined,
    oneWay: false,
    latched: undefined,
  };
  return { leg, encryption: leg === 'a' ? 'SDES' : 'none', report: { ...report, ...more } };
}

function asking(calls: readonly string[]): {
  live: LiveQuality;
  clock: FakeClock;
  asked: string[];
  running: Set<string>;
} {
  const clock = new FakeClock();
  const asked: string[] = [];
  const running = new Set(calls);
  const ask = (call: string): Promise<readonly MediaRecord[]> => {
    asked.push(call);
    return Promise.resolve([side('a'), side('b', { meanOpinionScore: 3 })]);
  };
  const live = new LiveQuality({ calls: () => [...running].map((id) => ({ id })), ask, clock });
  return { live, clock, asked, running };
}

describe('how a call sounds', () => {
  test('is its worse side in each respect', () => {
    const media = [
      side('a', { jitter: 9 }),
      side('b', { meanOpinionScore: 2.5, lost: 33, roundTrip: 80, oneWay: true }),
    ];
    expect(qualityOf(media)).toEqual({
      mos: 2.5,
      loss: 0.25,
      jitter: 9,
      roundTrip: 80,
      oneWay: true,
      encryption: ['SDES', 'none'],
    });
  });

  test('is not known before there is media, and its score not before a packet came', () => {
    expect(qualityOf([])).toBeUndefined();
    expect(qualityOf([side('a', { meanOpinionScore: undefined })])?.mos).toBeUndefined();
  });
});

describe('running calls', () => {
  test('are asked once in a moment, and forgotten when they are over', async () => {
    const { live, clock, asked, running } = asking(['c1', 'c2']);
    await live.look();
    await live.look();
    expect(asked).toEqual(['c1', 'c2']);
    expect(live.summary()).toEqual({ calls: 2, mos: 3, worst: 3, loss: 0.01 });
    clock.move(freshFor);
    running.delete('c1');
    await live.look();
    expect(asked).toEqual(['c1', 'c2', 'c2']);
    expect(live.of('c1')).toBeUndefined();
    expect(live.of('c2')).toMatchObject({ mos: 3 });
  });

  test('are asked a few at a time, each in its turn', async () => {
    const names = Array.from({ length: 3 * askedAtOnce - 5 }, (_, index) => `c${index}`);
    const { live, clock, asked } = asking(names);
    for (const expected of [askedAtOnce, 2 * askedAtOnce, names.length]) {
      await live.look();
      expect(asked.length).toBe(expected);
    }
    expect(new Set(asked).size).toBe(names.length);
    clock.move(freshFor);
    await live.look();
    expect(asked.slice(names.length)).toEqual(names.slice(0, askedAtOnce));
  });

  test('that another node began are known, and count there', async () => {
    const clock = new FakeClock();
    const ask = (call: string): Promise<readonly MediaRecord[]> =>
      Promise.resolve([side('a', { meanOpinionScore: call === 'c1' ? 4 : 2 })]);
    const half = { id: 'c2', halfOf: { node: 'edge1-2', call: 'c9' } };
    const live = new LiveQuality({ calls: () => [{ id: 'c1' }, half], ask, clock });
    await live.look();
    expect(live.of('c2')).toMatchObject({ mos: 2 });
    expect(live.summary()).toEqual({ calls: 1, mos: 4, worst: 4, loss: 0.01 });
    const alone = new LiveQuality({ calls: () => [half], ask, clock });
    await alone.look();
    expect(alone.summary()).toBeUndefined();
  });

  test('that do not answer leave what was known', async () => {
    const clock = new FakeClock();
    let fails = false;
    const live = new LiveQuality({
      calls: () => [{ id: 'c1' }],
      ask: () => (fails ? Promise.reject(new Error('lost')) : Promise.resolve([side('a')])),
      clock,
    });
    await live.look();
    fails = true;
    clock.move(freshFor);
    await live.look();
    expect(live.of('c1')).toMatchObject({ mos: 4.2 });
    expect(live.summary()).toMatchObject({ calls: 1 });
  });
});
