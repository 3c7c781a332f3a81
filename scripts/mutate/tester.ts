// A vitest in a process of its own that stays between runs (`tester-main.ts`), and is replaced when a fault keeps it busy forever.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Run these tests; of the sources only `changed` is another than the last time. Paths from the root of the tree. */
export interface TestOrder {
  readonly changed: string | undefined;
  readonly tests: readonly string[];
}

export interface TestOutcome {
  readonly result: 'passed' | 'failed' | 'timed out';
  /** What failed first, for whoever wants to know. */
  readonly failure?: string | undefined;
  /** How long each test file took, where all passed. */
  readonly millis?: Readonly<Record<string, number>>;
}

const main = fileURLToPath(new URL('tester-main.ts', import.meta.url));
const startMillis = 120_000;

export class Tester {
  readonly #tree: string;
  readonly #seed: number;
  #child: ChildProcess | undefined;

  /** `tree` holds the sources and the tests; `seed` is that of the properties' examples. */
  constructor(tree: string, seed: number) {
    this.#tree = tree;
    this.#seed = seed;
  }

  async run(order: TestOrder, timeoutMillis: number): Promise<TestOutcome> {
    this.#child ??= await this.#started();
    const child = this.#child;
    const outcome = this.#next<TestOutcome>(child, timeoutMillis);
    child.send(order);
    return (await outcome) ?? { result: 'timed out' };
  }

  /** Ends it with all that it started, also what does not listen any more. */
  close(): void {
    const pid = this.#child?.pid;
    this.#child = undefined;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It had ended by itself.
    }
  }

  async #started(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [main], {
      cwd: this.#tree,
      // A group of its own: vitest's workers belong to it, and one in an endless loop ends by a signal only.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, PORTCULLIS_SHARED: '1', PORTCULLIS_SEED: String(this.#seed) },
    });
    this.#child = child;
    const ready = await this.#next<'ready'>(child, startMillis);
    if (ready === undefined) throw new Error('vitest did not start');
    return child;
  }

  /** The next message; undefined when none came in time, or the process ended: it is gone then. */
  #next<T>(child: ChildProcess, timeoutMillis: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const settle = (message: T | undefined): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        if (message === undefined) this.close();
        resolve(message);
      };
      const timer = setTimeout(() => settle(undefined), timeoutMillis);
      child.once('message', (message: T) => settle(message));
      child.once('exit', () => settle(undefined));
    });
  }
}
