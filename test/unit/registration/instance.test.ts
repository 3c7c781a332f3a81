import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  instanceIn,
  instanceKey,
  instanceOf,
  instanceParameters,
  isOutbound,
  phoneOf,
} from '../../../src/registration/instance.ts';

const id = '<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>';
const contact = 'sip:alice@192.0.2.1';

describe('which phone it is (RFC 5626 §4.1, §4.2)', () => {
  test.each([
    ['an instance', [['+sip.instance', id]], { id, regId: undefined }],
    [
      'an instance and a flow of it',
      [
        ['+sip.instance', id],
        ['reg-id', '2'],
      ],
      { id, regId: '2' },
    ],
    ['a flow of nobody', [['reg-id', '2']], undefined],
    ['an empty instance', [['+sip.instance', '']], undefined],
    [
      'a flow 0',
      [
        ['+sip.instance', id],
        ['reg-id', '0'],
      ],
      { id, regId: undefined },
    ],
    [
      'a flow that is no number',
      [
        ['+sip.instance', id],
        ['reg-id', '1x'],
      ],
      { id, regId: undefined },
    ],
    [
      'a flow beyond 2^31',
      [
        ['+sip.instance', id],
        ['reg-id', '12345678901'],
      ],
      { id, regId: undefined },
    ],
  ] as const)('%s', (_what, parameters, expected) => {
    expect(instanceOf(new Map<string, string>(parameters))).toEqual(expected);
  });

  test('is the same for all of its flows, and another for another instance or a contact alone', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom('1', '2', undefined), (one, other, regId) => {
        const key = instanceKey({ id: one, regId });
        expect(instanceIn(key)).toBe(one);
        expect(phoneOf(key)).toBe(instanceKey({ id: one, regId: undefined }));
        expect(phoneOf(key) === phoneOf(instanceKey({ id: other, regId: '3' }))).toBe(one === other);
        expect(isOutbound(key)).toBe(regId !== undefined);
      }),
    );
    expect([instanceIn(contact), phoneOf(contact), isOutbound(contact)]).toEqual([undefined, contact, false]);
  });

  test('is shown as it came', () => {
    expect(instanceParameters(instanceKey({ id, regId: undefined }))).toBe(`;+sip.instance="${id}"`);
    expect(instanceParameters(instanceKey({ id, regId: '7' }))).toBe(`;+sip.instance="${id}";reg-id=7`);
    expect(instanceParameters(contact)).toBe('');
  });
});
