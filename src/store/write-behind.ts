// Writes on their way to whoever keeps them, off the path of calls: gathered, in their order, one batch at a time, so that what comes
// while one is written goes together with the next. What waits and is overtaken by a newer state of the same thing is written
// once. A batch that was not acknowledged is sent again under its number, and whoever keeps it takes each number once; one that could
// not be written is none, and what it held waits with the rest.
import type { Millis } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import { placeOf, type StoreWrite, sizeOf, type WriteSink } from './store-write.ts';

export interface WriteBatch {
  /** 1, 2, 3 … of this run. */
  readonly number: number;
  readonly writes: readonly StoreWrite[];
}

/** `silent`: nothing was answered for long. `lost`: more waits than may, and what comes is not kept. `unwritable`: that one can never be kept. */
export type WriteTrouble =
  | { readonly kind: 'not-written'; readonly detail: string }
  | { readonly kind: 'silent'; readonly detail: string }
  | { readonly kind: 'lost'; readonly detail: string }
  | { readonly kind: 'unwritable'; readonly detail: string };

export interface WriteBehindParts {
  /** Hands a batch to whoever keeps it: `written` or `failed` follows for its number, unless that one is lost (`again`). */
  readonly send: (batch: WriteBatch) => void;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  /** Somebody should know; told once for each time that it begins. */
  readonly onTrouble: (trouble: WriteTrouble) => void;
  readonly limits?: WriteLimits;
}

export interface WriteLimits {
  /** How long writes are gathered that nobody waits for: waking the other thread costs as much as handing it ten calls. */
  readonly gather: Millis;
  /** How long whoever waits for a write waits at most. */
  readonly patience: Millis;
  /** After so long without an answer to a batch somebody is told; a file that is locked or a slow disk may answer yet. */
  readonly silence: Millis;
  /** Until a batch that could not be written is sent again. */
  readonly retry: Millis;
  /** Characters of writes that wait. */
  readonly waiting: number;
  /** Writes of one batch: who waits for the next one waits for so many. */
  readonly batch: number;
}

export const defaultWriteLimits: WriteLimits = {
  gather: 50,
  patience: 2_000,
  silence: 10_000,
  retry: 1_000,
  waiting: 67_108_864,
  batch: 1_000,
};

/** A write that somebody waits for. */
interface Awaited {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly patience: Timer;
}

interface Waiting {
  readonly write: StoreWrite;
  readonly awaited: Awaited | undefined;
}

/** By place, or by a number of their own. */
type Entries = Map<string | number, Waiting>;

export class WriteBehind implements WriteSink {
  readonly #parts: WriteBehindParts;
  readonly #limits: WriteLimits;
  /** In the order in which they are to be written. */
  #waiting: Entries = new Map();
  #waitingSize = 0;
  #serial = 0;
  #sent: { readonly batch: WriteBatch; readonly entries: Entries; readonly size: number } | undefined;
  #number = 0;
  #timer: Timer | undefined;
  #isTurnEnding = false;
  #retry: Timer | undefined;
  #silence: Timer | undefined;
  #lost = 0;
  #failures = 0;
  /** Whether the present trouble was told. */
  #isFailing = false;
  #isLosing = false;
  #flushed: (() => void)[] = [];

  constructor(parts: WriteBehindParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? defaultWriteLimits;
  }

  /** Writes that are not acknowledged. */
  get waiting(): number {
    return this.#waiting.size + (this.#sent?.entries.size ?? 0);
  }

  /** Writes that were given up. */
  get lost(): number {
    return this.#lost;
  }

  /** Batches that could not be written when they were tried. */
  get failures(): number {
    return this.#failures;
  }

