// Structured logs by pino, one JSON object a line. The rooms log through core/logger; raw SIP never reaches this file.
import { type DestinationStream, type LevelWithSilent, type Logger as Pino, pino } from 'pino';
import type { LogFields, Logger } from '../core/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The root logger of a process; its level may change while it runs. */
export interface RootLogger extends Logger {
  setLevel(level: LogLevel): void;
}

/** Fields that would hold a secret are removed whatever calls them so. */
const redacted = ['password', 'ha1', 'key', 'masterKey', 'masterSalt', 'authorization', 'secret'];

export function createLogger(name: string, level: LevelWithSilent, stream?: DestinationStream): RootLogger {
  const options = {
    name,
    level,
    redact: { paths: [...redacted, ...redacted.map((field) => `*.${field}`)], censor: '[redacted]' },
    messageKey: 'event',
    base: { node: name },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return new PinoLogger(stream === undefined ? pino(options) : pino(options, stream));
}

class PinoLogger implements RootLogger {
  readonly #pino: Pino;

  constructor(logger: Pino) {
    this.#pino = logger;
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#pino.debug(clean(fields), event);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#pino.info(clean(fields), event);
  }

  warn(event: string, fields: LogFields = {}): void {
    this.#pino.warn(clean(fields), event);
  }

  error(event: string, fields: LogFields = {}): void {
    this.#pino.error(clean(fields), event);
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(clean(fields)));
  }

  setLevel(level: LogLevel): void {
    this.#pino.level = level;
  }
}

/** JSON escapes line ends; what a terminal would obey (ESC, C1 controls) is made visible too. */
function clean(fields: LogFields): LogFields {
  const cleaned: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    cleaned.push([name, typeof value === 'string' ? visible(value) : value]);
  }
  return Object.fromEntries(cleaned);
}

export const maxLoggedLength = 2_048;

function visible(text: string): string {
  let shown = '';
  for (let index = 0; index < Math.min(text.length, maxLoggedLength); index += 1) {
    const code = text.charCodeAt(index);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    shown += isControl ? `\\x${code.toString(16).padStart(2, '0')}` : text.charAt(index);
  }
  return shown;
}
