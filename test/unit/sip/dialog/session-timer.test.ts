// Session timers: what is asked, what is stood, who refreshes (RFC 4028 §6 to §10).
import { describe, expect, test } from 'vitest';
import {
  intervalAfter422,
  isTooShort,
  longestInterval,
  type SessionTimer,
  shortestInterval,
  timerAnswer,
  timerAnswerHeaders,
  timerDelays,
  timerOf,
  timerRequest,
} from '../../../../src/sip/dialog/session-timer.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { noBody, type SipRequest, type SipResponse } from '../../../../src/sip/message/message.ts';

const terms = { expires: 1_800, minimum: 90 };

type Fields = readonly (readonly [string, string])[];

function request(...fields: Fields): SipRequest {
  return { kind: 'request', method: 'INVITE', uri: 'sip:a@b', headers: Headers.of(...fields), body: noBody };
}

function response(...fields: Fields): SipResponse {
  return { kind: 'response', status: 200, reason: 'OK', headers: Headers.of(...fields), body: noBody };
}

describe('our answer', () => {
  test.each<[string, Fields, SessionTimer | undefined]>([
    ['nothing is asked by who knows nothing', [], undefined],
    ['who supports it is refreshed by us', [['Supported', 'timer']], { interval: 1_800, weRefresh: true }],
    [
      'a shorter interval is taken',
      [
        ['Supported', 'timer'],
        ['Session-Expires', '600'],
      ],
      { interval: 600, weRefresh: true },
    ],
    [
      'a longer one is cut',
      [
        ['Supported', 'timer'],
        ['Session-Expires', '7200;refresher=uas'],
      ],
      { interval: 1_800, weRefresh: true },
    ],
    [
      'a caller that refreshes does',
      [
        ['Supported', 'timer'],
        ['Session-Expires', '600;refresher=uac'],
      ],
      { interval: 600, weRefresh: false },
    ],
    ['who does not support it cannot', [['Session-Expires', '600;refresher=uac']], { interval: 600, weRefresh: true }],
    [
      'Min-SE is not undercut',
      [
        ['Supported', 'timer'],
        ['Session-Expires', '4000'],
        ['Min-SE', '3600'],
      ],
      { interval: 3_600, weRefresh: true },
    ],
  ])('%s (§9)', (_, fields, expected) => {
    expect(timerAnswer(request(...fields), terms)).toEqual(expected);
  });

  test('requires the extension of a caller that has to refresh', () => {
    expect(timerAnswerHeaders({ interval: 600, weRefresh: false }).get('Require')).toBe('timer');
    expect(timerAnswerHeaders({ interval: 600, weRefresh: false }).get('Session-Expires')).toBe('600;refresher=uac');
    expect(timerAnswerHeaders({ interval: 600, weRefresh: true }).get('Require')).toBeUndefined();
  });

  test('to an interval below ours is 422', () => {
    expect(isTooShort(request(['Session-Expires', '89']), terms)).toBe(true);
    expect(isTooShort(request(['Session-Expires', '90']), terms)).toBe(false);
    expect(isTooShort(request(), terms)).toBe(false);
  });
});

describe('our request', () => {
  test('asks for our interval, then names who refreshes', () => {
    const first = timerRequest(terms, undefined);
    expect(first.get('Session-Expires')).toBe('1800');
    expect(first.get('Min-SE')).toBe('90');
    expect(first.get('Supported')).toBe('timer');
    expect(timerRequest(terms, { interval: 600, weRefresh: true }).get('Session-Expires')).toBe('600;refresher=uac');
    expect(timerRequest(terms, { interval: 600, weRefresh: false }).get('Session-Expires')).toBe('600;refresher=uas');
    expect(timerRequest(terms, undefined, 3_600).get('Session-Expires')).toBe('3600');
  });

  test('asks for what a 422 wants, within reason (§7.3)', () => {
    expect(intervalAfter422(response(['Min-SE', '3600']))).toBe(3_600);
    expect(intervalAfter422(response(['Min-SE', '4000000000']))).toBeUndefined();
    expect(intervalAfter422(response())).toBeUndefined();
  });

  test.each([
    ['600;refresher=uas', { interval: 600, weRefresh: false }],
    ['600;refresher=uac', { interval: 600, weRefresh: true }],
    ['600 ; Refresher = UAS', { interval: 600, weRefresh: false }],
    ['600', { interval: 600, weRefresh: true }],
    ['0', undefined],
    ['soon', undefined],
    ['2', { interval: shortestInterval, weRefresh: true }],
    ['4000000000', { interval: longestInterval, weRefresh: true }],
  ])('is answered with %s (§7.2)', (value, expected) => {
    expect(timerOf(response(['Session-Expires', value]))).toEqual(expected);
  });
});

test('a refresh is due at half of the interval, the end comes shortly before it is over (§10)', () => {
  expect(timerDelays({ interval: 1_800, weRefresh: true })).toEqual({ refresh: 900_000, expiry: 1_768_000 });
  expect(timerDelays({ interval: 90, weRefresh: false })).toEqual({ refresh: undefined, expiry: 60_000 });
});