  put(write: StoreWrite): void {
    if (this.#add(write, undefined)) this.#gather();
  }

  /** Resolves when it is written, with all that was put before. Rejects when that fails or takes too long; it may be written all the same. */
  durable(write: StoreWrite): Promise<void> {
    const { scheduler } = this.#parts;
    if (this.#retry !== undefined) return Promise.reject(new Error('nothing can be written at the moment'));
    return new Promise<void>((resolve, reject) => {
      const patience = scheduler.after(this.#limits.patience, () => {
        reject(new Error(`nothing was written within ${this.#limits.patience} ms`));
      });
      if (this.#add(write, { resolve, reject, patience })) this.#atEndOfTurn();
      else {
        patience.cancel();
        reject(new Error('too many writes wait'));
      }
    });
  }

  /** Resolves when everything that was put before is written, or could not be when it was tried. */
  flush(): Promise<void> {
    if (this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
      this.#endRetry();
      this.#send();
    });
  }

  // What becomes of a batch.

  /** `unwritable`: writes of it that can never be kept, by their place in the batch. */
  written(number: number, unwritable: readonly { readonly index: number; readonly error: string }[]): void {
    const sent = this.#sent;
    if (sent?.batch.number !== number) return;
    this.#silence?.cancel();
    this.#sent = undefined;
    this.#isFailing = false;
    this.#isLosing = false;
    const entries = [...sent.entries.values()];
    for (const { index, error } of unwritable) this.#giveUp(entries[index], error);
    for (const { awaited } of entries) settle(awaited, undefined);
    if (this.#waiting.size > 0) this.#send();
    else this.#allFlushed();
  }

  /** Nothing of it was kept. What it held is tried again, as it is by then; who waits for a write of it does so no longer. */
  failed(number: number, error: string): void {
    const sent = this.#sent;
    if (sent?.batch.number !== number) return;
    this.#silence?.cancel();
    this.#failures += 1;
    const { logger, scheduler, onTrouble } = this.#parts;
    logger.error('store-not-written', { error, waiting: this.waiting });
    if (!this.#isFailing) onTrouble({ kind: 'not-written', detail: error });
    this.#isFailing = true;
    for (const { awaited } of sent.entries.values()) settle(awaited, new Error(error));
    this.#sent = undefined;
    this.#takeBack(sent.entries);
    this.#allFlushed();
    this.#retry = scheduler.after(this.#limits.retry, () => {
      this.#retry = undefined;
      this.#send();
    });
  }

  /** Whoever kept batches is another one now: what was not acknowledged is sent to it. */
  again(): void {
    this.#endRetry();
    if (this.#sent === undefined) this.#send();
    else this.#hand(this.#sent.batch);
  }

  #endRetry(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  /** In front of what waits, which takes the place of what it is a newer state of. */
  #takeBack(entries: Entries): void {
    const newer = this.#waiting;
    this.#waiting = new Map([...entries].filter(([key]) => !newer.has(key)));
    for (const [key, entry] of newer) this.#waiting.set(key, entry);
    this.#waitingSize = [...this.#waiting.values()].reduce((sum, { write }) => sum + sizeOf(write), 0);
  }

  #add(write: StoreWrite, awaited: Awaited | undefined): boolean {
    const place = placeOf(write);
    const key = place ?? this.#serial;
    const before = this.#waiting.get(key);
    const size = sizeOf(write) - (before === undefined ? 0 : sizeOf(before.write));
    if (this.#waitingSize + (this.#sent?.size ?? 0) + size > this.#limits.waiting) {
      this.#tellLost();
      return false;
    }
    this.#serial += 1;
    this.#waitingSize += size;
    // Behind what was put since: the order is that of the last change.
    this.#waiting.delete(key);
    this.#waiting.set(key, { write, awaited });
    return true;
  }

  #tellLost(): void {
    this.#lost += 1;
    // The first says what must be done; as many more would say it again.
    if (this.#isLosing) return;
    this.#isLosing = true;
    this.#parts.logger.error('store-writes-lost', { waiting: this.waiting });
    this.#parts.onTrouble({ kind: 'lost', detail: `${this.waiting} writes wait` });
  }

  #gather(): void {
    if (this.#sent !== undefined || this.#isTurnEnding || this.#retry !== undefined) return;
    this.#timer ??= this.#parts.scheduler.after(this.#limits.gather, () => this.#send());
  }

  /** What others of this turn wait for goes with it. */
  #atEndOfTurn(): void {
    if (this.#sent !== undefined || this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    setImmediate(() => {
      this.#isTurnEnding = false;
      this.#send();
    });
  }

  #send(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#sent !== undefined || this.#waiting.size === 0) return;
    const entries = this.#takeBatch();
    const writes = Array.from(entries.values(), ({ write }) => write);
    const size = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    this.#waitingSize -= size;
    this.#number += 1;
    const batch = { number: this.#number, writes };
    this.#sent = { batch, entries, size };
    this.#hand(batch);
  }

  #hand(batch: WriteBatch): void {
    const { scheduler, logger, onTrouble, send } = this.#parts;
    const { silence } = this.#limits;
    this.#silence?.cancel();
    this.#silence = scheduler.after(silence, () => {
      logger.error('store-silent', { millis: silence, waiting: this.waiting });
      onTrouble({ kind: 'silent', detail: `no answer for ${silence} ms, ${this.waiting} writes wait` });
    });
    send(batch);
  }

  #takeBatch(): Entries {
    const all = this.#waiting;
    if (all.size <= this.#limits.batch) {
      this.#waiting = new Map();
      return all;
    }
    const first = new Map([...all].slice(0, this.#limits.batch));
    for (const key of first.keys()) all.delete(key);
    return first;
  }

  #giveUp(entry: Waiting | undefined, error: string): void {
    if (entry === undefined) return;
    this.#lost += 1;
    this.#parts.logger.error('store-write-unwritable', { kind: entry.write.kind, error });
    this.#parts.onTrouble({ kind: 'unwritable', detail: `${entry.write.kind}: ${error}` });
    settle(entry.awaited, new Error(error));
  }

  #allFlushed(): void {
    for (const resolve of this.#flushed.splice(0)) resolve();
  }
}

/** The first time counts. */
function settle(awaited: Awaited | undefined, error: Error | undefined): void {
  awaited?.patience.cancel();
  if (error === undefined) awaited?.resolve();
  else awaited?.reject(error);
}
