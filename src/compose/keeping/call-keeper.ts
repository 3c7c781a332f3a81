// Keeps running calls for the process that comes after this one, and takes up those of the one before. Once a second whatever has
// changed is written; soon a call that is on its way to somebody or is answered, at once one that ends. A call that is over within half
// of that soon is not written.

import type { CallStamp } from '../../b2bua/active-call-snapshot.ts';
import type { ChargedCalls } from '../../b2bua/admission/charging.ts';
import type { B2bua, KeepableCall } from '../../b2bua/b2bua.ts';
import type { CallRecord } from '../../b2bua/call/call-record.ts';
import { assertNever } from '../../core/assert-never.ts';
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import type { RestorableReservations } from '../../policy/reservations.ts';
import type { CallStore } from '../../store/call-store.ts';
import { type KeptCall, takenUp } from './kept-call.ts';
import { readKeptCall, writeKeptCall } from './kept-call-text.ts';

export interface CallKeeperParts {
  readonly store: CallStore;
  readonly b2bua: Pick<B2bua, 'keepable' | 'keepableOf' | 'resume' | 'lost'>;
  readonly reservations: Pick<RestorableReservations, 'slotsOf' | 'restore' | 'settleEarlier' | 'release'>;
  readonly charges: Pick<ChargedCalls, 'noted' | 'noteAgain' | 'forget'>;
  /** Takes the record of a call whose process ended before it was written; it may have been. */
  readonly onRecord: (record: CallRecord) => void;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** How old what is kept of a call may be. */
export const keepInterval: Millis = 1_000;
/**
 * Until a call that was reached or answered is kept, half of it at least: a snapshot of one that just rings and is answered is taken once,
 * and none of one that is over by then, which would be three writes.
 */
export const keepSoon: Millis = 50;
/** A record is with the operating system by then (`cdr/record-queue.ts` gathers for less), and is kept here no longer. */
export const recordPatience: Millis = 2_000;

export class CallKeeper {
  readonly #parts: CallKeeperParts;
  /** What was kept last, by call. */
  readonly #kept = new Map<string, CallStamp | undefined>();
  /** Calls that are over, and since when. */
  readonly #over = new Map<string, Millis>();
  /** Calls of an earlier process that run. */
  readonly #takenUp = new Set<string>();
  /** Calls that have come far since the last look, and those that had before it: they are kept at the next one. */
  #reached = new Set<string>();
  #due = new Set<string>();
  #soon: Timer | undefined;
  #timer: Timer | undefined;
  /** False before this process is the one that has the calls: until then what was kept stays as it is. */
  #isOwner = false;
  #isClosed = false;

  constructor(parts: CallKeeperParts) {
    this.#parts = parts;
  }

