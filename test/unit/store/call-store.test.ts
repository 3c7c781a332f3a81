// What every store of calls promises, and what the database does beyond it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CallStore } from '../../../src/store/call-store.ts';
import { addKey, dropOldKeys } from '../../../src/store/key-file.ts';
import { MemoryCallStore } from '../../../src/store/memory/call-store.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { stateOf, temporaryDirectory } from './stores.ts';

const one = { id: 'call-1', document: '{"v":1,"text":"one"}' };
const two = { id: 'call-2', document: '{"v":1,"text":"two, grüße"}' };

const stores: readonly [string, () => { readonly first: CallStore; readonly next: () => CallStore }][] = [
  [
    'memory',
    () => {
      const first = new MemoryCallStore('run-1');
      return { first, next: () => new MemoryCallStore('run-2', first) };
    },
  ],
  [
    'SQLite',
    () => {
      const directory = temporaryDirectory();
      return { first: stateOf(directory).calls, next: () => stateOf(directory).calls };
    },
  ],
];

describe.each(stores)('the store of calls (%s)', (_, make) => {
  test('gives the next process what this one wrote last', () => {
    const { first, next } = make();
    first.write([two, one], []);
    first.write([{ ...one, document: '{"v":1,"text":"changed"}' }], []);
    expect(next().load()).toEqual({ calls: [{ ...one, document: '{"v":1,"text":"changed"}' }, two], unreadable: [] });
  });

  test('forgets what is removed, and takes no offence at what is not there', () => {
    const { first, next } = make();
    first.write([one, two], []);
    first.write([], ['call-2', 'call-3']);
    expect(next().load().calls).toEqual([one]);
  });

  test('names each run otherwise', () => {
    const { first, next } = make();
    expect(next().run).not.toBe(first.run);
  });
});

describe('the database', () => {
  test('shows nothing of a call to who reads the file', () => {
    const directory = temporaryDirectory();
    stateOf(directory).calls.write(
      [{ ...one, document: '{"a":"inline:WnD7c1ksDGs+dIefCEo8omPg4uO8DYIinNGL5yxQ"}' }],
      [],
    );
    const files = ['portcullis.db', 'portcullis.db-wal'].map((file) => readFileSync(join(directory, file), 'latin1'));
    expect(files.join('')).toContain('call-1');
    expect(files.join('')).not.toContain('WnD7c1');
  });

  test('tells which calls no key opens', () => {
    const directory = temporaryDirectory();
    stateOf(directory).calls.write([one], []);
    addKey(join(directory, 'keys'), new SeededRandom(99));
    expect(stateOf(directory).calls.load().calls).toEqual([one]);
    dropOldKeys(join(directory, 'keys'), new SeededRandom(98));
    expect(stateOf(directory).calls.load()).toEqual({ calls: [], unreadable: ['call-1'] });
  });
});
