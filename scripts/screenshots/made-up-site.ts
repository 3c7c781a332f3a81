// A site that there is not: a company of some 170 phones on a Wednesday morning, as the running SBC would tell of it. Names are those of RFC 2606,
// addresses those of RFC 5737. Every look gives the same figures, so that the same pictures come of it.
import type {
  AlertAnswer,
  BanAnswer,
  CallAnswer,
  CallDetailAnswer,
  OverviewAnswer,
  RecentCallAnswer,
  RegistrationAnswer,
} from '../../src/admin/admin-client-answers.ts';
import { type HistorySpan, type HistoryView, historySteps } from '../../src/observe/node-history.ts';
import { SeededRandom } from '../../test/support/fake-time.ts';
import { madeUpCall } from './made-up-call.ts';

/** When it is looked at. */
export const lookedAt = Date.UTC(2026, 9, 14, 9, 41, 20);
/** Between two looks. */
const lookInterval = 2_000;
const startedAt = lookedAt - 12 * 86_400_000 - 15_400_000;
const callStartedAt = lookedAt - 203_000;

const people = [
  ['a.meyer', 'Yealink SIP-T54W 96.86.0.100'],
  ['reception', 'Yealink SIP-T58W 150.86.0.30'],
  ['j.okafor', 'Zoiper v2.10.20.5'],
  ['m.rossi', 'snomD785/10.1.184.15'],
  ['p.novak', 'Linphone-Desktop/5.2.6'],
  ['s.lind', 'Yealink SIP-T54W 96.86.0.100'],
  ['workshop-2', 'Grandstream GXP2170 1.0.11.79'],
  ['k.tanaka', 'baresip v3.9.0'],
  ['l.dubois', 'MicroSIP/3.21.5'],
  ['t.berg', 'snomD865/10.1.184.15'],
  ['sales-1', 'Yealink SIP-T53 96.86.0.70'],
  ['sales-2', 'Yealink SIP-T53 96.86.0.70'],
] as const;

const dialled = [
  '+493012345',
  '412',
  '+442079460018',
  '600',
  '+33142685300',
  '417',
  '0800-555-0100',
  '+4961005550',
] as const;
const callees = ['carrier-a', 'main', 'carrier-b', 'main', 'carrier-a', 'main', 'carrier-b', 'carrier-a'] as const;
const runningCalls = 24;
/** One each 20 ms from both sides of a call. */
const packetsPerLook = runningCalls * 2 * (lookInterval / 20);
const phones = 171;
const answered = 18_412;
const refusals = { 'concurrent-calls': 19, 'zone-denied': 63, 'no-route': 44, 'budget-spent': 3 };
const refused = Object.values(refusals).reduce((sum, calls) => sum + calls, 0);

/** Look 0 is that of `lookedAt`; from each one to the next the same is added. */
export function overviewAt(look: number): OverviewAnswer {
  const dropped = { foreign: 388 + look, replayed: 41, 'rate-limit': 1_204 };
  const packets = 884_210_770 + look * packetsPerLook;
  const traffic = { packets, bytes: packets * 172 };
  return {
    at: lookedAt + look * lookInterval,
    version: '0.1.0',
    state: 'ready',
    node: 'edge1',
    startedAt,
    calls: { active: runningCalls, answered: answered + look, unanswered: 2_207, refused },
    relayed: 0,
    refusals,
    media: { received: traffic, sent: { packets: packets - 1_633, bytes: (packets - 1_633) * 172 }, dropped },
    workers: [
      {
        alive: true,
        driver: 'io_uring',
        sessions: 13,
        ran: 9_180_400 + look * 61,
        packets: look * 5_210,
        dropped: 816,
      },
      {
        alive: true,
        driver: 'io_uring',
        sessions: 11,
        ran: 8_904_700 + look * 52,
        packets: look * (2 * packetsPerLook - 5_210),
        dropped: 817 + look * 3,
      },
    ],
    process: { ran: 6_310_000 + look * 43, residentBytes: 214_000_000, lag: 1.1 },
    registrations: phones,
    subscriptions: 64,
    bans: bansNow.length,
    holds: 1,
    trunks: [
      { name: 'carrier-a', up: true, registered: true, calls: 9 },
      { name: 'carrier-b', up: true, calls: 6 },
      { name: 'fax-gateway', up: false, calls: 0 },
    ],
    quality: { calls: 23, mos: 4.31, worst: 3.18, loss: 0.0012 },
    matching: runningCalls,
    list: callsNow,
  };
}

const callsNow: OverviewAnswer['list'] = Array.from({ length: runningCalls }, (_, index) => {
  const random = new SeededRandom(index + 11);
  const [caller] = people[index % people.length] ?? people[0];
  const at = lookedAt - 4_000 - index * index * 1_900 - random.below(900);
  const isTalking = index > 0;
  const isBad = index === 9;
  const isSecure = index % 4 !== 2;
  const isShown = index === 12;
  return {
    id: isShown ? madeUpCall.id : Buffer.from(random.bytes(8)).toString('hex'),
    state: isTalking ? 'connected' : 'ringing',
    caller: isShown ? madeUpCall.caller : `${caller}@example.com`,
    dialled: isShown ? madeUpCall.dialled : (dialled[index % dialled.length] ?? '412'),
    callee: isShown ? 'main' : callees[index % callees.length],
    startedAt: isShown ? callStartedAt : at,
    ...(isTalking ? { answeredAt: isShown ? callStartedAt + 4_871 : at + 2_000 + random.below(9_000) } : {}),
    ...(isTalking
      ? {
          quality: {
            mos: isBad ? 3.18 : 4.2 + random.below(20) / 100,
            loss: isBad ? 0.021 : random.below(20) / 10_000,
            jitter: isBad ? 24.6 : 1 + random.below(50) / 10,
            roundTrip: 14 + random.below(40),
            oneWay: false,
            encryption: [isSecure ? 'SDES AES_CM_128_HMAC_SHA1_80' : 'SDES AEAD_AES_256_GCM', 'none'],
          },
        }
      : {}),
  };
}).sort((a, b) => b.startedAt - a.startedAt);

