// Event and Subscription-State (RFC 6665 §8.2.1, §8.2.3, §8.4).
import { describe, expect, test } from 'vitest';
import {
  formatEvent,
  formatSubscriptionState,
  parseEvent,
  parseSubscriptionState,
  sameEvent,
} from '../../../../src/sip/message/event.ts';

describe('an Event', () => {
  test.each([
    ['message-summary', 'message-summary', undefined],
    [' dialog ; ID = 7 ;x="y"', 'dialog', '7'],
    ['presence.winfo', 'presence.winfo', undefined],
  ])('"%s" is read', (text, name, id) => {
    expect(parseEvent(text)).toEqual({ package: name, id });
  });

  test.each([undefined, '', ';id=1', 'a b', 'dialog;id=a b', 'x'.repeat(129), 'dialog,presence'])(
    '"%s" is none',
    (text) => {
      expect(parseEvent(text)).toBeUndefined();
    },
  );

  test('is written as it was read, and is the same only with its id, letter by letter', () => {
    for (const text of ['dialog', 'dialog;id=7']) expect(formatEvent(parseEvent(text) ?? none)).toBe(text);
    expect(sameEvent({ package: 'dialog', id: '7' }, { package: 'dialog', id: '7' })).toBe(true);
    expect(sameEvent({ package: 'dialog', id: '7' }, { package: 'dialog', id: undefined })).toBe(false);
    expect(sameEvent({ package: 'Dialog', id: undefined }, { package: 'dialog', id: undefined })).toBe(false);
  });
});

describe('a Subscription-State', () => {
  test.each([
    ['active;expires=60', 'active;expires=60'],
    ['PENDING', 'pending'],
    ['active;expires=soon', 'active'],
    ['terminated;reason=giveup;retry-after=30', 'terminated;reason=giveup;retry-after=30'],
    ['terminated;reason="x";expires=3', 'terminated'],
    ['terminated;Reason=Timeout', 'terminated;reason=timeout'],
  ])('"%s" is told as "%s"', (text, told) => {
    const state = parseSubscriptionState(text);
    expect(state && formatSubscriptionState(state)).toBe(told);
  });

  test.each([undefined, '', 'waiting', 'active pending'])('"%s" is none', (text) => {
    expect(parseSubscriptionState(text)).toBeUndefined();
  });
});

const none = { package: 'none', id: undefined };
