// A terminal as a whole screen: keys as they are pressed, a size that changes, and everything as it was before when it is given back.

export interface Screen {
  readonly size: { readonly columns: number; readonly rows: number };
  /** Takes the terminal over: keys come at once, unseen, and another screen than that of the shell is shown. */
  open(): void;
  /** Gives it back as it was. Idempotent. */
  close(): void;
  write(text: string): void;
  /** Each returns what takes the listener away. */
  onInput(listener: (text: string) => void): () => void;
  onResize(listener: () => void): () => void;
  /** The terminal is gone. */
  onEnd(listener: () => void): () => void;
}

/** As much of `process.stdin` as is needed. */
export interface ScreenInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data' | 'end', listener: (text: string) => void): unknown;
  off(event: 'data' | 'end', listener: (text: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** As much of `process.stdout` as is needed. */
export interface ScreenOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

/** Undefined where one of them is no terminal. */
export function openableScreen(input: ScreenInput, output: ScreenOutput): Screen | undefined {
  if (input.isTTY !== true || output.isTTY !== true || input.setRawMode === undefined) return undefined;
  let isOpen = false;
  return {
    get size() {
      return { columns: output.columns ?? 80, rows: output.rows ?? 24 };
    },
    open: () => {
      isOpen = true;
      input.setEncoding('utf8');
      input.setRawMode?.(true);
      input.resume();
      output.write(taken);
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      output.write(givenBack);
      input.setRawMode?.(false);
      input.pause();
    },
    write: (text) => void output.write(text),
    onInput: (listener) => {
      input.on('data', listener);
      return () => void input.off('data', listener);
    },
    onResize: (listener) => {
      output.on('resize', listener);
      return () => void output.off('resize', listener);
    },
    onEnd: (listener) => {
      input.on('end', listener);
      return () => void input.off('end', listener);
    },
  };
}

/** xterm: the alternate screen, and no cursor. */
const taken = '\u001b[?1049h\u001b[?25l';
const givenBack = '\u001b[?25h\u001b[?1049l';
