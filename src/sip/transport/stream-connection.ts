// One TCP or TLS connection as a flow (RFC 3261 §18.3, RFC 5626 §4.4.1): bytes in through the framer, messages out, with a
// bound on what a slow reader may leave waiting and a time limit on everything that the peer owes.
import type { Socket } from 'node:net';
import type { Millis } from '../../core/clock.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { StreamFramer } from '../message/framer.ts';
import { parseMessage } from '../message/parser.ts';
import { withReceived } from './received.ts';
import type { Flow, TransportError, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

/** Connections that were closed because their peer kept us waiting, by what for. */
export interface ConnectionClosings {
  /** It left more unread than may wait. */
  slowReader: number;
  /** Its first message, or the rest of one, did not come in time: a slowloris looks like that. */
  messageLate: number;
  /** It was not worth serving: no 2xx, no request of ours. */
  unserved: number;
}

export function zeroClosings(): ConnectionClosings {
  return { slowReader: 0, messageLate: 0, unserved: 0 };
}

export interface StreamConnectionParts {
  readonly socket: Socket;
  readonly flow: Flow;
  readonly events: TransportEvents;
  readonly limits: TransportLimits;
  readonly scheduler: Scheduler;
  readonly closings: ConnectionClosings;
  /** The peer connected to us: it owes a first message, and must be worth serving. One that we called owes nothing. */
  readonly isAccepted: boolean;
}

export class StreamConnection {
  readonly flow: Flow;
  readonly #socket: Socket;
  readonly #events: TransportEvents;
  readonly #limits: TransportLimits;
  readonly #scheduler: Scheduler;
  readonly #closings: ConnectionClosings;
  readonly #framer: StreamFramer;
  /** Runs while the peer owes us something: its first message, or the rest of one. */
  #owed: Timer | undefined;
  #hasSpoken: boolean;
  #isServed: boolean;
  /** Ends a connection that was never served, or of which nothing was heard for long. */
  #silence: Timer;
  #lastHeard: Millis;
  /** Runs while the last bytes are on their way. */
  #linger: Timer | undefined;
  #isClosed = false;

  constructor({ socket, flow, events, limits, scheduler, closings, isAccepted }: StreamConnectionParts) {
    this.flow = flow;
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#scheduler = scheduler;
    this.#closings = closings;
    this.#framer = new StreamFramer(limits.message);
    this.#lastHeard = scheduler.clock.now();
    this.#hasSpoken = !isAccepted;
    this.#isServed = !isAccepted;
    if (isAccepted) this.#owed = scheduler.after(limits.firstMessageTimeout, () => this.#onLate());
    this.#silence = scheduler.after(isAccepted ? limits.unservedTimeout : limits.idleTimeout, () => this.#onSilence());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => this.close());
    socket.on('end', () => this.#finish());
    socket.on('close', () => this.#onClose());
  }

  get isAlive(): boolean {
    return !this.#isClosed;
  }

  /** What a peer got for its connection: from now on it may be silent for long. Idempotent. */
  serve(): void {
    if (this.#isServed || this.#isClosed) return;
    this.#isServed = true;
    this.#silence.cancel();
    this.#onSilence();
  }

  /** The error when it cannot be sent; else it is on its way. */
  send(bytes: Uint8Array): TransportError | undefined {
    if (this.#isClosed) return { code: 'flow-gone', detail: this.flow.id };
    if (this.#socket.writableLength + bytes.length > this.#limits.sendQueueBytes) {
      this.#closings.slowReader += 1;
      this.close();
      return { code: 'overloaded', detail: `${this.flow.id} reads too slowly` };
    }
    this.#socket.write(bytes);
    return undefined;
  }

  /** Reads nothing more until `carryOn`; what comes waits in the kernel. */
  hold(): void {
    this.#socket.pause();
  }

  carryOn(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  /** At once; what was not yet written is lost. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimers();
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#lastHeard = this.#scheduler.clock.now();
    let isPinged = false;
    for (const event of this.#framer.push(chunk)) {
      switch (event.type) {
        case 'message':
          this.#onMessage(event.bytes);
          break;
        case 'ping':
          isPinged = true;
          break;
        case 'pong':
          break;
        case 'refuse':
          this.#events.onUnparsable(event.error, this.flow);
          this.#finish();
          break;
        default:
          event satisfies never;
      }
      if (this.#isClosed) return;
    }
    // One answer for all pings that came together: a flood of them is not worth a write for each.
    if (isPinged) this.send(pong);
    this.#expectRest();
  }

  #onMessage(bytes: Uint8Array): void {
    this.#hasSpoken = true;
    this.#expectNothing();
    const parsed = parseMessage(bytes, this.#limits.message, 'stream');
    if (!parsed.ok) {
      this.#events.onUnparsable(parsed.error, this.flow);
      return;
    }
    const message = parsed.value;
    const received = message.kind === 'request' ? withReceived(message, this.flow.remote) : message;
    this.#events.onMessage(received, this.flow, bytes);
  }

  #expectRest(): void {
    if (!this.#hasSpoken || this.#isClosed) return;
    if (this.#framer.bufferedBytes === 0) this.#expectNothing();
    else this.#owed ??= this.#scheduler.after(this.#limits.messageTimeout, () => this.#onLate());
  }

  #expectNothing(): void {
    this.#owed?.cancel();
    this.#owed = undefined;
  }

  #onLate(): void {
    this.#closings.messageLate += 1;
    this.close();
  }

  #onSilence(): void {
    const left = this.#lastHeard + this.#limits.idleTimeout - this.#scheduler.clock.now();
    if (!this.#isServed) this.#closings.unserved += 1;
    if (!this.#isServed || left <= 0) this.close();
    else this.#silence = this.#scheduler.after(left, () => this.#onSilence());
  }

  /** Framing is lost, or the peer said its last: what was sent before still goes out, then the connection closes. */
  #finish(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimers();
    this.#linger = this.#scheduler.after(this.#limits.lingerTimeout, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }

  #cancelTimers(): void {
    this.#expectNothing();
    this.#silence.cancel();
    this.#linger?.cancel();
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#cancelTimers();
    this.#events.onFlowClosed(this.flow);
  }
}

const pong = Buffer.from('\r\n');
