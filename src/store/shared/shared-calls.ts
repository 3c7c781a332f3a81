// Calls of this node in the shared store. Written behind: what comes within 50 ms goes together, the last of each call; what did not
// arrive waits until the store is back.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { KeyRing } from '../../sip/auth/sealing.ts';
import type { CallStore, KeptDocument } from '../call-store.ts';
import { type CallWriter, openCall } from './call-writer.ts';
import type { SharedStore } from './shared-store.ts';

/** A change waits so long for others to go with it, as those of the store of one process do. A kill may lose what waits. */
export const gatheredFor: Millis = 50;

export interface SharedCallsParts {
  readonly run: string;
  readonly store: Pick<SharedStore, 'calls'>;
  readonly writer: CallWriter;
  readonly link: { readonly isUp: boolean; doubt(): void };
  /** They open what the process before left. */
  readonly keys: KeyRing;
  /** The store answers, and takes no calls. Told once, until it does. */
  readonly onTrouble: (detail: string) => void;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export class SharedCalls implements CallStore {
  readonly #parts: SharedCallsParts;
  /** What waits, by call; undefined: it is removed. */
  #waiting = new Map<string, string | undefined>();
  #isDue = false;
  #writing: Promise<void> | undefined;
  /** Writes in a row that failed. */
  #failures = 0;
  #loaded: ReturnType<CallStore['load']> = { calls: [], unreadable: [] };

  constructor(parts: SharedCallsParts) {
    this.#parts = parts;
  }

  get run(): string {
    return this.#parts.run;
  }

  /** Changes that the store does not have. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Reads what the process before left, for `load`. Rejects as the store does. */
  async fetch(): Promise<void> {
    const calls: KeptDocument[] = [];
    const unreadable: string[] = [];
    for (const sealed of await this.#parts.store.calls()) {
      const call = openCall(sealed, this.#parts.keys);
      if (call === undefined) unreadable.push(sealed.id);
      else calls.push(call);
    }
    this.#loaded = { calls, unreadable };
  }

  load(): ReturnType<CallStore['load']> {
    return this.#loaded;
  }

  write(put: readonly KeptDocument[], remove: readonly string[]): void {
    for (const { id, document } of put) this.#waiting.set(id, document);
    for (const id of remove) this.#waiting.set(id, undefined);
    this.#soon();
  }

  /** The store is back: what waited goes there. */
  returned(): void {
    this.#soon();
  }

  /** Resolves when nothing waits any more, or the store did not take it. */
  async flush(): Promise<void> {
    await this.#writing;
    await this.#begin();
  }

  #soon(): void {
    if (this.#isDue || this.#waiting.size === 0 || !this.#parts.link.isUp) return;
    this.#isDue = true;
    this.#parts.scheduler.after(gatheredFor, () => {
      this.#isDue = false;
      void this.#begin();
    });
  }

  /** One at a time: what failed takes its place before what came meanwhile. */
  #begin(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { writer, link, logger } = this.#parts;
    while (this.#waiting.size > 0 && link.isUp) {
      const changes = this.#waiting;
      this.#waiting = new Map();
      const put: KeptDocument[] = [];
      const remove: string[] = [];
      for (const [id, document] of changes) {
        if (document === undefined) remove.push(id);
        else put.push({ id, document });
      }
      try {
        await writer.write(put, remove);
        this.#failures = 0;
      } catch (thrown) {
        this.#waiting = new Map([...changes, ...this.#waiting]);
        logger.error('calls-not-kept', { error: messageOf(thrown), calls: changes.size });
        link.doubt();
        this.#failures += 1;
        // Where it is away the link finds that out, says so, and asks for no more.
        if (this.#failures === 2) this.#parts.onTrouble(messageOf(thrown));
        break;
      }
    }
  }
}
