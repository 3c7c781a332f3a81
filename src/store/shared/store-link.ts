// Whether the shared store is there: asked by a beat that also keeps this node's lease. Lost when a beat fails twice in a row or the
// connection is gone; back when a beat is answered and what happened meanwhile was told.
import type { Millis } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { NodeEvent, SharedStore } from './shared-store.ts';

export interface StoreLinkParts {
  readonly store: Pick<SharedStore, 'beat' | 'own'>;
  readonly interval: Millis;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly events: StoreLinkEvents;
}

export interface StoreLinkEvents {
  /** Runs when the store is there again, and when something may not have reached it. What rejects is tried again with the next beat. */
  onReturn(): Promise<void>;
  onChanged(isUp: boolean): void;
  onEvents(events: readonly NodeEvent[]): void;
  /** Another process is this node now. */
  onReplaced(): void;
}

/** Beats in a row that fail before the store counts as lost. */
export const patience = 2;

export class StoreLink {
  readonly #parts: StoreLinkParts;
  /** `up` takes what is asked; `returning` does too, while it is being told what it missed. */
  #state: 'lost' | 'returning' | 'up' = 'lost';
  /** What was told last. */
  #isKnownUp: boolean | undefined;
  #isDoubtful = false;
  /** Whether the store was ever told that this process is the node. */
  #isOwner = false;
  #failures = 0;
  #cursor: string | undefined;
  #timer: Timer | undefined;
  #isClosed = false;
  #nodes: readonly string[] = [];
  #lostTimes = 0;
  /** Another process of this machine may be the node. */
  #isHeld = false;
  /** It was, since this one was asked last. */
  #isFenced = false;
  /** It may have been, and no beat has told yet. */
  #mayBeFenced = false;
  #beating: Promise<void> | undefined;

  constructor(parts: StoreLinkParts) {
    this.#parts = parts;
  }

  /** Whether it may be asked. */
  get isUp(): boolean {
    return this.#state !== 'lost';
  }

  /** Nodes that were alive at the last beat. */
  get nodes(): readonly string[] {
    return this.#nodes;
  }

  /** How often it was lost since the start. */
  get lostTimes(): number {
    return this.#lostTimes;
  }

  /** Resolves after the first beat, whatever came of it. */
  async start(): Promise<void> {
    await this.#beat();
  }

  doubt(): void {
    this.#isDoubtful = true;
  }

  /** The connection is gone: nobody has to wait for a beat to fail. */
  disconnected(): void {
    if (this.#isKnownUp === true) this.#lose('the connection is gone');
  }

  /** Another process of this machine is to be the node: that it is so is no reason to end. */
  hold(): void {
    this.#isHeld = true;
  }

  /** It is not to be the node after all, and has ended. Resolves when this one is again, or the store does not answer. */
  async carryOn(): Promise<void> {
    this.#isHeld = false;
    // It may have become the node, and have ended, between two beats.
    this.#mayBeFenced = true;
    await this.#beating;
    if (!this.#mayBeFenced) return;
    this.#timer?.cancel();
    await this.#beat();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #beat(): Promise<void> {
    const beating = this.#ask().finally(() => {
      if (this.#beating === beating) this.#beating = undefined;
    });
    this.#beating = beating;
    return beating;
  }

  async #ask(): Promise<void> {
    const { store, interval, scheduler, events } = this.#parts;
    try {
      if (!(await this.#own())) {
        this.#replaced();
        return;
      }
      const wasHeld = this.#isHeld;
      const { isOwner, events: told, cursor, hasMissed, nodes } = await store.beat(this.#cursor);
      if (this.#isClosed) return;
      if (!isOwner && (wasHeld || this.#isHeld || this.#mayBeFenced)) {
        this.#isFenced = true;
        if (!this.#isHeld) await this.#ask();
        return;
      }
      if (!isOwner) {
        this.#replaced();
        return;
      }
      if (!this.#isHeld) this.#mayBeFenced = false;
      this.#nodes = nodes;
      if (hasMissed) this.#isDoubtful = true;
      if (this.#state === 'lost' || this.#isDoubtful) await this.#return();
      this.#failures = 0;
      this.#cursor = cursor;
      events.onEvents(told);
    } catch (thrown) {
      this.#failed(thrown);
    }
    if (!this.#isClosed) this.#timer = scheduler.after(interval, () => void this.#beat());
  }

  /** False when another machine has the node. */
  async #own(): Promise<boolean> {
    const { store } = this.#parts;
    if (this.#isFenced) {
      if (!(await store.own('again'))) return false;
      this.#isFenced = false;
      this.#isDoubtful = true;
    }
    // Whoever was the node before is so no more: this one was started, or told, to be it.
    if (!this.#isOwner) await store.own('at-once');
    this.#isOwner = true;
    return true;
  }

  #replaced(): void {
    this.close();
    this.#parts.events.onReplaced();
  }

  async #return(): Promise<void> {
    this.#isDoubtful = false;
    const before = this.#state;
    // What is asked from now on reaches the store after what it is told here.
    this.#state = 'returning';
    try {
      await this.#parts.events.onReturn();
    } catch (thrown) {
      this.#isDoubtful = true;
      // One answer that is late does not make it lost.
      this.#state = before;
      throw thrown;
    }
    if (this.#isClosed) return;
    this.#state = 'up';
    this.#change(true);
  }

  #failed(thrown: unknown): void {
    if (this.#isClosed) return;
    this.#failures += 1;
    const isMistake = !(thrown instanceof SbcError);
    if (isMistake) this.#parts.logger.error('shared-store-failed', { error: messageOf(thrown) });
    if (this.#state !== 'up' || this.#failures >= patience) this.#lose(messageOf(thrown));
  }

  #lose(error: string): void {
    this.#state = 'lost';
    if (this.#isKnownUp !== false) this.#parts.logger.error('shared-store-lost', { error });
    this.#change(false);
  }

  #change(isUp: boolean): void {
    if (this.#isKnownUp === isUp) return;
    if (isUp) this.#parts.logger.info('shared-store-up', {});
    else this.#lostTimes += 1;
    this.#isKnownUp = isUp;
    this.#parts.events.onChanged(isUp);
  }
}
