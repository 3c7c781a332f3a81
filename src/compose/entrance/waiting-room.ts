// Where registrations, and whatever else begins something that is no call, wait for their turn: a few are begun in each turn of the
// event loop, so that calls, responses and what is under way overtake thousands of phones that come at once. Who finds no place, or
// has waited for too long, is turned away (RFC 3261 §21.5.4). Behind the rate of a source, in front of the gate.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { sourceBlock } from '../../core/ip-address.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { WaitingLine } from '../../policy/waiting-line.ts';
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { serverKey } from '../../sip/transaction/key.ts';
import type { Flow } from '../../sip/transport/transport.ts';
import type { OverloadGuard } from './overload-guard.ts';

/** A request as it came. */
export interface Arrived {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** On the wire. */
  readonly sizeBytes: number;
}

export interface WaitingLimits {
  readonly places: number;
  /** Who waited for longer is turned away: its sender has given up, or soon will (timer F of RFC 3261 §17.1.2.2: 32 s). */
  readonly patience: Millis;
}

export interface WaitingRoomParts {
  readonly limits: () => WaitingLimits;
  readonly overload: Pick<OverloadGuard, 'boundOf' | 'tell'>;
  readonly scheduler: Scheduler;
  /** Runs once what has come by now was read. */
  readonly nextTurn: (run: () => void) => void;
  readonly isAlive: (flow: Flow) => boolean;
  readonly begin: (request: SipRequest, flow: Flow) => void;
  readonly turnAway: (request: SipRequest, flow: Flow) => void;
  /** A copy of one that waits. */
  readonly drop: (request: SipRequest, flow: Flow) => void;
  readonly logger: Logger;
}

/** Begun in one turn of the loop: some milliseconds of it. */
export const begunPerTurn = 8;
/** And where the loop is late all the same. */
const begunWhenLate = 1;
/** After so long it is another turn, if nobody waits. */
const turnTime: Millis = 5;
/** Requests of one connection that may wait: who sends more is told to come back. */
export const waitingPerConnection = 1_000;
/** Until the next look where look-ups or transactions must end first. */
const lookInterval: Millis = 20;

export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #line: WaitingLine<Arrived>;
  #begun = 0;
  #turnBegan: Millis = 0;
  #awaitsTurn = false;
  #timer: Timer | undefined;
  #isHeld = false;
  #failures = 0;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.#line = new WaitingLine(() => parts.limits().places);
  }

  /** How many wait; a gauge. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Requests whose handling met a mistake of our own; each is an error in the log. */
  get handlingFailures(): number {
    return this.#failures;
  }

  /** Whether nobody waits and what comes now may begin at once: it counts for this turn. */
  isFree(): boolean {
    const { scheduler, overload } = this.#parts;
    if (this.#line.length > 0 || overload.boundOf('other') !== undefined) return false;
    const now = scheduler.clock.now();
    if (now - this.#turnBegan >= turnTime) this.#beginTurn(now);
    if (this.#begun >= begunPerTurn) return false;
    this.#begun += 1;
    return true;
  }

  /** It is begun or turned away later, or was gone before. */
  wait(arrived: Arrived): void {
    const { request, flow, sizeBytes } = arrived;
    const { scheduler, overload, turnAway, drop } = this.#parts;
    const copyOf = flow.reliable
      ? undefined
      : `${flow.id}\n${serverKey(request, essentialsOf(request), request.method)}`;
    if (copyOf !== undefined && this.#line.holds(copyOf)) {
      drop(request, flow);
      return;
    }
    const source = sourceBlock(flow.remote.address);
    const now = scheduler.clock.now();
    const hasPlace = this.#line.waitingOn(flow.id) < waitingPerConnection;
    if (hasPlace && this.#line.add({ what: arrived, now, source, flow: flow.id, sizeBytes, copyOf })) {
      if (this.#timer === undefined) this.#awaitTurn();
      return;
    }
    overload.tell('waiting');
    turnAway(request, flow);
  }

  /** What waited there has nobody to answer any more. */
  flowClosed(flow: Flow): void {
    this.#line.leave(flow.id);
  }

  /** Nothing is begun until `carryOn`. */
  hold(): void {
    this.#isHeld = true;
    this.#cancelTimer();
  }

  carryOn(): void {
    this.#isHeld = false;
    if (this.#line.length > 0) this.#awaitTurn();
  }

  /** Forgets who waits, without an answer: the process ends. */
  close(): void {
    this.hold();
    this.#line.clear();
  }

  #awaitTurn(): void {
    if (this.#awaitsTurn) return;
    this.#awaitsTurn = true;
    this.#parts.nextTurn(() => {
      this.#awaitsTurn = false;
      this.#beginTurn(this.#parts.scheduler.clock.now());
      if (!this.#isHeld) this.#turn();
    });
  }

  #beginTurn(now: Millis): void {
    this.#begun = 0;
    this.#turnBegan = now;
  }

  #turn(): void {
    this.#cancelTimer();
    for (let next = this.#line.next; next !== undefined && this.#begun < begunPerTurn; next = this.#line.next) {
      const isLate = this.#parts.scheduler.clock.now() - next.since > this.#parts.limits().patience;
      if (!isLate && !this.#mayBegin()) break;
      this.#line.take();
      this.#begun += 1;
      this.#serve(next.what, isLate);
    }
    if (this.#line.length > 0) this.#awaitMore();
  }

  #mayBegin(): boolean {
    const bound = this.#parts.overload.boundOf('other');
    return bound === undefined || (bound === 'lag' && this.#begun < begunWhenLate);
  }

  #awaitMore(): void {
    const bound = this.#parts.overload.boundOf('other');
    if (bound === undefined || bound === 'lag') this.#awaitTurn();
    else {
      this.#timer = this.#parts.scheduler.after(lookInterval, () => {
        this.#timer = undefined;
        this.#awaitTurn();
      });
    }
  }

  /** What nobody foresaw of one request must not end the process. */
  #serve({ request, flow }: Arrived, isLate: boolean): void {
    const { overload, isAlive, begin, turnAway, logger } = this.#parts;
    if (!isAlive(flow)) return;
    try {
      if (isLate) {
        overload.tell('waiting_time');
        turnAway(request, flow);
      } else {
        begin(request, flow);
      }
    } catch (thrown) {
      this.#failures += 1;
      logger.error('message-handling-failed', { flow: flow.id, error: messageOf(thrown) });
    }
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

export function waitingLimits(config: {
  readonly overload: { readonly waiting: number; readonly waiting_time: Millis };
}): WaitingLimits {
  return { places: config.overload.waiting, patience: config.overload.waiting_time };
}
