// Appends call records to a file in the order in which calls ended, and starts a new file when one is full. What the disk
// does not take waits, in order and bounded, and is tried again; what is lost is counted and logged. A record is in the
// files once, but for a disk that fails while it closes a file; a line that was torn is ended before the next one begins.
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { rotatedNameAfter, rotatedNames } from './rotated-name.ts';

export interface CdrWriterOptions {
  readonly directory: string;
  /** Bytes after which a new file is begun. */
  readonly rotateSize: number;
  /** Full files that are kept. */
  readonly keepFiles: number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Runs for each record that is lost. */
  readonly onLost?: () => void;
}

/** Characters of records that wait for a disk that does not take them. */
export const maxWaitingLength = 67_108_864;
/** Until a disk that failed is tried again. */
export const retryDelay: Millis = 5_000;
/** Records of so long are written together, since each write costs as much as the signalling of half a call. */
export const gatherDelay: Millis = 200;

const current = 'cdr.ndjson';
/** Records that are written at once: a file exceeds its size by these at most. */
const recordsAtOnce = 256;

export class CdrWriter {
  readonly #options: CdrWriterOptions;
  #waiting: string[] = [];
  #waitingLength = 0;
  #writing: Promise<void> | undefined;
  #gathering: Timer | undefined;
  #retry: Timer | undefined;
  #lost = 0;

  constructor(options: CdrWriterOptions) {
    this.#options = options;
  }

  /** Records that were given up because too many waited. */
  get lost(): number {
    return this.#lost;
  }

  /** One record, without its line end. */
  write(line: string): void {
    if (this.#waitingLength + line.length > maxWaitingLength) {
      this.#lost += 1;
      this.#options.onLost?.();
      // The first says what must be done; as many more would say it again.
      if (this.#lost === 1) this.#options.logger.error('cdr-lost', { waiting: this.#waiting.length });
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#gather();
  }

  /** Resolves when everything that was written before is with the operating system, or could not be given to it now. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting.length > 0) await this.#start();
    this.#stopTimers();
  }

  #start(): Promise<void> {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) this.#gather();
    });
    return this.#writing;
  }

  /** What is being written takes along what comes meanwhile, and what waits for the disk goes with its retry. */
  #gather(): void {
    if (this.#retry !== undefined || this.#writing !== undefined) return;
    this.#gathering ??= this.#options.scheduler.after(gatherDelay, () => void this.#start());
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    this.#stopTimers();
    try {
      while (this.#waiting.length > 0) {
        const lines = this.#waiting.slice(0, recordsAtOnce);
        await this.#append(`${lines.join('\n')}\n`);
        this.#waiting.splice(0, lines.length);
        for (const line of lines) this.#waitingLength -= line.length;
      }
    } catch (thrown) {
      const { logger, scheduler } = this.#options;
      logger.error('cdr-not-written', { error: messageOf(thrown), waiting: this.#waiting.length });
      this.#retry = scheduler.after(retryDelay, () => void this.#start());
    }
  }

  #stopTimers(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  async #append(text: string): Promise<void> {
    const { directory, rotateSize } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const path = join(directory, current);
    if ((await sizeOf(path)) >= rotateSize) await this.#rotate(path);
    const file = await open(path, 'a+', 0o640);
    try {
      const { size } = await file.stat();
      const gap = (await endsInLine(file, size)) ? '' : '\n';
      await appendWhole(file, size, gap + text);
    } finally {
      await file.close();
    }
  }

  /** A file that cannot be renamed grows on, and one that cannot be removed stays: records go first. */
  async #rotate(path: string): Promise<void> {
    const { directory, keepFiles, scheduler, logger } = this.#options;
    try {
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
async function appendWhole(file: FileHandle, size: number, text: string): Promise<void> {
  try {
    await file.appendFile(text);
  } catch (thrown) {
    // Should this fail too, the torn line is ended before the next one.
    await file.truncate(size).catch(() => {});
    throw thrown;
  }
}
