// Appends call records to a file in the order in which calls ended, and starts a new file when one is full.
// A record that cannot be written is tried again with the next one; what waits is bounded, and what is lost is counted.
import { appendFile, mkdir, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';

export interface CdrWriterOptions {
  readonly directory: string;
  /** Bytes after which a new file is begun. */
  readonly rotateSize: number;
  /** Full files that are kept. */
  readonly keepFiles: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Records that wait for a disk that does not take them. */
export const maxWaitingRecords = 100_000;

const current = 'cdr.ndjson';

export class CdrWriter {
  readonly #options: CdrWriterOptions;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
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
    if (this.#waiting.length >= maxWaitingRecords) this.#lost += 1;
    else this.#waiting.push(`${line}\n`);
    this.#writing ??= this.#drain();
  }

  /** Resolves when everything that was written is with the operating system, or failed. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting.length > 0) await this.#drain();
  }

  async #drain(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const lines = this.#waiting;
        this.#waiting = [];
        try {
          await this.#append(lines.join(''));
        } catch (thrown) {
          this.#waiting = [...lines, ...this.#waiting];
          throw thrown;
        }
      }
    } catch (thrown) {
      this.#options.logger.error('cdr-not-written', { error: messageOf(thrown), waiting: this.#waiting.length });
    } finally {
      this.#writing = undefined;
    }
  }

  async #append(text: string): Promise<void> {
    const { directory, rotateSize } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const file = join(directory, current);
    const size = await stat(file).then(
      ({ size: bytes }) => bytes,
      () => 0,
    );
    if (size >= rotateSize) await this.#rotate(file);
    await appendFile(file, text, { mode: 0o640 });
  }

  async #rotate(file: string): Promise<void> {
    const { directory, keepFiles, clock } = this.#options;
    const stamp = new Date(clock.wall()).toISOString().replaceAll(':', '').replace('.', '');
    await rename(file, join(directory, `cdr-${stamp}.ndjson`));
    const full = (await readdir(directory))
      .filter((name) => name.startsWith('cdr-') && name.endsWith('.ndjson'))
      .sort();
    for (const name of full.slice(0, Math.max(0, full.length - keepFiles))) await unlink(join(directory, name));
  }
}