  /**
   * Takes up what an earlier process kept. Dialogs are known when this returns; nothing is said, written or recorded before
   * `canSpeak`. Calls that were not answered cannot go on, and have their record then. Throws what the store throws.
   */
  resume(canSpeak: Promise<void>): void {
    const { store, logger } = this.#parts;
    const loaded = store.load();
    const unknown: string[] = [];
    const running = new Set<string>();
    const rest: (() => void)[] = [];
    for (const { id, document } of loaded.calls) {
      const kept = readKeptCall(document);
      this.#kept.set(id, undefined);
      if (kept === undefined) unknown.push(id);
      else if (kept.kind === 'running') rest.push(...this.#takeUp(id, kept, { canSpeak, running }));
      else rest.push(() => this.#conclude(id, kept));
    }
    for (const id of loaded.unreadable) this.#kept.set(id, undefined);
    tellUnreadable(logger, loaded.unreadable, 'no key opens them');
    tellUnreadable(logger, unknown, 'a newer program wrote them');
    void canSpeak.then(() => {
      if (this.#isClosed) return;
      this.#isOwner = true;
      this.#parts.reservations.settleEarlier((owner) => running.has(owner));
      for (const conclude of rest) conclude();
      this.#tick();
    });
  }

  /** What was kept may be lost: all of it is kept again. */
  keepAnew(): void {
    for (const id of this.#kept.keys()) this.#kept.set(id, undefined);
  }

  /** Another process has the calls now: nothing more is kept. */
  letGo(): void {
    this.#isOwner = false;
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#soon?.cancel();
  }

  /** A call has come so far that it is worth keeping. */
  reached(id: string): void {
    if (!this.#isOwner) return;
    this.#reached.add(id);
    this.#lookSoon();
  }

  /** It was another process's, which may have ended it, and written its record, without having kept that. Until `ended`. */
  tookUp(id: string): boolean {
    return this.#takenUp.has(id);
  }

  ended(record: CallRecord): void {
    const { callId } = record;
    this.#takenUp.delete(callId);
    this.#reached.delete(callId);
    this.#due.delete(callId);
    if (!this.#isOwner || !this.#kept.has(callId)) return;
    this.#over.set(callId, this.#parts.scheduler.clock.now());
    const document = writeKeptCall({ v: 1, kind: 'over', record });
    this.#parts.store.write([{ id: callId, document }], []);
  }

  /** An orderly end: what has changed is written a last time, and records of calls that are over are on their way. */
  close(): void {
    this.#isClosed = true;
    if (this.#isOwner) this.#keepAll();
    this.#isOwner = false;
    this.#timer?.cancel();
    this.#soon?.cancel();
  }

  /** What is running is written as it is now, and nothing afterwards: another process goes on with it, or `carryOn` follows. */
  hold(): void {
    this.#isClosed = true;
    if (this.#isOwner) this.#keepAll();
    this.#isOwner = false;
    this.#isClosed = false;
    this.#timer?.cancel();
    this.#soon?.cancel();
    this.#soon = undefined;
  }

  /** The other one may have written them in a form of its own, which a process of this program that follows could not read. */
  carryOn(): void {
    this.keepAnew();
    this.#isOwner = true;
    this.#tick();
  }

  #tick(): void {
    this.#keepAll();
    this.#timer = this.#parts.scheduler.after(keepInterval, () => this.#tick());
  }

  #lookSoon(): void {
    this.#soon ??= this.#parts.scheduler.after(keepSoon / 2, () => this.#keepDue());
  }

  #keepDue(): void {
    this.#soon = undefined;
    const calls = [...this.#due].flatMap((id) => this.#parts.b2bua.keepableOf(id) ?? []);
    this.#due = this.#reached;
    this.#reached = new Set();
    if (this.#due.size > 0) this.#lookSoon();
    this.#write(calls, []);
  }

  #keepAll(): void {
    const calls = this.#parts.b2bua.keepable();
    const now = this.#parts.scheduler.clock.now();
    const running = new Set(calls.map(({ id }) => id));
    const isGone = (id: string): boolean => {
      const over = this.#over.get(id);
      return over === undefined ? !running.has(id) : this.#isClosed || now - over >= recordPatience;
    };
    this.#write(calls, [...this.#kept.keys()].filter(isGone));
  }

  #write(calls: readonly KeepableCall[], remove: readonly string[]): void {
    if (!this.#isOwner) return;
    const changed = calls.filter(({ id, stamp }) => !sameStamp(this.#kept.get(id), stamp) && !this.#over.has(id));
    const put = changed.flatMap((call) => {
      const document = this.#documentOf(call);
      return document === undefined ? [] : [{ id: call.id, document }];
    });
    if (put.length + remove.length === 0) return;
    this.#parts.store.write(put, remove);
    const written = new Set(put.map(({ id }) => id));
    for (const { id, stamp } of changed) if (written.has(id)) this.#kept.set(id, stamp);
    for (const id of remove) {
      this.#kept.delete(id);
      this.#over.delete(id);
    }
  }

  #documentOf(call: KeepableCall): string | undefined {
    const { id } = call;
    const { reservations, charges, scheduler, store } = this.#parts;
    const state = call.take();
    if (state === undefined) return undefined;
    const at = scheduler.clock.wall();
    const kept: KeptCall =
      state.kind === 'running'
        ? { v: 1, ...state, at, run: store.run, slots: reservations.slotsOf(id), charge: charges.noted(id) }
        : { v: 1, ...state, at };
    return writeKeptCall(kept);
  }

  /** Returns what is left to do where it cannot go on. */
  #takeUp(
    id: string,
    kept: Extract<KeptCall, { kind: 'running' }>,
    { canSpeak, running }: { readonly canSpeak: Promise<void>; readonly running: Set<string> },
  ): readonly (() => void)[] {
    const { b2bua, reservations, charges, scheduler, logger } = this.#parts;
    const { run, snapshot, slots, charge, at } = kept;
    const call = takenUp(snapshot, run, Math.max(0, scheduler.clock.wall() - at));
    reservations.restore({ v: 1, owners: [{ owner: id, keys: slots }] });
    charges.noteAgain(id, charge);
    try {
      b2bua.resume(call, canSpeak);
      running.add(id);
      this.#takenUp.add(id);
      return [];
    } catch (thrown) {
      logger.error('call-not-resumed', { call: id, error: messageOf(thrown) });
      const drop = async (): Promise<void> => {
        b2bua.lost(call.call.history);
        await reservations.release(id);
      };
      return [() => void drop()];
    }
  }

  #conclude(id: string, kept: Exclude<KeptCall, { kind: 'running' }>): void {
    switch (kept.kind) {
      case 'unanswered':
        this.#parts.b2bua.lost(kept.history);
        break;
      case 'over':
        this.#over.set(id, this.#parts.scheduler.clock.now());
        this.#parts.onRecord(kept.record);
        break;
      default:
        assertNever(kept);
    }
  }
}

/** They cannot go on, and have no record. */
function tellUnreadable(logger: Logger, calls: readonly string[], why: string): void {
  if (calls.length > 0) logger.error('kept-calls-unreadable', { why, calls });
}

function sameStamp(one: CallStamp | undefined, other: CallStamp): boolean {
  return one !== undefined && one.signalling === other.signalling && one.media === other.media;
}
