// Appends call records to a file in the order in which calls ended, and starts a new file when one is full. What the disk
// does not take waits, in order and bounded, and is tried again; what is lost is counted and logged. A record is in the
// files once, but for a disk that fails while it closes a file; a line that was torn is ended before the next one begins.
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler } from '../core/scheduler.ts';
import { RecordQueue } from './record-queue.ts';
import { rotatedNameAfter, rotatedNames } from './rotated-name.ts';

export interface CdrWriterOptions {
  readonly directory: string;
  /** Bytes after which a new file is begun. */
  readonly rotateSize: number;
  /** Full files that are kept. */
  readonly keepFiles: number;
  /** When what was written is forced to the disk: never, when a file is full, or each time before the next are written. */
  readonly fsync: 'never' | 'rotation' | 'batch';
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Runs for each record that is lost. */
  readonly onLost?: () => void;
}

const current = 'cdr.ndjson';
/** Bytes at the end of a file in which records are looked for that the process before wrote in its last seconds. */
const lookedThrough = 4_194_304;
/** Of which call a record is (docs/cdr.md). */
const callOf = /"call":"([^"]*)"/g;

export class CdrWriter {
  readonly #options: CdrWriterOptions;
  readonly #queue: RecordQueue<string>;
  readonly #looking = new Set<Promise<void>>();
  /** Calls that the process before has written: read once, as all of them may be asked for. */
  #earlier: Promise<ReadonlySet<string>> | undefined;

  constructor(options: CdrWriterOptions) {
    this.#options = options;
    const { scheduler, logger, onLost } = options;
    this.#queue = new RecordQueue({
      event: 'cdr',
      append: (lines) => this.#append(`${lines.join('\n')}\n`),
      lengthOf: (line) => line.length,
      scheduler,
      logger,
      onLost,
    });
  }

  /** Records that were given up because too many waited. */
  get lost(): number {
    return this.#queue.lost;
  }

  /** One record, without its line end. */
  write(line: string): void {
    this.#queue.write(line);
  }

  /** The record of that call, unless it stands among the last ones: the process before may have written it. */
  writeUnlessThere(line: string, call: string): void {
    this.#earlier ??= this.#readEarlier();
    const looking = this.#earlier.then((calls) => {
      this.#looking.delete(looking);
      if (!calls.has(call)) this.write(line);
    });
    this.#looking.add(looking);
  }

  /** Resolves when everything that was written before is with the operating system, or could not be given to it now. */
  async flush(): Promise<void> {
    await Promise.all(this.#looking);
    await this.#queue.flush();
  }

  /** In the file that is written, and in the one before it. None where they cannot be read: a record too many is better than none. */
  async #readEarlier(): Promise<ReadonlySet<string>> {
    const { directory } = this.#options;
    try {
      const names = [current, ...rotatedNames(await readdir(directory)).slice(-1)];
      const ends = await Promise.all(names.map((name) => endOf(join(directory, name))));
      return new Set(ends.flatMap((end) => Array.from(end.matchAll(callOf), ([, call = '']) => call)));
    } catch {
      return new Set();
    }
  }

  async #append(text: string): Promise<void> {
    const { directory, rotateSize, fsync } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const path = join(directory, current);
    if ((await sizeOf(path)) >= rotateSize) await this.#rotate(path);
    const file = await open(path, 'a+', 0o640);
    try {
      const { size } = await file.stat();
      const gap = (await endsInLine(file, size)) ? '' : '\n';
      await appendWhole(file, size, gap + text, fsync === 'batch');
    } finally {
      await file.close();
    }
  }

  /** A file that cannot be renamed grows on, and one that cannot be removed stays: records go first. */
  async #rotate(path: string): Promise<void> {
    const { directory, keepFiles, fsync, scheduler, logger } = this.#options;
    try {
      if (fsync === 'rotation') await forceToDisk(path);
      const full = rotatedNames(await readdir(directory));
      const next = rotatedNameAfter(full.at(-1), scheduler.clock.wall());
      await rename(path, join(directory, next));
      const kept = [...full, next].slice(-keepFiles);
      for (const name of full) if (!kept.includes(name)) await unlink(join(directory, name));
    } catch (thrown) {
      logger.error('cdr-not-rotated', { error: messageOf(thrown) });
    }
  }
}

async function forceToDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** The last records of a file; none where there is no file. */
async function endOf(path: string): Promise<string> {
  const size = await sizeOf(path);
  if (size === 0) return '';
  const file = await open(path, 'r');
  try {
    const length = Math.min(size, lookedThrough);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    // It is not there, or opening it will say what is wrong with it.
    return 0;
  }
}

async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true;
  const { buffer, bytesRead } = await file.read(new Uint8Array(1), 0, 1, size - 1);
  return bytesRead === 0 || buffer[0] === 0x0a;
}

/** All of it or none: what is tried again later must not be in the file already. */
async function appendWhole(file: FileHandle, size: number, text: string, isForced: boolean): Promise<void> {
  try {
    await file.appendFile(text);
    if (isForced) await file.datasync();
  } catch (thrown) {
    // Should this fail too, the torn line is ended before the next one.
    await file.truncate(size).catch(() => {});
    throw thrown;
  }
}
