// Structured logs by pino, one JSON object a line. The rooms log through core/logger; raw SIP never reaches this file.
import { type DestinationStream, type Logger as Pino, pino } from 'pino';
import { jsonLine } from '../core/json-line.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import { cleanFields } from './clean-fields.ts';
import { GatheredOutput } from './gathered-output.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The root logger of a process; its level may change while it runs, for itself and all its children. */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/** `stream` gets each line at once; the standard output, when it is absent, within a tenth of a second, errors at once. */
export function createLogger(name: string, level: LogLevel | 'silent', stream?: DestinationStream): RootLogger {
  const options = {
    level: 'debug',
    messageKey: 'event',
    base: { node: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const output =
    stream === undefined ? standardOutput() : { write: (line: string) => stream.write(line), flush: () => {} };
  const lines: DestinationStream = { write: (line) => output.write(jsonLine(line)) };
  return new PinoLogger(pino(options, lines), { least: ranks[level], flush: () => output.flush() });
}

function standardOutput(): GatheredOutput {
  const destination = pino.destination(1);
  const output = new GatheredOutput((lines) => void destination.write(lines));
  process.on('exit', () => output.flush());
  return output;
}

const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;

/** Shared by a root logger and all its children. */
interface Threshold {
  least: number;
  /** Writes what waits. */
  readonly flush: () => void;
}

class PinoLogger implements RootLogger {
  readonly #pino: Pino;
  readonly #threshold: Threshold;

  constructor(logger: Pino, threshold: Threshold) {
    this.#pino = logger;
    this.#threshold = threshold;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#write('debug', event, fields);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#write('info', event, fields);
  }

  warn(event: string, fields: LogFields = {}): void {
    this.#write('warn', event, fields);
  }

  error(event: string, fields: LogFields = {}): void {
    this.#write('error', event, fields);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(cleanFields(fields)), this.#threshold);
  }

  setLevel(level: LogLevel): void {
    this.#threshold.least = ranks[level];
  }

  #write(level: LogLevel, event: string, fields: LogFields): void {
    if (ranks[level] < this.#threshold.least) return;
    this.#pino[level](cleanFields(fields), event);
    if (level === 'error') this.#threshold.flush();
  }
}
