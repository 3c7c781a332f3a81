import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mergedMetrics } from '../../../src/admin/merged-metrics.ts';
import type { CallRecord } from '../../../src/b2bua/call/call-record.ts';
import { type DropReason, dropReasons, type EndpointReport } from '../../../src/media/plane/messages.ts';
import { type MetricSources, Metrics } from '../../../src/observe/metrics.ts';
import type { RefusalCode } from '../../../src/policy/verdict.ts';

/** Every code; the compiler misses one that is not here. */
const refusalCodes: Readonly<Record<RefusalCode, true>> = {
  'user-cap': true,
  'trunk-cap': true,
  'peer-down': true,
  'total-cap': true,
  'no-route': true,
  'unknown-user': true,
  'not-registered': true,
  'limit-cap': true,
  'call-rate': true,
  'minutes-used': true,
  'caller-not-allowed': true,
  'rule-denied': true,
  'zone-denied': true,
  'device-denied': true,
  fraud: true,
  'number-not-valid': true,
  'not-replaceable': true,
  'scheme-not-supported': true,
  'sips-not-possible': true,
  'media-not-acceptable': true,
  'media-not-available': true,
  'rate-limited': true,
  banned: true,
  'store-not-available': true,
  'store-lost': true,
  loop: true,
  overload: true,
  draining: true,
  internal: true,
};

const dropped = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;

const sources: MetricSources = {
  calls: () => 3,
  relayedCalls: () => 2,
  dialogs: () => 6,
  registrations: () => 40,
  subscriptions: () => 12,
  reservations: () => 9,
  transactions: () => 5,
  lingeringTransactions: () => 4,
  timers: () => 12,
  peersUp: () => [
    { peer: 'trunk:carrier', isUp: true },
    { peer: 'pbx:main', isUp: false },
  ],
  loopLag: () => 250,
  waiting: () => 12,
  connections: () => 41,
  refusedConnections: () => new Map([['too-many-connections', 2]]),
  handlingFailures: () => 1,
  processes: () => ({ passed: 3, refused: 2, dropped: 2 }),
  hep: () => ({ sent: 7, dropped: { 'queue-full': 2, 'too-large': 0, 'send-failed': 1 } }),
  mediaPorts: () => 12,
  mediaSessions: () => 3,
  media: () => ({
    received: { packets: 100, bytes: 17_200 },
    sent: { packets: 98, bytes: 16_856 },
    dropped: { ...dropped, forged: 7 },
    faults: 0,
    sessionsOpened: 8,
    sessionsLost: 0,
    workersLost: 1,
  }),
  store: { waiting: () => 5, lost: () => 1, failures: () => 2, restarts: () => 3 },
};

const record: CallRecord = {
  transferOf: undefined,
  callId: 'c-1',
  caller: { kind: 'user', name: 'alice@pbx.test' },
  callee: { kind: 'pbx', name: 'main' },
  dialled: '600',
  canonical: '600',
  startedAt: 0,
  ringingAt: undefined,
  answeredAt: 1_000,
  endedAt: 11_000,
  duration: 10_000,
  cause: 'caller-hung-up',
  status: 200,
  refusal: undefined,
  trace: [],
  attempts: [],
  media: [],
};

const none = { packets: 0, bytes: 0 };
const report: EndpointReport = {
  endpoint: 1,
  received: { packets: 98, bytes: 9_800 },
  sent: none,
  receivedRtcp: none,
  sentRtcp: none,
  dropped: { ...dropped, 'over-limit': 3 },
  lost: 2,
  jitter: 12,
  meanOpinionScore: 3.9,
  roundTrip: 120,
  oneWay: false,
  latched: undefined,
};

/** Samples by name and labels. */
async function scrape(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line): [string, number] => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** Everything counted once, so that every metric and label name is there. */
function busy(): Metrics {
  const metrics = new Metrics(sources);
  metrics.callEnded({ ...record, media: [{ leg: 'a', encryption: 'none', report: { ...report, oneWay: true } }] });
  metrics.callEnded({ ...record, answeredAt: undefined, duration: 0, refusal: { code: 'user-cap', detail: 'x' } });
  metrics.subscriptionRefused('event-not-served');
  metrics.authFailed('nonce-stale');
  metrics.banned('wrong-password');
  metrics.request('INVITE');
  metrics.dropped('rate-limited');
  metrics.recordLost();
  return metrics;
}

