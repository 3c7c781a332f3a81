import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { CallRecord } from '../../../src/b2bua/call/call-record.ts';
import type { EndCause } from '../../../src/b2bua/call/end-cause.ts';
import { cdrVersion, formatCdr } from '../../../src/cdr/cdr.ts';
import { type DropReason, dropReasons, type EndpointReport } from '../../../src/media/plane/messages.ts';

const started = Date.UTC(2026, 0, 5, 10, 0, 0, 250);
/** Every cause; the compiler misses one that is not here. */
const causes: Readonly<Record<EndCause, true>> = {
  'caller-hung-up': true,
  'callee-hung-up': true,
  'caller-cancelled': true,
  refused: true,
  failed: true,
  'no-answer': true,
  'early-media-limit': true,
  'duration-limit': true,
  'media-timeout': true,
  'media-lost': true,
  'keying-failed': true,
  lost: true,
  'caller-flow-lost': true,
  'no-ack': true,
  'signalling-timeout': true,
  operator: true,
  draining: true,
  transferred: true,
  fraud: true,
  internal: true,
};

const noDrops = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;

const report: EndpointReport = {
  endpoint: 7,
  received: { packets: 1_500, bytes: 258_000 },
  sent: { packets: 1_498, bytes: 257_656 },
  receivedRtcp: { packets: 6, bytes: 600 },
  sentRtcp: { packets: 6, bytes: 600 },
  dropped: { ...noDrops, forged: 3, foreign: 1 },
  lost: 2,
  jitter: 1.23456,
  meanOpinionScore: 4.40999,
  roundTrip: 41.234,
  oneWay: false,
  latched: { address: '203.0.113.9', port: 40_000 },
};

const answered: CallRecord = {
  transferOf: undefined,
  callId: 'c-1',
  caller: { kind: 'user', name: 'alice@pbx.test' },
  callee: { kind: 'pbx', name: 'main' },
  dialled: '00441632960123',
  canonical: '+441632960123',
  startedAt: started,
  ringingAt: started + 1_000,
  answeredAt: started + 3_000,
  endedAt: started + 33_000,
  duration: 30_000.4,
  cause: 'caller-hung-up',
  status: 200,
  refusal: undefined,
  trace: [{ rule: 'identity', answer: 'allow: user alice@pbx.test' }],
  attempts: [{ target: 'pbx:main', status: 200, outcome: 'answered' }],
  media: [{ leg: 'a', encryption: 'AES_CM_128_HMAC_SHA1_80', report }],
};

const refused: CallRecord = {
  ...answered,
  callee: undefined,
  canonical: undefined,
  ringingAt: undefined,
  answeredAt: undefined,
  endedAt: started + 5,
  duration: 0,
  cause: 'refused',
  status: 486,
  refusal: { code: 'user-cap', detail: 'alice@pbx.test holds its 2 concurrent calls' },
  attempts: [],
  media: [],
};

function written(record: CallRecord): Record<string, unknown> {
  const parsed: unknown = JSON.parse(formatCdr(record, 'edge1'));
  return Object.fromEntries(Object.entries(parsed ?? {}));
}

describe('a call record', () => {
  test('of an answered call', () => {
    expect(written(answered)).toEqual({
      v: 1,
      node: 'edge1',
      call: 'c-1',
      transfer_of: null,
      half_of: null,
      caller: 'user:alice@pbx.test',
      payer: 'user:alice@pbx.test',
      callee: 'pbx:main',
      dialled: '00441632960123',
      canonical: '+441632960123',
      started: '2026-01-05T10:00:00.250Z',
      ringing: '2026-01-05T10:00:01.250Z',
      answered: '2026-01-05T10:00:03.250Z',
      ended: '2026-01-05T10:00:33.250Z',
      duration: 30,
      cause: 'caller-hung-up',
      status: 200,
      verdict: 'admitted',
      decided_by: null,
      refusal: null,
      rules: [{ rule: 'identity', answer: 'allow: user alice@pbx.test' }],
      attempts: [{ target: 'pbx:main', status: 200, outcome: 'answered' }],
      media: [
        {
          leg: 'a',
          encryption: 'AES_CM_128_HMAC_SHA1_80',
          codec: null,
          received: { packets: 1_500, bytes: 258_000 },
          sent: { packets: 1_498, bytes: 257_656 },
          lost: 2,
          jitter: 1.23,
          round_trip: 41.23,
          mos: 4.41,
          one_way: false,
          dropped: { foreign: 1, forged: 3 },
        },
      ],
    });
  });

  test('says who pays, and which rule let it through', () => {
    const trace = [
      { rule: 'charge', input: 'token', answer: 'user bob@pbx.test' },
      { rule: 'rule office', answer: 'allow' },
      { rule: 'concurrent-calls', answer: 'at most 9 of total' },
    ];
    expect(written({ ...answered, trace })).toMatchObject({ payer: 'user:bob@pbx.test', decided_by: 'rule office' });
    const emergency = [{ rule: 'emergency', answer: 'allow: exempt from rules, limits and fraud detection' }];
    expect(written({ ...answered, trace: emergency })).toMatchObject({ decided_by: 'emergency' });
  });

  test('names the limit that was full as what decided, though others were asked behind it', () => {
    const trace = [
      { rule: 'identity', answer: 'allow: user alice@pbx.test' },
      { rule: 'concurrent-calls', answer: 'at most 2 of user:alice@pbx.test' },
      { rule: 'longest-call', answer: '60 s' },
    ];
    expect(written({ ...refused, trace })).toMatchObject({ verdict: 'refused', decided_by: 'concurrent-calls' });
  });

  test('of a refused call says who refused it and why, and has the same fields', () => {
    expect(written(refused)).toMatchObject({
      callee: null,
      canonical: null,
      ringing: null,
      answered: null,
      duration: 0,
      cause: 'refused',
      status: 486,
      refusal: { code: 'user-cap', detail: 'alice@pbx.test holds its 2 concurrent calls' },
      attempts: [],
      media: [],
    });
    expect(Object.keys(written(refused))).toEqual(Object.keys(written(answered)));
  });

  test('of media that never came has no opinion score', () => {
    const silent = {
      ...answered,
      media: [{ leg: 'b', encryption: 'none', report: { ...report, meanOpinionScore: undefined } }],
    };
    expect(written(silent)['media']).toMatchObject([{ leg: 'b', mos: null }]);
  });

  test('stays one line, and one that a terminal does not obey, whatever was dialled', () => {
    const dialled = 'a\r\n{"v":1}\u001b[2J\u009b\u2028\u202e"';
    const line = formatCdr({ ...answered, dialled }, 'edge1');
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(written({ ...answered, dialled })['dialled']).toBe(dialled);
  });

  test('has the fields that docs/cdr.md lists, in that order, and no others', () => {
    const page = readFileSync(new URL('../../../docs/cdr.md', import.meta.url), 'utf8');
    const listed = (heading: string) => {
      const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
      return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    };
    expect(listed('Fields')).toEqual(Object.keys(written(answered)));
    const [media] = Array.isArray(written(answered)['media']) ? (written(answered)['media'] as readonly unknown[]) : [];
    expect(listed('Media')).toEqual(Object.keys(media ?? {}));
    expect(page).toContain(`version ${cdrVersion}`);
    const explained = page.split(/^## /m).find((part) => part.startsWith('Causes')) ?? '';
    for (const cause of Object.keys(causes)) expect(explained, cause).toContain(`\`${cause}\``);
  });
});
