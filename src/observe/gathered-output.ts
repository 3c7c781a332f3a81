// Log lines on their way out, written together: a write for each would cost a busy SBC a tenth of its processor.
import type { Millis } from '../core/clock.ts';

/** How long a line may wait for others. What an abrupt end of the process loses is no older than this. */
export const longestWait: Millis = 100;
/** Characters that wait; a line that reaches it takes all of them along. */
export const mostWaiting = 16_384;

export class GatheredOutput {
  readonly #write: (lines: string) => void;
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= mostWaiting) this.flush();
    // What waits is flushed when the process ends, and is no reason for it to stay.
    else this.#timer ??= setTimeout(() => this.flush(), longestWait).unref();
  }

  /** Before the process ends, and behind a line that must not be lost. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#write(lines);
  }
}
