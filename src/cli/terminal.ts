// Reads a secret from a terminal without showing it.
import { SbcError } from '../core/errors.ts';

/** As much of a terminal's input as is needed here; `process.stdin` where it is one. */
export interface SecretInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data' | 'end', listener: (text: string) => void): unknown;
  off(event: 'data' | 'end', listener: (text: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Longest line that is taken; the rest of it is ignored. */
export const maxSecretLength = 1_024;

/** Undefined where there is no terminal, or the input ends. Rejects with SbcError `interrupted` on Ctrl-C. */
export async function readSecret(
  question: string,
  input: SecretInput,
  write: (text: string) => void,
): Promise<string | undefined> {
  if (input.isTTY !== true || input.setRawMode === undefined) return undefined;
  write(question);
  input.setEncoding('utf8');
  input.setRawMode(true);
  const line = new SecretLine();
  try {
    await untilEnded(line, input);
  } finally {
    input.setRawMode(false);
    input.pause();
    write('\n');
  }
  if (line.ended === 'interrupted') throw new SbcError('interrupted', 'interrupted');
  return line.ended === 'entered' ? line.text : undefined;
}

function untilEnded(line: SecretLine, input: SecretInput): Promise<void> {
  return new Promise((resolve) => {
    const onData = (text: string): void => {
      for (const key of text) line.press(key);
      if (line.ended !== undefined) finish();
    };
    const finish = (): void => {
      input.off('data', onData);
      input.off('end', finish);
      resolve();
    };
    input.on('data', onData);
    input.on('end', finish);
    input.resume();
  });
}

/** A raw terminal hands over keys, not lines. */
class SecretLine {
  #typed: string[] = [];
  #ended: 'entered' | 'interrupted' | 'cancelled' | undefined;

  get text(): string {
    return this.#typed.join('');
  }

  get ended(): 'entered' | 'interrupted' | 'cancelled' | undefined {
    return this.#ended;
  }

  press(key: string): void {
    if (this.#ended !== undefined) return;
    if (key === '\r' || key === '\n') this.#ended = 'entered';
    else if (key === controlC) this.#ended = 'interrupted';
    else if (key === controlD && this.#typed.length === 0) this.#ended = 'cancelled';
    else if (key === backspace || key === '\b') this.#typed.pop();
    else if (key === controlU) this.#typed = [];
    else if (key >= ' ' && this.#typed.length < maxSecretLength) this.#typed.push(key);
  }
}

const controlC = '\u0003';
const controlD = '\u0004';
const controlU = '\u0015';
const backspace = '\u007f';
