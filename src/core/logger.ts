// What the rooms log through. `observe/log` implements it on pino; tests record or ignore.

/** Structured fields of one event. Values are data, never prose, never a secret. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One event name and its fields a line. info = a call's life, warn = a peer misbehaves, error = someone must act. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line: one for each call, listener or worker. */
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
