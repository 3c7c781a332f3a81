import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CdrWriter, type CdrWriterOptions } from '../../../src/cdr/cdr-writer.ts';
import { gatherDelay, maxWaitingLength, retryDelay } from '../../../src/cdr/record-queue.ts';
import { rotatedNameAfter, rotatedNames } from '../../../src/cdr/rotated-name.ts';
import { type LogFields, silentLogger } from '../../../src/core/logger.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

let root: string;
let directory: string;
let scheduler: FakeScheduler;
let errors: { readonly event: string; readonly fields: LogFields }[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'portcullis-cdr-'));
  directory = join(root, 'state', 'cdr');
  scheduler = new FakeScheduler();
  errors = [];
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function open(options: Partial<CdrWriterOptions> = {}): CdrWriter {
  const logger = {
    ...silentLogger,
    error: (event: string, fields: LogFields = {}) => void errors.push({ event, fields }),
  };
  return new CdrWriter({
    directory,
    rotateSize: 1_000_000,
    keepFiles: 10,
    fsync: 'never',
    scheduler,
    logger,
    ...options,
  });
}

/** What stands in the current file. */
function current(): readonly string[] {
  return linesOf('cdr.ndjson');
}

function linesOf(name: string): readonly string[] {
  const lines = readFileSync(join(directory, name), 'utf8').split('\n');
  expect(lines.pop()).toBe('');
  return lines;
}

/** The disk refuses: where the directory should be stands a file. */
function breakDisk(): void {
  writeFileSync(join(root, 'state'), '');
}

function mendDisk(): void {
  rmSync(join(root, 'state'));
}

describe('records', () => {
  test('are in the file, a line each, in the order in which they were written', async () => {
    const writer = open();
    for (let call = 0; call < 1_000; call += 1) {
      writer.write(`call-${call}`);
      if (call % 100 === 0) await new Promise(setImmediate);
    }
    await writer.flush();
    expect(current()).toEqual(Array.from({ length: 1_000 }, (_, call) => `call-${call}`));
    expect(scheduler.pending).toBe(0);
  });

  test('are gathered for a while, and then written together without being asked for', async () => {
    const writer = open();
    writer.write('1');
    scheduler.advance(gatherDelay - 1);
    writer.write('2');
    expect(readdirSync(root)).toEqual([]);
    expect(scheduler.pending).toBe(1);
    scheduler.advance(1);
    expect(scheduler.pending).toBe(0);
    while (!existsSync(join(directory, 'cdr.ndjson')) || current().length < 2) await new Promise(setImmediate);
    expect(current()).toEqual(['1', '2']);
  });

  test('that are written while others are being flushed stay behind them', async () => {
    const writer = open();
    writer.write('1');
    const flushed = writer.flush();
    writer.write('2');
    const again = writer.flush();
    writer.write('3');
    await Promise.all([flushed, again]);
    await writer.flush();
    expect(current()).toEqual(['1', '2', '3']);
  });

  test('follow those of the process before', async () => {
    const first = open();
    first.write('1');
    await first.flush();
    const second = open();
    second.write('2');
    await second.flush();
    expect(current()).toEqual(['1', '2']);
  });

  test('begin on a line of their own where the process before was cut off in one', async () => {
    const first = open();
    first.write('{"call":1}');
    await first.flush();
    appendFileSync(join(directory, 'cdr.ndjson'), '{"call":2,"du');
    const second = open();
    second.write('{"call":3}');
    second.write('{"call":4}');
    await second.flush();
    expect(current()).toEqual(['{"call":1}', '{"call":2,"du', '{"call":3}', '{"call":4}']);
  });

  test('go on in a new file when somebody moves the old one away', async () => {
    const writer = open();
    writer.write('1');
    await writer.flush();
    renameSync(join(directory, 'cdr.ndjson'), join(directory, 'moved'));
    writer.write('2');
    await writer.flush();
    expect(current()).toEqual(['2']);
  });

  test('flushing nothing makes no file', async () => {
    await open().flush();
    expect(readdirSync(root)).toEqual([]);
  });
});

