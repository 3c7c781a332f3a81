// Operational failures (not peer input): a stable code, structured context, a cause. Never a secret in any of them.

export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

/** The root of every error that this program throws on purpose. `code` is stable and documented. */
export class SbcError extends Error {
  readonly code: string;
  readonly context: ErrorContext;

  constructor(code: string, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.context = context;
  }
}

/** The message of anything that was thrown, for logs and for wrapping. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
