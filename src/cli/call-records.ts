// Past call records in the files that the SBC writes (docs/cdr.md), the newest file first.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { messageOf, SbcError } from '../core/errors.ts';

/** Each line of a file. Rejects with SbcError `records-unreadable`. */
export async function* recordLines(file: string): AsyncGenerator<string> {
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) yield line;
  } catch (thrown) {
    throw new SbcError('records-unreadable', `${file}: ${messageOf(thrown)}`, { file }, thrown);
  }
}

/** The record of that call; undefined where no file has it. Rejects with SbcError `records-unreadable`. */
export async function findRecord(directory: string, call: string): Promise<unknown> {
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