describe('a record that the process before may have written', () => {
  const line = '{"call":"7a","cause":"lost"}';
  const call = '7a';

  test('is written where it is not there', async () => {
    const writer = open();
    writer.writeUnlessThere(line, call);
    await writer.flush();
    expect(current()).toEqual([line]);
  });

  test('is not written twice, also when its file became full meanwhile', async () => {
    const before = open();
    before.write(line);
    await before.flush();
    const writer = open({ rotateSize: 1 });
    writer.write('{"call":"8b"}');
    writer.writeUnlessThere(line, call);
    await writer.flush();
    writer.writeUnlessThere(line, call);
    await writer.flush();
    const names = readdirSync(directory);
    expect(names).toHaveLength(2);
    expect(names.flatMap((name) => linesOf(name)).filter((one) => one === line)).toHaveLength(1);
  });

  test('is looked for once for all of them, whatever is written meanwhile', async () => {
    const before = open();
    before.write(line);
    before.write('{"call":"7b","cause":"lost"}');
    await before.flush();
    const writer = open();
    writer.writeUnlessThere(line, call);
    await writer.flush();
    rmSync(directory, { recursive: true });
    writer.writeUnlessThere('{"call":"7b","cause":"media-timeout"}', '7b');
    writer.writeUnlessThere('{"call":"7c"}', '7c');
    await writer.flush();
    expect(current()).toEqual(['{"call":"7c"}']);
  });

  test('is written where nobody can tell', async () => {
    mkdirSync(join(root, 'state'), { recursive: true });
    const writer = open();
    mkdirSync(directory);
    mkdirSync(join(directory, 'cdr-2026-01-05T100000000Z.ndjson'));
    writer.writeUnlessThere(line, call);
    await writer.flush();
    expect(current()).toEqual([line]);
  });
});

describe('a disk that does not take them', () => {
  test('is tried again; nothing is lost, nothing is there twice, and the order holds', async () => {
    const writer = open();
    breakDisk();
    writer.write('1');
    writer.write('2');
    await writer.flush();
    expect(errors).toContainEqual({
      event: 'cdr-not-written',
      fields: expect.objectContaining({ waiting: 2 }) as LogFields,
    });
    writer.write('3');
    mendDisk();
    writer.write('4');
    await writer.flush();
    expect(current()).toEqual(['1', '2', '3', '4']);
    expect(writer.lost).toBe(0);
  });

  test('is tried again after a while without another call', async () => {
    const writer = open();
    breakDisk();
    writer.write('1');
    scheduler.advance(gatherDelay);
    while (errors.length === 0) await new Promise(setImmediate);
    mendDisk();
    expect(scheduler.pending).toBe(1);
    scheduler.advance(retryDelay - 1);
    await new Promise(setImmediate);
    expect(readdirSync(root)).toEqual([]);
    scheduler.advance(1);
    await writer.flush();
    expect(current()).toEqual(['1']);
    expect(scheduler.pending).toBe(0);
  });

  test('is not tried for each record, and not for ever once the process ends', async () => {
    const writer = open();
    breakDisk();
    writer.write('1');
    scheduler.advance(gatherDelay);
    while (errors.length === 0) await new Promise(setImmediate);
    for (let call = 0; call < 100; call += 1) writer.write('more');
    await new Promise(setImmediate);
    expect(errors).toHaveLength(1);
    await writer.flush();
    expect(errors).toHaveLength(2);
    expect(scheduler.pending).toBe(0);
  });

  test('makes records wait up to a bound; those beyond it are lost, counted, and said to be', async () => {
    let told = 0;
    const onLost = (): void => {
      told += 1;
    };
    const writer = open({ onLost });
    breakDisk();
    const large = 'x'.repeat(maxWaitingLength / 4);
    for (let call = 0; call < 10; call += 1) writer.write(large);
    expect([writer.lost, told]).toEqual([6, 6]);
    expect(errors.filter(({ event }) => event === 'cdr-lost')).toHaveLength(1);
    await writer.flush();
    mendDisk();
    await writer.flush();
    expect(current().map((line) => line.length)).toEqual(new Array(4).fill(large.length));
    writer.write('after');
    await writer.flush();
    expect(current().at(-1)).toBe('after');
    expect(writer.lost).toBe(6);
  });

  test.runIf(process.platform === 'linux')('because it is full leaves no half of a record', async () => {
    const writer = open();
    writer.write('1');
    await writer.flush();
    rmSync(join(directory, 'cdr.ndjson'));
    symlinkSync('/dev/full', join(directory, 'cdr.ndjson'));
    writer.write('2');
    await writer.flush();
    expect(errors.at(-1)?.fields['error']).toContain('ENOSPC');
    rmSync(join(directory, 'cdr.ndjson'));
    await writer.flush();
    expect(current()).toEqual(['2']);
  });
});

