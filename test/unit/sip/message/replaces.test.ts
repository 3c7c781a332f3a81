import { expect, test } from 'vitest';
import { maxReplacesBytes, parseReplaces } from '../../../../src/sip/message/replaces.ts';

test.each([
  ['98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff', false],
  ['98732@sip.example.com ; to-tag=ff87ff; From-Tag=r33th4x0r ;early-only', true],
  ['98732@sip.example.com;to-tag=ff87ff;from-tag=r33th4x0r;other=1', false],
])('reads %s (RFC 3891 §6.1)', (value, isEarlyOnly) => {
  expect(parseReplaces(value)).toEqual({
    callId: '98732@sip.example.com',
    toTag: 'ff87ff',
    fromTag: 'r33th4x0r',
    isEarlyOnly,
  });
});

test.each([
  ['nothing', ''],
  ['no Call-ID', ';to-tag=a;from-tag=b'],
  ['one tag', 'x;to-tag=a'],
  ['an empty tag', 'x;to-tag=;from-tag=b'],
  ['a tag twice', 'x;to-tag=a;to-tag=b;from-tag=c'],
  ['a flag with a value', 'x;to-tag=a;from-tag=b;early-only=yes'],
  ['two values', 'x,y;to-tag=a;from-tag=b'],
  ['more than it may weigh', `${'x'.repeat(maxReplacesBytes)};to-tag=a;from-tag=b`],
])('refuses %s', (_title, value) => {
  expect(parseReplaces(value)).toBeUndefined();
});
