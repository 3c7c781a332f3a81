// Provisionals that must arrive (RFC 3262 §3, §4, §7).
import { describe, expect, test } from 'vitest';
import {
  acknowledgedNumber,
  maxWaitingProvisionals,
  type ReliableOutput,
  ReliableReceiver,
  ReliableSender,
  reliableSequence,
} from '../../../../src/sip/dialog/reliable-provisional.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipResponse } from '../../../../src/sip/message/message.ts';

const timers = { t1: 500 };

function provisional(status: number, ...fields: readonly [string, string][]): SipResponse {
  return { kind: 'response', status, reason: '', headers: Headers.of(...fields), body: noBody };
}

function sent(outputs: readonly ReliableOutput[] | undefined): readonly (string | undefined)[] {
  return (outputs ?? []).flatMap((one) => (one.type === 'send' ? [one.response.headers.get('RSeq')] : []));
}

describe('the sender', () => {
  test('numbers a provisional and requires its acknowledgement (§3)', () => {
    const sender = new ReliableSender(timers, 1, 77);
    const [send, start] = sender.send(provisional(183));
    expect(send?.type === 'send' && send.response.headers.get('Require')).toBe('100rel');
    expect(send?.type === 'send' && send.response.headers.get('RSeq')).toBe('77');
    expect(start).toEqual({ type: 'start', delay: 500 });
    expect(sender.isWaiting).toBe(true);
  });

  test('repeats it after T1 and twice as long each time, and gives up after 64 · T1', () => {
    const sender = new ReliableSender(timers, 1, 77);
    const delays: number[] = [];
    for (let outputs = sender.send(provisional(180)); ; outputs = sender.timer()) {
      const start = outputs.find((one) => one.type === 'start');
      if (start === undefined) {
        expect(outputs).toEqual([{ type: 'failed' }]);
        break;
      }
      delays.push(start.delay);
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 500]);
    expect(delays.reduce((sum, delay) => sum + delay)).toBe(32_000);
    expect(sender.timer()).toEqual([]);
  });

  test('holds the next one back until the PRACK of the one before, and numbers it one higher', () => {
    const sender = new ReliableSender(timers, 1, 77);
    sender.send(provisional(180));
    expect(sender.send(provisional(183))).toEqual([]);
    const next = sender.acknowledge({ sequence: 77, cseq: 1, method: 'INVITE' });
    expect(next?.map(({ type }) => type)).toEqual(['stop', 'send', 'start']);
    expect(sent(next)).toEqual(['78']);
    expect(sender.acknowledge({ sequence: 78, cseq: 1, method: 'INVITE' })).toEqual([{ type: 'stop' }]);
    expect(sender.isWaiting).toBe(false);
  });

  test('lets no more than a bounded number wait', () => {
    const sender = new ReliableSender(timers, 1, 1);
    for (let count = 0; count < 100; count += 1) sender.send(provisional(180));
    let acknowledged = 0;
    while (sender.acknowledge({ sequence: acknowledged + 1, cseq: 1, method: 'INVITE' }) !== undefined)
      acknowledged += 1;
    expect(acknowledged).toBe(1 + maxWaitingProvisionals);
  });

  test.each([
    ['another RSeq', { sequence: 78, cseq: 1, method: 'INVITE' }],
    ['another CSeq', { sequence: 77, cseq: 2, method: 'INVITE' }],
    ['another method', { sequence: 77, cseq: 1, method: 'UPDATE' }],
  ])('does not take a PRACK of %s', (_, number) => {
    const sender = new ReliableSender(timers, 1, 77);
    sender.send(provisional(180));
    expect(sender.acknowledge(number)).toBeUndefined();
    expect(sender.isWaiting).toBe(true);
  });

  test('takes each PRACK once', () => {
    const sender = new ReliableSender(timers, 1, 77);
    sender.send(provisional(180));
    sender.acknowledge({ sequence: 77, cseq: 1, method: 'INVITE' });
    expect(sender.acknowledge({ sequence: 77, cseq: 1, method: 'INVITE' })).toBeUndefined();
  });

  test('says nothing any more once it is stopped', () => {
    const sender = new ReliableSender(timers, 1, 77);
    sender.send(provisional(180));
    expect(sender.stop()).toEqual([{ type: 'stop' }]);
    expect(sender.timer()).toEqual([]);
    expect(sender.acknowledge({ sequence: 77, cseq: 1, method: 'INVITE' })).toBeUndefined();
  });
});

test('the receiver takes any first number, then only the next: copies and gaps are dropped (§4)', () => {
  const receiver = new ReliableReceiver();
  expect([9, 9, 11, 10, 11, 10].map((sequence) => receiver.isNext(sequence))).toEqual([
    true,
    false,
    false,
    true,
    true,
    false,
  ]);
});

describe('RSeq', () => {
  test.each<[number, [string, string][], number | undefined]>([
    [
      183,
      [
        ['Require', '100rel'],
        ['RSeq', '5'],
      ],
      5,
    ],
    [
      183,
      [
        ['Require', 'x, 100REL'],
        ['RSeq', '5'],
      ],
      5,
    ],
    [183, [['RSeq', '5']], undefined],
    [183, [['Require', '100rel']], undefined],
    [
      183,
      [
        ['Require', '100rel'],
        ['RSeq', '0'],
      ],
      undefined,
    ],
    [
      183,
      [
        ['Require', '100rel'],
        ['RSeq', 'five'],
      ],
      undefined,
    ],
    [
      100,
      [
        ['Require', '100rel'],
        ['RSeq', '5'],
      ],
      undefined,
    ],
    [
      200,
      [
        ['Require', '100rel'],
        ['RSeq', '5'],
      ],
      undefined,
    ],
  ])('of a %s with %j is %s', (status, fields, expected) => {
    expect(reliableSequence(provisional(status, ...fields))).toBe(expected);
  });
});

test.each([
  ['776656 1 INVITE', { sequence: 776656, cseq: 1, method: 'INVITE' }],
  [' 1  2   INVITE ', { sequence: 1, cseq: 2, method: 'INVITE' }],
  ['1 INVITE', undefined],
  ['x 1 INVITE', undefined],
  ['1 2 INVITE more', undefined],
  ['', undefined],
])('RAck "%s" is read as %j (§7.2)', (value, expected) => {
  expect(acknowledgedNumber(Headers.of(['RAck', value]))).toEqual(expected);
});
