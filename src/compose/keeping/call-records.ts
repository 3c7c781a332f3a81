// Call records as the configuration wants them kept: in files, and in a database that is asked.
import { join } from 'node:path';
import type { CallRecord } from '../../b2bua/call/call-record.ts';
import { formatCdr } from '../../cdr/cdr.ts';
import { CdrWriter } from '../../cdr/cdr-writer.ts';
import { keptRecord } from '../../cdr/kept-record.ts';
import { RecordQueue } from '../../cdr/record-queue.ts';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { KeptRecord } from '../../store/call-records.ts';
import { CallRecordThread } from '../../store/sqlite/call-record-thread.ts';

export interface CallRecordParts {
  readonly config: Config;
  /** `state_dir/cdr`. */
  readonly directory: string;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Runs for each record that a file lost. */
  readonly onLost: () => void;
}

export class CallRecords {
  readonly #node: string;
  readonly #files: CdrWriter;
  readonly #database: { readonly queue: RecordQueue<KeptRecord>; readonly thread: CallRecordThread } | undefined;

  constructor({ config, directory, scheduler, logger, onLost }: CallRecordParts) {
    const { rotate_size, keep_files, fsync, database, keep_for: keepFor, keep_rows: keepRows } = config.cdr;
    this.#node = config.sbc.name;
    const common = { scheduler, logger };
    this.#files = new CdrWriter({
      directory,
      rotateSize: rotate_size,
      keepFiles: keep_files,
      fsync,
      onLost,
      ...common,
    });
    if (!database) return;
    const thread = new CallRecordThread({ file: join(directory, 'cdr.db'), retention: { keepFor, keepRows } });
    const queue = new RecordQueue<KeptRecord>({
      event: 'cdr-database',
      append: (records) => thread.add(records, scheduler.clock.wall()),
      lengthOf: ({ line }) => line.length,
      ...common,
    });
    this.#database = { queue, thread };
  }

  write(record: CallRecord): void {
    const line = formatCdr(record, this.#node);
    this.#files.write(line);
    this.#database?.queue.write(keptRecord(record, line));
  }

  /** Of a call of the process before, which may have written it. */
  writeAgain(record: CallRecord): void {
    const line = formatCdr(record, this.#node);
    this.#files.writeUnlessThere(line, record.callId);
    this.#database?.queue.write(keptRecord(record, line));
  }

  /** Resolves when what was written is kept, or could not be. */
  async flush(): Promise<void> {
    await Promise.all([this.#files.flush(), this.#database?.queue.flush()]);
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#database?.thread.close();
  }
}