describe('what is scraped', () => {
  test('are numbers of now, and totals of those who count for themselves, however often one asks', async () => {
    const metrics = new Metrics(sources);
    await scrape(metrics);
    const samples = await scrape(metrics);
    expect(samples.get('sbc_calls_active')).toBe(3);
    expect(samples.get('sbc_registrations_active')).toBe(40);
    expect(samples.get('sbc_media_packets_total{direction="received"}')).toBe(100);
    expect(samples.get('sbc_media_bytes_total{direction="sent"}')).toBe(16_856);
    expect(samples.get('sbc_media_dropped_total{reason="forged"}')).toBe(7);
    expect(samples.get('sbc_media_workers_lost_total')).toBe(1);
    expect(samples.get('sbc_connections_refused_total{reason="too-many-connections"}')).toBe(2);
    expect(samples.get('sbc_trunk_up{peer="trunk:carrier"}')).toBe(1);
    expect(samples.get('sbc_trunk_up{peer="pbx:main"}')).toBe(0);
    expect(samples.get('sbc_process_resident_bytes')).toBeGreaterThan(1_000_000);
  });

  test('are calls by how far they came, refusals by reason, and the duration of answered ones', async () => {
    const metrics = new Metrics(sources);
    metrics.callEnded(record);
    metrics.callEnded({ ...record, answeredAt: undefined, duration: 0 });
    metrics.callEnded({ ...record, answeredAt: undefined, duration: 0, refusal: { code: 'trunk-cap', detail: 'x' } });
    const samples = await scrape(metrics);
    for (const outcome of ['answered', 'unanswered', 'refused']) {
      expect(samples.get(`sbc_calls_total{outcome="${outcome}"}`)).toBe(1);
    }
    expect(samples.get('sbc_refusals_total{reason="trunk-cap"}')).toBe(1);
    expect(samples.get('sbc_call_duration_seconds_count')).toBe(1);
    expect(samples.get('sbc_call_duration_seconds_sum')).toBe(10);
    const buckets = [...samples].filter(([name]) => name.startsWith('sbc_call_duration_seconds_bucket'));
    expect(buckets.map(([name, count]) => [/le="(.+)"/.exec(name)?.[1], count])).toEqual([
      ['1', 0],
      ['5', 0],
      ['15', 1],
      ['60', 1],
      ['300', 1],
      ['900', 1],
      ['3600', 1],
      ['7200', 1],
      ['+Inf', 1],
    ]);
  });

  test('count a call of two nodes where it began, and its refusal where it was refused', async () => {
    const metrics = new Metrics(sources);
    const halfOf = { node: 'one', call: 'c-0' };
    metrics.callEnded({ ...record, halfOf });
    metrics.callEnded({
      ...record,
      halfOf,
      answeredAt: undefined,
      refusal: { code: 'media-not-available', detail: 'x' },
    });
    const samples = await scrape(metrics);
    expect(samples.get('sbc_calls_relayed_total')).toBe(2);
    expect(samples.get('sbc_calls_relayed_active')).toBe(2);
    expect([...samples.keys()].filter((name) => name.startsWith('sbc_calls_total'))).toEqual([]);
    expect(samples.get('sbc_call_duration_seconds_count')).toBe(0);
    expect(samples.get('sbc_refusals_total{reason="media-not-available"}')).toBe(1);
  });

  test('media quality is observed for each side at the end of a call', async () => {
    const metrics = new Metrics(sources);
    const silent = {
      ...report,
      received: none,
      lost: 0,
      meanOpinionScore: undefined,
      roundTrip: undefined,
      oneWay: true,
    };
    const media = [
      { leg: 'a', encryption: 'none', report },
      { leg: 'b', encryption: 'none', report: { ...silent, dropped } },
    ];
    metrics.callEnded({ ...record, media });
    const samples = await scrape(metrics);
    expect(samples.get('sbc_media_mos_bucket{le="4",leg="caller"}')).toBe(1);
    expect(samples.get('sbc_media_mos_bucket{le="3.8",leg="caller"}')).toBe(0);
    expect(samples.get('sbc_media_loss_ratio_sum{leg="caller"}')).toBeCloseTo(0.02);
    expect(samples.get('sbc_media_jitter_seconds_sum{leg="caller"}')).toBeCloseTo(0.012);
    expect(samples.get('sbc_media_round_trip_seconds_sum{leg="caller"}')).toBeCloseTo(0.12);
    expect(samples.get('sbc_media_over_limit_total{leg="caller"}')).toBe(1);
    expect(samples.get('sbc_media_one_way_total{leg="callee"}')).toBe(1);
    expect(samples.get('sbc_media_mos_count{leg="callee"}')).toBeUndefined();
  });

  test('media quality of a call of two nodes is observed where it began, and what a side sent too much beside that side', async () => {
    const metrics = new Metrics(sources);
    const media = ['a', 'b'].map((leg) => ({ leg, encryption: 'none', report: { ...report, oneWay: true } }));
    metrics.callEnded({ ...record, media, halfOf: { node: 'one', call: 'c-0' } });
    const samples = await scrape(metrics);
    expect(samples.get('sbc_media_over_limit_total{leg="caller"}')).toBe(1);
    const others = /^sbc_media_(mos|loss|jitter|round_trip|one_way)\w*\{/;
    expect([...samples.keys()].filter((name) => others.test(name))).toEqual([]);
  });

  test('never has a word of a peer for a label', async () => {
    const metrics = new Metrics(sources);
    for (let count = 0; count < 1_000; count += 1) metrics.request(`METHOD-${count}`);
    for (const method of ['invite', '__proto__', 'a"\n}']) metrics.request(method);
    const samples = await scrape(metrics);
    expect(samples.get('sbc_sip_requests_total{method="other"}')).toBe(1_003);
    expect([...samples.keys()].filter((name) => name.startsWith('sbc_sip_requests_total'))).toHaveLength(1);
  });

  test('counts each method that there is by itself', async () => {
    const metrics = new Metrics(sources);
    const methods =
      'INVITE ACK CANCEL BYE REGISTER OPTIONS INFO UPDATE PRACK REFER MESSAGE SUBSCRIBE NOTIFY PUBLISH'.split(' ');
    for (const method of methods) metrics.request(method);
    const samples = await scrape(metrics);
    for (const method of methods) expect(samples.get(`sbc_sip_requests_total{method="${method}"}`), method).toBe(1);
  });

  test('of two processes in one are not mixed', async () => {
    const [first, second] = [new Metrics(sources), new Metrics(sources)];
    first.recordLost();
    expect((await scrape(second)).get('sbc_call_records_lost_total')).toBe(0);
  });
});

describe('names', () => {
  test('follow the rules of Prometheus: prefix, base units, _total on counters alone, a help text', async () => {
    const text = await busy().text();
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
    const helps = new Map([...text.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '', help = '']) => [name, help]));
    expect(types.size).toBeGreaterThan(20);
    for (const [name, type] of types) {
      expect(name).toMatch(/^sbc_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name, name).not.toMatch(/counter|gauge|histogram|milliseconds|_ms|kilobytes|percent/);
      expect(helps.get(name), name).toMatch(/^[A-Z].*\.$/);
    }
  });

  test('are all in docs/metrics.md with their labels, and nothing else is', async () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| `(sbc_\w+)(?:\{(\w+)\})?` \| (\w+) \|/gm)].map(
      ([, name, label = '', type]) => `${name} ${label} ${type}`,
    );
    const text = (await busy().text()) + mergedMetrics(['']);
    const labels = new Map(
      [...text.matchAll(/^(sbc_\w+)\{(\w+)=/gm)].map(([, name = '', label = '']) => [name.replace(/_sum$/, ''), label]),
    );
    const exported = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
      return `${name} ${labels.get(name) ?? ''} ${type}`;
    });
    expect(documented.toSorted()).toEqual(exported.toSorted());
  });

  test('of reasons are explained there too', () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    for (const reason of [...Object.keys(refusalCodes), ...dropReasons])
      expect(page, reason).toContain(`\`${reason}\``);
  });
});
