// The database of call records: what is found, what goes, and how an answer is looked up.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import type { KeptRecord } from '../../../src/store/call-records.ts';
import { CallRecordFile, trims } from '../../../src/store/sqlite/call-record-file.ts';
import { CallRecordThread } from '../../../src/store/sqlite/call-record-thread.ts';
import { temporaryDirectory } from './stores.ts';

const kept = { keepFor: 1_000_000, keepRows: 1_000 };

function rowOf(call: string, startedAt: number, more: Partial<KeptRecord> = {}): KeptRecord {
  return {
    call,
    startedAt,
    endedAt: startedAt + 1,
    caller: 'user:alice@pbx.test',
    payer: undefined,
    callee: undefined,
    number: '600',
    dialled: '600',
    verdict: 'admitted',
    decidedBy: undefined,
    line: JSON.stringify({ call }),
    ...more,
  };
}

function openIn(directory: string): CallRecordFile {
  const file = CallRecordFile.open(join(directory, 'cdr.db'));
  onTestFinished(() => file.close());
  return file;
}

function found(file: CallRecordFile): readonly string[] {
  return [...file.list({ limit: 10_000 })].map((line) => z.object({ call: z.string() }).parse(JSON.parse(line)).call);
}

describe('the database of call records', () => {
  test('keeps the newest rows, and none that began too long ago', () => {
    const file = openIn(temporaryDirectory());
    file.add(
      [1, 2, 3, 4].map((n) => rowOf(`${n}`, n)),
      { ...kept, keepRows: 3 },
      5,
    );
    expect(found(file)).toEqual(['4', '3', '2']);
    file.add([rowOf('5', 1_000_003)], kept, 1_000_003);
    expect(found(file)).toEqual(['5', '4', '3']);
  });

  test('takes all of a batch or none', () => {
    const file = openIn(temporaryDirectory());
    const broken = { ...rowOf('b', 2), startedAt: 0.5 };
    expect(() => file.add([rowOf('a', 1), broken], kept, 5)).toThrow();
    expect(found(file)).toEqual([]);
  });

  test('is read by its owner only, and not written by who reads', () => {
    const directory = temporaryDirectory();
    openIn(directory).add([rowOf('a', 1)], kept, 5);
    expect(statSync(join(directory, 'cdr.db')).mode & 0o077).toBe(0);
    const reader = CallRecordFile.openReadOnly(join(directory, 'cdr.db'));
    onTestFinished(() => reader?.close());
    expect(reader?.find('a')).toBe('{"call":"a"}');
    expect(() => reader?.add([rowOf('b', 2)], kept, 5)).toThrow(/readonly/);
  });

  test('has nothing to read before its schema is written', () => {
    const file = join(temporaryDirectory(), 'cdr.db');
    expect(CallRecordFile.openReadOnly(file)).toBeUndefined();
    // As its writer has it for a moment, between making the file and writing the schema.
    writeFileSync(file, '');
    expect(CallRecordFile.openReadOnly(file)).toBeUndefined();
  });

  test.each([
    ['caller = ?', 'call_record_caller'],
    ['started_at >= ?', 'call_record_start'],
    ['number = ?', 'call_record_number'],
    ['call = ?', 'call_record_call'],
  ])('answers by an index: %s', (condition, index) => {
    const directory = temporaryDirectory();
    openIn(directory);
    const database = new DatabaseSync(join(directory, 'cdr.db'), { readOnly: true });
    onTestFinished(() => database.close());
    const [plan] = database.prepare(`EXPLAIN QUERY PLAN SELECT record FROM call_record WHERE ${condition}`).all(1);
    expect(plan?.['detail']).toContain(`USING INDEX ${index}`);
  });

  test('is written by a thread, which says when it could not and is asked again', async () => {
    const directory = temporaryDirectory();
    const blocked = new CallRecordThread({ file: directory, retention: kept });
    await expect(blocked.add([rowOf('a', 1)], 5)).rejects.toThrow(directory);
    await blocked.close();
    const thread = new CallRecordThread({ file: join(directory, 'cdr.db'), retention: kept });
    await thread.add([rowOf('a', 1)], 5);
    await thread.close();
    // It is started again for what comes after.
    await thread.add([rowOf('b', 2)], 5);
    await thread.close();
    expect(found(openIn(directory))).toEqual(['b', 'a']);
  });
});

test('what goes is found by an index: the whole table is read for no batch', () => {
  const file = join(temporaryDirectory(), 'cdr.db');
  CallRecordFile.open(file).close();
  const database = new DatabaseSync(file);
  onTestFinished(() => database.close());
  for (const sql of Object.values(trims)) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    expect(plan.map(({ detail }) => String(detail)).filter((detail) => detail.startsWith('SCAN'))).toEqual([]);
  }
});
