// Notices that files have changed, by looking at them: what is written in place, what is renamed over, and links that are turned to
// another file (ACME clients, Kubernetes) are seen alike, on every file system. A change is told once the files have stayed the same
// for one interval, so that a certificate and its key, which are written one after the other, are taken together.
import { stat } from 'node:fs/promises';
import type { Config } from '../../config/schema.ts';
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { reloadedFiles } from './listeners.ts';

export interface ReloadingWatch extends Pick<FileWatchParts, 'scheduler'> {
  /** As it is applied now. */
  readonly config: () => Config;
  readonly configFile: string;
  readonly logger: Logger;
  /** Never rejects; one that is refused has said so in the log. */
  readonly reload: () => Promise<unknown>;
}

/** Reloads when the configuration or a file that it names for its listeners has changed. */
export function watchFiles({ config, configFile, scheduler, logger, reload }: ReloadingWatch): FileWatch {
  return new FileWatch({
    files: () => reloadedFiles(config(), configFile),
    interval: config().reload.interval,
    scheduler,
    onChanged: async (files) => {
      logger.info('files-changed', { files });
      await reload();
    },
  });
}

export interface FileWatchParts {
  /** Those that count now, absolute. */
  readonly files: () => readonly string[];
  readonly interval: Millis;
  readonly scheduler: Scheduler;
  /** Gets the files that have changed since the last time. The next look waits for it. */
  readonly onChanged: (files: readonly string[]) => Promise<void>;
  /** What tells a file from another under the same name; default is size, time and number of what the name leads to. */
  readonly print?: (file: string) => Promise<string>;
}

type Prints = ReadonlyMap<string, string>;

export class FileWatch {
  readonly #parts: FileWatchParts;
  readonly #print: (file: string) => Promise<string>;
  /** As they were when they were last told of; files that were not there then are left out. */
  #told: Prints | undefined;
  #seen: Prints = new Map();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: FileWatchParts) {
    this.#parts = parts;
    this.#print = parts.print ?? printOf;
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Never rejects: a file that cannot be read is one that is not there. */
  async #look(): Promise<void> {
    const { files, interval, scheduler, onChanged } = this.#parts;
    const now: Prints = new Map(
      await Promise.all(files().map(async (file) => [file, await this.#print(file)] as const)),
    );
    const told = this.#told ?? now;
    const changed = [...now].flatMap(([file, print]) => (told.has(file) && told.get(file) !== print ? [file] : []));
    const isSettled = changed.every((file) => this.#seen.get(file) === now.get(file));
    this.#seen = now;
    if (changed.length === 0) {
      // Files that the configuration names since the last look begin to count.
      this.#told = now;
    } else if (isSettled && !this.#isClosed) {
      this.#told = now;
      await onChanged(changed);
    }
    if (!this.#isClosed) this.#timer = scheduler.after(interval, () => void this.#look());
  }
}

async function printOf(file: string): Promise<string> {
  try {
    const { size, mtimeMs, ino } = await stat(file);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return 'not there';
  }
}
