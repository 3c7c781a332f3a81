// Past call records as the SBC keeps them (docs/cdr.md): in a database, and in files, the newest first.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, SbcError } from '../core/errors.ts';
import type { RecordQuery } from '../store/call-records.ts';
import { CallRecordFile } from '../store/sqlite/call-record-file.ts';

/** Each line of a file. Rejects with SbcError `records-unreadable`. */
export async function* recordLines(file: string): AsyncGenerator<string> {
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield line;
  } catch (thrown) {
    throw new SbcError('records-unreadable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

/** Undefined where there is no database. Throws SbcError. */
function withRecords<T>(directory: string, work: (records: CallRecordFile) => T): T | undefined {
  const records = CallRecordFile.openReadOnly(join(directory, 'cdr.db'));
  if (records === undefined) return undefined;
  try {
    return work(records);
  } finally {
    records.close();
  }
}

/**
 * Runs `work` with the lines of records that `query` asks for, of the databases in those directories together, the newest first;
 * undefined where there is none. A call of two of them has a record in each: without `halves` only the one where it began. Throws SbcError.
 */
export function withRecordLines<T>(
  directories: readonly string[],
  query: RecordQuery & { readonly halves: boolean },
  work: (lines: Iterable<string>) => T,
): T | undefined {
  const opened: CallRecordFile[] = [];
  try {
    for (const directory of directories) {
      const records = CallRecordFile.openReadOnly(join(directory, 'cdr.db'));
      if (records !== undefined) opened.push(records);
    }
    const [only, ...more] = opened;
    if (only === undefined) return undefined;
    if (more.length === 0) return work(only.list(query));
    // Each may have many that are left out.
    const lines = newestFirst(opened.map((records) => records.list({ ...query, limit: unlimited })));
    const isShown = (line: string): boolean => query.halves || !isHalfOfAny(line, opened);
    return work(firstOf(query.limit, lines, isShown));
  } finally {
    for (const records of opened) records.close();
  }
}

/** Of lists that are in that order each. */
function* newestFirst(lists: readonly Iterable<string>[]): Generator<string> {
  const heads = lists.map((list) => new Head(list[Symbol.iterator]()));
  for (;;) {
    const newest = heads.toSorted((a, b) => (a.started < b.started ? 1 : -1))[0];
    if (newest?.line === undefined) return;
    yield newest.line;
    newest.next();
  }
}

function* firstOf(limit: number, lines: Iterable<string>, isShown: (line: string) => boolean): Generator<string> {
  let left = limit;
  for (const line of lines) {
    if (left <= 0) return;
    if (!isShown(line)) continue;
    left -= 1;
    yield line;
  }
}

/** The record of the half where the call began is among them. */
function isHalfOfAny(line: string, opened: readonly CallRecordFile[]): boolean {
  const record = parsed(line);
  if (typeof record !== 'object' || record === null || !('half_of' in record)) return false;
  const { half_of: half } = record;
  return typeof half === 'string' && opened.some((records) => records.find(half) !== undefined);
}

/** As SQLite has it. */
const unlimited = -1;

class Head {
  line: string | undefined;
  /** Times in UTC, which sort as text; empty where nothing is left. */
  started = '';
  readonly #lines: Iterator<string>;

  constructor(lines: Iterator<string>) {
    this.#lines = lines;
    this.next();
  }

  next(): void {
    const next = this.#lines.next();
    this.line = next.done === true ? undefined : next.value;
    const record = this.line === undefined ? undefined : parsed(this.line);
    const isTimed = typeof record === 'object' && record !== null && 'started' in record;
    this.started = isTimed && typeof record.started === 'string' ? record.started : '';
  }
}

/** The record of that call in the first directory that has it; undefined where none does. Rejects with SbcError `records-unreadable`. */
export async function findRecord(directories: readonly string[], call: string): Promise<unknown> {
  for (const directory of directories) {
    const found = await findRecordIn(directory, call);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function findRecordIn(directory: string, call: string): Promise<unknown> {
  const kept = withRecords(directory, (records) => records.find(call));
  if (kept !== undefined) return parsed(kept);
  const mark = `"call":${JSON.stringify(call)}`;
  for (const file of await recordFiles(directory)) {
    for await (const line of recordLines(join(directory, file))) {
      if (line.includes(mark)) {
        const record = parsed(line);
        if (isOf(record, call)) return record;
      }
    }
  }
  return undefined;
}

async function recordFiles(directory: string): Promise<readonly string[]> {
  try {
    const names = (await readdir(directory)).filter((name) => /^cdr.*\.ndjson$/.test(name));
    const full = names.filter((name) => name !== 'cdr.ndjson').toSorted();
    return [...(names.includes('cdr.ndjson') ? ['cdr.ndjson'] : []), ...full.toReversed()];
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw new SbcError('records-unreadable', `${directory}: ${messageOf(thrown)}`, { directory }, thrown);
  }
}

/** Of a directory that is made with the first record. */
function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

/** A torn line is no record. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isOf(record: unknown, call: string): boolean {
  return typeof record === 'object' && record !== null && 'call' in record && record.call === call;
}
