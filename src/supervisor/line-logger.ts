// Logs of the supervisor: lines as those of the processes that it runs, without what those load to write them.
import { jsonLine } from '../core/json-line.ts';
import type { LogFields, Logger } from '../core/logger.ts';

/** `write` gets each line with its end. */
export function lineLogger(write: (line: string) => void, base: LogFields = {}): Logger {
  const log =
    (level: string) =>
    (event: string, fields: LogFields = {}): void => {
      const time = new Date().toISOString();
      write(`${jsonLine(JSON.stringify({ level, time, ...base, ...fields, event }))}\n`);
    };
  return {
    debug: () => {},
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => lineLogger(write, { ...base, ...fields }),
  };
}
