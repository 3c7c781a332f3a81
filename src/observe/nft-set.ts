// Gives banned sources to nftables, so that the kernel drops them: an element with a time-out for each, in a set that the
// operator made. IPv6 blocks go to the set of the same name with a 6 at its end.
import { spawn } from 'node:child_process';
import type { Logger } from '../core/logger.ts';

/** Commands that wait for the one before; more are dropped, since the SBC itself turns the source away as well. */
const mostWaiting = 10_000;
const commandTimeout = 5_000;

export interface NftSetOptions {
  /** `inet filter banned`. */
  readonly set: string;
  readonly logger: Logger;
  /** The program; `nft` when absent. */
  readonly program?: string;
}

export class NftSet {
  readonly #options: NftSetOptions;
  #waiting: string[] = [];
  #running: Promise<void> | undefined;

  constructor(options: NftSetOptions) {
    this.#options = options;
  }

  /** `source` is an address or block, `lasts` in milliseconds. */
  add(source: string, lasts: number): void {
    const seconds = Math.max(1, Math.ceil(lasts / 1000));
    // An element that is there keeps its old time-out, so it is taken out first; "add" makes that no error where it is not.
    this.#say(`add element ${this.#elementOf(source)}`);
    this.#say(`delete element ${this.#elementOf(source)}`);
    this.#say(`add element ${this.#elementOf(source, ` timeout ${seconds}s`)}`);
  }

  remove(source: string): void {
    this.#say(`add element ${this.#elementOf(source)}`);
    this.#say(`delete element ${this.#elementOf(source)}`);
  }

  /** Resolves when everything that was said has been carried out, or failed. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  #elementOf(source: string, more = ''): string {
    const { set } = this.#options;
    return `${source.includes(':') ? `${set}6` : set} { ${source}${more} }`;
  }

  #say(line: string): void {
    if (this.#waiting.length >= mostWaiting) return;
    this.#waiting.push(line);
    this.#running ??= this.#run();
  }

  /** One program at a time, with all that waits. */
  async #run(): Promise<void> {
    await Promise.resolve();
    const lines = this.#waiting;
    this.#waiting = [];
    const failure = await this.#feed(`${lines.join('\n')}\n`);
    if (failure !== undefined) this.#options.logger.error('nft-failed', { set: this.#options.set, error: failure });
    this.#running = this.#waiting.length > 0 ? this.#run() : undefined;
  }

  #feed(input: string): Promise<string | undefined> {
    const { program = 'nft' } = this.#options;
    return new Promise((resolve) => {
      const child = spawn(program, ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: commandTimeout });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        if (said.length < 1_000) said += chunk.toString();
      });
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => {
        resolve(code === 0 ? undefined : `${signal ?? `exit code ${code ?? ''}`}: ${said.slice(0, 1_000).trim()}`);
      });
      // A program that ended before it read everything says so by its exit code.
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });
  }
}
