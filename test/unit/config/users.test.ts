// Users are read by the keys that they have, which must come to the same as reading them by the whole table.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { user, userTable } from '../../../src/config/schema/accounts.ts';

/** What a file may say under each key, right and wrong. */
const values: { readonly [K in keyof typeof userTable.shape]-?: readonly unknown[] } = {
  name: ['alice', '+4420794600', '100', 'no blanks', '', 1],
  domain: ['PBX.test', 'pbx.test', 'not a domain'],
  group: ['sales', ''],
  keying: [['sdes'], ['dtls', 'sdes'], ['sdes', 'sdes'], [], 'sdes'],
  password: ['secret', ''],
  password_env: ['ALICE', 3],
  ha1: [{ MD5: 'a'.repeat(32) }, { 'SHA-256': 'F'.repeat(64) }, { MD5: 'short' }, { SHA1: 'x' }, {}, 'x'],
  algorithms: [['SHA-256'], [], ['SHA-1']],
  zones: [['office'], []],
  second_factor: ['device', 'off', 'none'],
  concurrent_calls: [1, 100_000, 0, 1.5],
  max_call_duration: ['2h', 'soon'],
  ring_timeout: ['30s', 30],
  early_media_timeout: ['1m', ''],
  direction: ['both', 'sideways'],
  media_packets_per_second: [10, 9],
  media_bandwidth: ['8Mbit', 'much'],
  media_limit_by_codec: [true, 'yes'],
};

/** As the parser of TOML makes them, without a prototype: some of the keys, most of them right, now and then one that no user has. */
const entries = Object.entries(values).flatMap(([key, [right, ...others]]) => [
  { weight: 6, arbitrary: fc.constant([key, right] as const) },
  { weight: 1, arbitrary: fc.constantFrom(...others.map((value) => [key, value] as const)) },
]);
const strange = fc.constantFrom(['pasword', 'x'] as const, ['name,password', 'x'] as const);
const users = fc
  .tuple(
    fc.option(fc.constant(['name', 'alice'] as const), { freq: 3 }),
    fc.array(fc.oneof({ weight: 3, arbitrary: strange }, ...entries), { maxLength: 3 }),
  )
  .map(([name, others]): object => ({
    __proto__: null,
    ...Object.fromEntries(name === null ? others : [name, ...others]),
  }));
/** What is most of a long list. */
const plain = fc.record({
  name: fc.constantFrom(...values.name),
  ha1: fc.constantFrom(...values.ha1),
});

describe('a user', () => {
  test('is read by its keys as by the whole table, whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(users, plain, fc.constantFrom<unknown>('alice', 1, null, [])), (one) => {
        expect(outcomeOf(user, one)).toEqual(outcomeOf(userTable, one));
      }),
      { numRuns: 2_000 },
    );
  });

  test('that is right has what is made of its values', () => {
    const file = { name: 'alice', password: 'secret', domain: 'PBX.test', ring_timeout: '30s' };
    expect(user.parse(file)).toEqual({ ...file, domain: 'pbx.test', ring_timeout: 30_000 });
  });
});

function outcomeOf(schema: z.ZodType, value: unknown): unknown {
  const read = schema.safeParse(value, { reportInput: true, jitless: true });
  return read.success ? read.data : read.error.issues;
}
