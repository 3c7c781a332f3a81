// Past call records as the SBC keeps them (docs/cdr.md): in a database, and in files, the newest first.
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, SbcError } from '../core/errors.ts';
import { CallRecordFile } from '../store/sqlite/call-record-file.ts';

/** Each line of a file. Rejects with SbcError `records-unreadable`. */
export async function* recordLines(file: string): AsyncGenerator<string> {
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield line;
  } catch (thrown) {
    throw new SbcError('records-unreadable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

/** Runs `work` with the database of records in `directory`; undefined where there is none. Throws SbcError. */
export function withRecords<T>(directory: string, work: (records: CallRecordFile) => T): T | undefined {
  const file = join(directory, 'cdr.db');
  if (!existsSync(file)) return undefined;
  const records = CallRecordFile.openReadOnly(file);
  try {
    return work(records);
  } finally {
    records.close();
  }
}

/** The record of that call; undefined where nothing has it. Rejects with SbcError `records-unreadable`. */
export async function findRecord(directory: string, call: string): Promise<unknown> {
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
    throw new SbcError('records-unreadable', `${directory}: ${messageOf(thrown)}`, { directory }, thrown);
  }
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