describe('the disk is told to keep what was written', () => {
  async function forcedBy(options: Partial<CdrWriterOptions>): Promise<number> {
    mkdirSync(directory, { recursive: true });
    const handle = await openFile(join(directory, 'other'), 'a');
    const forced = vi.spyOn(Object.getPrototypeOf(handle), 'datasync');
    await handle.close();
    const writer = open({ rotateSize: 1, ...options });
    for (const line of ['1', '2', '3']) {
      writer.write(line);
      await writer.flush();
    }
    const calls = forced.mock.calls.length;
    forced.mockRestore();
    return calls;
  }

  test.each([
    ['never', 0],
    ['rotation', 2],
    ['batch', 3],
  ] as const)('%s', async (fsync, times) => {
    expect(await forcedBy({ fsync })).toBe(times);
  });
});

describe('a file that is full', () => {
  test('is put aside under the time of day, and a new one begins', async () => {
    const writer = open({ rotateSize: 10 });
    writer.write('0123456789');
    await writer.flush();
    writer.write('next');
    await writer.flush();
    expect(current()).toEqual(['next']);
    expect(linesOf('cdr-2026-01-05T100000000Z.ndjson')).toEqual(['0123456789']);
  });

  test('is never written over, when several are full in one millisecond or the clock is set back', async () => {
    const writer = open({ rotateSize: 1, keepFiles: 100 });
    for (let call = 0; call < 10; call += 1) {
      if (call === 5) scheduler.clock.jumpWall(-86_400_000);
      writer.write(`${call}`);
      await writer.flush();
    }
    const names = rotatedNames(readdirSync(directory));
    expect([...names.flatMap(linesOf), ...current()]).toEqual(Array.from({ length: 10 }, (_, call) => `${call}`));
  });

  test('is removed when there are newer ones enough; other files are left alone', async () => {
    const writer = open({ rotateSize: 1, keepFiles: 3 });
    writer.write('0');
    await writer.flush();
    writeFileSync(join(directory, 'cdr-notes.ndjson'), 'mine');
    writeFileSync(join(directory, 'cdr-2020-01-01T000000000Z.ndjson.gz'), 'mine');
    for (let call = 1; call < 8; call += 1) {
      writer.write(`${call}`);
      await writer.flush();
    }
    const names = readdirSync(directory);
    expect(rotatedNames(names).flatMap(linesOf)).toEqual(['4', '5', '6']);
    expect(names).toEqual(expect.arrayContaining(['cdr-notes.ndjson', 'cdr-2020-01-01T000000000Z.ndjson.gz']));
  });

  test('that cannot be removed or renamed costs no record', async () => {
    const writer = open({ rotateSize: 1, keepFiles: 1 });
    writer.write('0');
    await writer.flush();
    // A directory of that name cannot be removed as a file.
    mkdirSync(join(directory, 'cdr-2020-01-01T000000000Z.ndjson'));
    for (const call of ['1', '2']) {
      writer.write(call);
      await writer.flush();
    }
    expect(current()).toEqual(['2']);
    expect(errors.some(({ event }) => event === 'cdr-not-rotated')).toBe(true);
  });
});

describe('names of full files', () => {
  test('are their time, and read back', () => {
    const name = rotatedNameAfter(undefined, Date.UTC(2026, 10, 23, 1, 2, 3, 45));
    expect(name).toBe('cdr-2026-11-23T010203045Z.ndjson');
    expect(rotatedNames(['x', name, 'cdr-2026-99-99T000000000Z.ndjson', 'cdr.ndjson'])).toEqual([name]);
  });

  test('always sort behind the newest', () => {
    const newest = 'cdr-2026-11-23T010203999Z.ndjson';
    expect(rotatedNameAfter(newest, 0)).toBe('cdr-2026-11-23T010204000Z.ndjson');
    expect(rotatedNameAfter(newest, Date.UTC(2027, 0))).toBe('cdr-2027-01-01T000000000Z.ndjson');
  });
});
