import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditRoot } from '../../../src/store/sqlite/audit-log.ts';
import { FakeClock } from '../../support/fake-time.ts';
import { stateOf, temporaryDirectory } from './stores.ts';

function change(directory: string, sql: string): void {
  const database = new DatabaseSync(join(directory, 'portcullis.db'));
  database.exec(sql);
  database.close();
}

function acts(directory: string, count: number): ReturnType<typeof stateOf>['audit'] {
  const { audit } = stateOf(directory);
  for (let n = 1; n <= count; n += 1) audit.append({ actor: 'root', action: 'user add', subject: `user${n}@pbx.test` });
  return audit;
}

describe('the log of what operators did', () => {
  test('is whole as long as nobody touches it, and goes on in the next process', () => {
    const directory = temporaryDirectory();
    expect(acts(directory, 0).verify()).toEqual({ isWhole: true, entries: 0, head: auditRoot });
    acts(directory, 3);
    const verdict = acts(directory, 2).verify();
    expect(verdict).toMatchObject({ isWhole: true, entries: 5 });
  });

  test.each([
    ['changed', `UPDATE audit SET subject = 'eve@pbx.test' WHERE position = 2`, 2],
    ['taken out', 'DELETE FROM audit WHERE position = 2', 2],
    ['put in between', `UPDATE audit SET position = position + 10 WHERE position > 2`, 3],
    ['moved from one field to the next', `UPDATE audit SET actor = 'roo', action = 'tuser add' WHERE position = 3`, 3],
    ['dated back', 'UPDATE audit SET at = at - 1 WHERE position = 4', 4],
  ])('is broken where an entry was %s', (_name, sql, position) => {
    const directory = temporaryDirectory();
    const audit = acts(directory, 5);
    change(directory, sql);
    expect(audit.verify()).toMatchObject({ isWhole: false, position });
  });

  test('that was cut off at its end, or written anew, does not hold the head that was noted', () => {
    const directory = temporaryDirectory();
    const audit = acts(directory, 5);
    const noted = audit.verify();
    if (!noted.isWhole) throw new Error('broken');
    expect(audit.verify(noted.head)).toMatchObject({ isWhole: true });
    audit.append({ actor: 'root', action: 'reload', subject: 'edge1' });
    expect(audit.verify(noted.head)).toMatchObject({ isWhole: true });
    change(directory, 'DELETE FROM audit WHERE position >= 5');
    expect(audit.verify()).toMatchObject({ isWhole: true, entries: 4 });
    expect(audit.verify(noted.head)).toMatchObject({ isWhole: false });
  });

  test('is listed newest first, as far back as asked', () => {
    const clock = new FakeClock();
    const { audit } = stateOf(temporaryDirectory(), clock);
    audit.append({ actor: 'root', action: 'start', subject: 'a' });
    clock.move(60_000);
    audit.append({ actor: 'root', action: 'drain', subject: 'a', detail: 'now' });
    expect(audit.list(0, 10).map(({ action }) => action)).toEqual(['drain', 'start']);
    expect(audit.list(clock.wall() - 1_000, 10)).toMatchObject([{ action: 'drain', detail: 'now' }]);
  });

  test('holds whatever text there is', () => {
    const { audit } = stateOf(temporaryDirectory());
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (subject, detail) => {
        audit.append({
          actor: 'root',
          action: 'x',
          subject: subject.replaceAll('\0', ''),
          detail: detail.replaceAll('\0', ''),
        });
        expect(audit.verify()).toMatchObject({ isWhole: true });
      }),
      { numRuns: 30 },
    );
  });
});
