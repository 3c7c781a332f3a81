// What the database does for calls beyond what every store of them promises (conformance/calls.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addKey, dropOldKeys } from '../../../src/store/key-file.ts';
import { SeededRandom } from '../../support/fake-time.ts';
import { stateOf, temporaryDirectory } from './stores.ts';

const one = { id: 'call-1', document: '{"v":1,"text":"one"}' };
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
