// The process that serves, when another is to take its place. It goes on serving until the other one is prepared, stands still while
// calls and sockets change hands, and ends without a word when the other one serves. Whatever goes wrong before that, it goes on: not
// before the other one has ended, since two must never read one socket.
import { assertNever } from '../core/assert-never.ts';
import type { Millis } from '../core/clock.ts';
import { messageOf, SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { LeftMedia } from '../media/plane/media-plane.ts';
import type { ToChild } from '../supervisor/messages.ts';
import type { DescriptorSender, ListenerPlace } from './descriptors.ts';
import { batches, type Formats, type FromSuccessor, readFromSuccessor, wrapped } from './messages.ts';

/** What it is that changes hands. */
export interface Heritage {
  readonly firstLedger: number;
  readonly formats: Formats;
  readonly listeners: readonly ListenerPlace[];
  /** Has what it keeps its state in open, before the other one brings that up to date for itself. */
  prepare(): Promise<void>;
  /** Until no call is being set up or ended, at most so long; what is left then is ended in order. */
  settle(patience: Millis): Promise<void>;
  /** It stays as it is after all: new calls are taken again. */
  stay(): void;
  /** From now on nothing is heard, said or recorded; what is running is written down. Rejects when that cannot be. */
  freeze(): Promise<void>;
  /** Media stops. Without `keepsSockets` the ports are free afterwards. */
  release(keepsSockets: boolean): Promise<LeftMedia>;
  /** After `freeze`: who is signed in to the dashboard, in a form that only this program's own kind reads. */
  signedIn(): unknown;
  /** After `freeze`, and perhaps `release`: everything goes on. Listeners by name; the others are bound again. */
  thaw(listeners: ReadonlyMap<string, number>): Promise<void>;
}

export interface PredecessorParts {
  readonly program: string;
  readonly heritage: Heritage;
  readonly openSender: () => Promise<DescriptorSender | undefined>;
  readonly tellSuccessor: (message: unknown) => void;
  /** To the process that waits for the case that this one crashes. */
  readonly tellSpare: (message: unknown) => void;
  /** Has the successor ended; `successor-gone` follows. */
  readonly abandon: (successor: number, reason: string) => void;
  /** The other one serves. */
  readonly onTakenOver: () => void;
  /** Neither serves: this process is of no use any more, and the next one takes up what it kept. */
  readonly onBroken: () => void;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export const handoverDeadlines = {
  /** Until files are open that the successor may bring up to date. */
  open: 5_000,
  /** From its start until the successor has everything but the calls. */
  prepare: 30_000,
  /** For calls that ring, and for those that are just ending. */
  settle: 5_000,
  /** While nothing is heard: until everything is written down. */
  freeze: 2_000,
  /** While nothing is heard: until the successor has the calls. */
  load: 5_000,
  /** While no media flows: until the successor serves. */
  takeOver: 3_000,
} as const;

export type UpgradeState =
  | { readonly state: 'under-way' }
  /** Why this process still serves. */
  | { readonly state: 'failed'; readonly reason: string };

type Event = FromSuccessor | { readonly type: 'taken-over' } | { readonly type: 'gone'; readonly reason: string };

export class Predecessor {
  readonly #parts: PredecessorParts;
  /** What came and was not asked for yet. */
  readonly #events: Event[] = [];
  #hear: (() => void) | undefined;
  #last: UpgradeState | undefined;
  #isBusy = false;

  constructor(parts: PredecessorParts) {
    this.#parts = parts;
  }

  /** Of the last upgrade; undefined: none was tried. */
  get last(): UpgradeState | undefined {
    return this.#last;
  }

  /** Somebody has asked for one: it is begun by the supervisor. */
  asked(): void {
    this.#last = { state: 'under-way' };
  }

  /** From the supervisor. */
  hear(message: ToChild): void {
    switch (message.type) {
      case 'successor':
        void this.#handOver(message.pid);
        return;
      case 'peer': {
        const read = readFromSuccessor(message.message);
        this.#take(typeof read === 'string' ? { type: 'refused', reason: read } : read);
        return;
      }
      case 'successor-gone':
        // Not begun, because it could not be.
        if (!this.#isBusy) this.#last = { state: 'failed', reason: message.reason };
        this.#take({ type: 'gone', reason: message.reason });
        return;
      case 'taken-over':
        this.#take({ type: 'taken-over' });
        return;
      case 'spare':
        this.#parts.tellSpare(this.#offer(false));
        return;
      case 'take-over':
        // For one that waited: this one serves.
        return;
      default:
        assertNever(message);
    }
  }

  /** Never rejects. */
  async #handOver(successor: number): Promise<void> {
    const { logger, scheduler, abandon, onTakenOver } = this.#parts;
    this.#events.length = 0;
    this.#isBusy = true;
    this.#last = { state: 'under-way' };
    const standing = new Standing(scheduler);
    try {
      await this.#steps(standing);
      logger.info('handed-over', { successor, ...standing.times() });
      onTakenOver();
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (!(thrown instanceof SuccessorGone)) {
        abandon(successor, reason);
        await this.#gone();
      }
      await this.#goOn(standing);
      this.#last = { state: 'failed', reason };
      logger.error('handover-failed', { successor, reason, ...standing.times() });
    } finally {
      this.#isBusy = false;
    }
  }

  async #steps(standing: Standing): Promise<void> {
    const { heritage, openSender, tellSuccessor } = this.#parts;
    const opening = this.#within(handoverDeadlines.open, heritage.prepare(), 'its own files were not opened');
    const [sender] = await Promise.all([openSender(), opening]);
    tellSuccessor(this.#offer(sender !== undefined));
    const { socket } = await this.#next('prepared', handoverDeadlines.prepare);
    const path = sender === undefined ? undefined : socket;
    if (sender !== undefined && path !== undefined) {
      standing.sender = sender;
      standing.listeners = sender.find(heritage.listeners);
      const inOrder = heritage.listeners.flatMap(({ name }) => standing.listeners.get(name) ?? []);
      await sender.send(path, batches.listeners, inOrder);
    }
    const passed = heritage.listeners.filter(({ name }) => standing.listeners.has(name));
    await heritage.settle(handoverDeadlines.settle);
    this.#stillThere();
    standing.freeze();
    await this.#within(handoverDeadlines.freeze, heritage.freeze(), 'calls were not written down');
    const listeners = passed.map(({ name, address }) => ({ name, ...address }));
    tellSuccessor(wrapped({ type: 'frozen', listeners, signedIn: heritage.signedIn() }));
    await this.#next('loaded', handoverDeadlines.load);
    standing.release();
    const { descriptors, ledgers } = await heritage.release(path !== undefined);
    if (sender !== undefined && path !== undefined) await sender.send(path, batches.media, descriptors);

    tellSuccessor(wrapped({ type: 'released', sockets: descriptors.length, ledgers }));
    await this.#next('taken-over', handoverDeadlines.takeOver);
    standing.end();
  }

  #offer(passesSockets: boolean): unknown {
    const { program, heritage } = this.#parts;
    const { formats, firstLedger } = heritage;
    return wrapped({ type: 'offer', program, formats, firstLedger, passesSockets });
  }

  /** As it was before, in so far as it stands still. */
  async #goOn(standing: Standing): Promise<void> {
    const { heritage, logger, onBroken } = this.#parts;
    if (!standing.isFrozen) {
      standing.sender?.close(standing.listeners.values());
      heritage.stay();
      return;
    }
    try {
      await heritage.thaw(standing.listeners);
      standing.end();
    } catch (thrown) {
      logger.error('handover-not-undone', { error: messageOf(thrown) });
      onBroken();
    }
  }

  #next<T extends Event['type']>(type: T, patience: Millis): Promise<Extract<Event, { readonly type: T }>> {
    const { scheduler } = this.#parts;
    return new Promise((resolve, reject) => {
      const deadline = scheduler.after(patience, () => {
        this.#hear = undefined;
        reject(new SbcError('handover-late', `the successor was not "${type}" within ${patience} ms`));
      });
      const look = (): void => {
        const event = this.#events.shift();
        if (event === undefined) {
          this.#hear = look;
          return;
        }
        this.#hear = undefined;
        deadline.cancel();
        if (isOf(event, type)) resolve(event);
        else reject(unexpected(event, type));
      };
      look();
    });
  }

  async #within(patience: Millis, work: Promise<void>, failure: string): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = this.#parts.scheduler.after(patience, () => {
      late.reject(new SbcError('handover-late', `${failure} within ${patience} ms`));
    });
    await Promise.race([work, late.promise]).finally(() => timer.cancel());
  }

  /** It may have gone while nothing was awaited of it. */
  #stillThere(): void {
    const event = this.#events[0];
    if (event !== undefined) throw unexpected(event, 'loaded');
  }

  /** Resolves when the successor has ended: nobody else tells that, and until then its sockets may be read. */
  #gone(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        const isGone = this.#events.splice(0).some(({ type }) => type === 'gone');
        this.#hear = isGone ? undefined : look;
        if (isGone) resolve();
      };
      look();
    });
  }

  #take(event: Event): void {
    if (!this.#isBusy) return;
    this.#events.push(event);
    this.#hear?.();
  }
}

