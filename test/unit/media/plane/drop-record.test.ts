import { expect, test } from 'vitest';
import { dropRecord } from '../../../../src/media/plane/drop-record.ts';
import { dropReasons } from '../../../../src/media/plane/messages.ts';

test('each reason has the number of its place', () => {
  const record = dropRecord((index) => index);
  expect(dropReasons.map((reason) => record[reason])).toEqual(dropReasons.map((_, index) => index));
  expect(Object.keys(record)).toHaveLength(dropReasons.length);
});