/** The call that is opened. */
export function detailNow(): CallDetailAnswer {
  const found = callsNow.find(({ id }) => id === madeUpCall.id);
  if (found === undefined) throw new Error('the call that is shown is none of those that run');
  const { quality: _quality, ...call } = found;
  const packets = 9_917;
  const traffic = { packets, bytes: packets * 172 };
  const common = { one_way: false, jitter: 2.1, mos: 4.34, lost: 0 };
  return {
    call: call satisfies CallAnswer,
    media: [
      {
        ...common,
        leg: 'a',
        encryption: 'SDES AES_CM_128_HMAC_SHA1_80',
        received: traffic,
        sent: { packets: packets - 3, bytes: (packets - 3) * 172 },
        lost: 6,
        round_trip: 31,
        dropped: { foreign: 2 },
      },
      { ...common, leg: 'b', encryption: 'none', received: traffic, sent: traffic, round_trip: 2, dropped: {} },
    ],
  };
}

export const recentNow: readonly RecentCallAnswer[] = (
  [
    ['sales-1', '+33142685300', 'carrier-a', 184, 200, 'caller-hung-up', undefined, 4.37],
    ['j.okafor', '412', 'main', 61, 200, 'callee-hung-up', undefined, 4.28],
    ['m.rossi', '+882165550', undefined, 0, 403, 'refused', 'zone-denied', undefined],
    ['s.lind', '+4961005550', 'carrier-b', 0, 486, 'callee-refused', undefined, undefined],
    ['reception', '417', 'main', 733, 200, 'caller-hung-up', undefined, 4.4],
    ['t.berg', '+442079460018', 'carrier-b', 412, 200, 'callee-hung-up', undefined, 3.61],
  ] as const
).map(([caller, to, callee, seconds, status, cause, refusal, mos], index) => {
  const endedAt = lookedAt - 9_000 - index * 21_000;
  const duration = seconds * 1_000;
  const id = Buffer.from(new SeededRandom(index + 71).bytes(8)).toString('hex');
  const call = { id, caller: `${caller}@example.com`, dialled: to, startedAt: endedAt - duration - 6_000, endedAt };
  return { ...call, callee, duration, cause, status, refusal, mos };
});

export const registrationsNow: readonly RegistrationAnswer[] = Array.from({ length: phones }, (_, index) => {
  const random = new SeededRandom(index + 3);
  const [name, userAgent] = people[index % people.length] ?? people[0];
  const user = index < people.length ? name : `${300 + index}`;
  const address = `198.51.100.${10 + (index % 200)}`;
  return {
    aor: `${user}@example.com`,
    contact: `sip:${user}@${address}:${49_152 + random.below(16_000)};transport=tls`,
    listener: 'phones',
    expiresAt: lookedAt + 20_000 + random.below(280_000),
    alive: index !== 5,
    userAgent,
  };
});

export const bansNow: readonly BanAnswer[] = [
  { source: '192.0.2.66', reason: 'authentication', until: lookedAt + 2_840_000, times: 3 },
  { source: '192.0.2.131', reason: 'scanner', until: lookedAt + 540_000, times: 1 },
];

export const alertsNow: readonly AlertAnswer[] = [
  {
    severity: 'warning',
    kind: 'peer-down',
    text: 'fax-gateway does not answer',
    firstAt: lookedAt - 1_260_000,
    lastAt: lookedAt - 1_260_000,
    count: 1,
  },
];

/** A morning: hardly anything before eight, more and more since, with what chance adds. */
export function historyNow(span: HistorySpan): HistoryView {
  const step = historySteps[span];
  const length = span === 'hour' ? 360 : 288;
  const random = new SeededRandom(5);
  const endsAt = lookedAt - (lookedAt % step);
  const times = Array.from({ length }, (_, index) => endsAt - (length - 1 - index) * step);
  let walk = 0;
  const calls = times.map((at) => {
    const hour = (at % 86_400_000) / 3_600_000;
    const usual = hour < 6.5 || hour > 17.5 ? 1.2 : 22 + 4 * Math.sin((hour - 7) * 0.9);
    walk = walk * 0.85 + (random.below(100) - 50) / 30;
    return at === endsAt ? runningCalls : Math.max(0, Math.round(usual + walk));
  });
  const noise = (least: number, most: number): number => least + (random.below(1_000) / 1_000) * (most - least);
  const packets = calls.map((count) => count * noise(49, 51) * 2);
  return {
    step,
    endsAt,
    columns: {
      calls,
      begun: calls.map((count) => count * noise(0.2, 0.5)),
      refused: calls.map(() => (random.below(30) === 0 ? noise(1, 4) : 0)),
      packets,
      dropped: calls.map(() => noise(0, 0.6)),
      mos: calls.map((count) => (count === 0 ? null : noise(4.26, 4.36))),
      loss: calls.map((count) => (count === 0 ? null : noise(0.0004, 0.002))),
      registrations: calls.map(() => phones),
      processors: packets.map((rate) => 0.01 + rate * noise(0.000028, 0.000034)),
      lag: calls.map(() => noise(0.8, 1.6)),
    },
  };
}