/** How far it has come, and for how long nothing was heard, and no media flowed. */
class Standing {
  sender: DescriptorSender | undefined;
  listeners: ReadonlyMap<string, number> = new Map();
  readonly #scheduler: Scheduler;
  #frozenAt: Millis | undefined;
  #releasedAt: Millis | undefined;
  #endedAt: Millis | undefined;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get isFrozen(): boolean {
    return this.#frozenAt !== undefined;
  }

  freeze(): void {
    this.#frozenAt = this.#scheduler.clock.now();
  }

  release(): void {
    this.#releasedAt = this.#scheduler.clock.now();
  }

  end(): void {
    this.#endedAt = this.#scheduler.clock.now();
  }

  times(): { readonly stoodFor: Millis; readonly silentFor: Millis } {
    const end = this.#endedAt ?? this.#scheduler.clock.now();
    const since = (start: Millis | undefined): Millis => (start === undefined ? 0 : Math.round(end - start));
    return { stoodFor: since(this.#frozenAt), silentFor: since(this.#releasedAt) };
  }
}

/** It has ended by itself, so that there is nobody to wait for. */
class SuccessorGone extends SbcError {}

function isOf<T extends Event['type']>(event: Event, type: T): event is Extract<Event, { readonly type: T }> {
  return event.type === type;
}

function unexpected(event: Event, type: string): SbcError {
  if (event.type === 'gone') return new SuccessorGone('successor-gone', event.reason);
  if (event.type === 'refused') return new SbcError('handover-refused', event.reason);
  return new SbcError('handover-order', `the successor said "${event.type}" where "${type}" was expected`);
}
