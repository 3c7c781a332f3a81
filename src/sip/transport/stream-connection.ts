// One TCP or TLS connection as a flow (RFC 3261 §18.3, RFC 5626 §4.4.1): bytes in through the framer, messages out with a
// bound on what a slow reader may leave waiting, and a time limit for whoever connects and says nothing.
import type { Socket } from 'node:net';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { StreamFramer } from '../message/framer.ts';
import type { MessageError } from '../message/message-error.ts';
import { parseMessage } from '../message/parser.ts';
import { withReceived } from './received.ts';
import type { Flow, TransportError, TransportEvents } from './transport.ts';
import type { TransportLimits } from './transport-limits.ts';

export class StreamConnection {
  readonly flow: Flow;
  readonly #socket: Socket;
  readonly #events: TransportEvents;
  readonly #limits: TransportLimits;
  readonly #scheduler: Scheduler;
  readonly #framer: StreamFramer;
  /** Runs while the peer owes us something: its first message, or the rest of one. */
  #owed: Timer | undefined;
  #isClosed = false;

  constructor(socket: Socket, flow: Flow, events: TransportEvents, limits: TransportLimits, scheduler: Scheduler) {
    this.flow = flow;
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#scheduler = scheduler;
    this.#framer = new StreamFramer(limits.message);
    socket.setNoDelay(true);
    socket.setTimeout(limits.idleTimeout, () => this.close());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => this.close());
    socket.on('end', () => this.close());
    socket.on('close', () => this.#onClose());
  }

  get isAlive(): boolean {
    return !this.#isClosed;
  }

  /** An accepted connection must bring a message in time; one that we made need not. */
  expectFirstMessage(): void {
    this.#owed ??= this.#scheduler.after(this.#limits.firstMessageTimeout, () => this.close());
  }

  /** The error when it cannot be sent; else it is on its way. */
  send(bytes: Uint8Array): TransportError | undefined {
    if (this.#isClosed) return { code: 'flow-gone', detail: this.flow.id };
    if (this.#socket.writableLength + bytes.length > this.#limits.sendQueueBytes) {
      this.close();
      return { code: 'overloaded', detail: `${this.flow.id} reads too slowly` };
    }
    this.#socket.write(bytes);
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owed?.cancel();
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    for (const event of this.#framer.push(chunk)) {
      if (this.#isClosed) return;
      switch (event.type) {
        case 'message':
          this.#onMessage(event.bytes);
          break;
        case 'ping':
          this.send(pong);
          break;
        case 'pong':
          break;
        case 'refuse':
          this.#refuse(event.error);
          return;
        default:
          event satisfies never;
      }
    }
    this.#expectRest();
  }

  #onMessage(bytes: Uint8Array): void {
    this.#owed?.cancel();
    this.#owed = undefined;
    const parsed = parseMessage(bytes, this.#limits.message, 'stream');
    if (!parsed.ok) {
      this.#events.onUnparsable(parsed.error, this.flow);
      return;
    }
    const message = parsed.value;
    this.#events.onMessage(message.kind === 'request' ? withReceived(message, this.flow.remote) : message, this.flow);
  }

  /** Framing is lost: the answer goes out, then the connection closes. */
  #refuse(error: MessageError): void {
    this.#events.onUnparsable(error, this.flow);
    this.#isClosed = true;
    this.#owed?.cancel();
    this.#socket.destroySoon();
  }

  #expectRest(): void {
    if (this.#framer.bufferedBytes === 0) return;
    this.#owed ??= this.#scheduler.after(this.#limits.messageTimeout, () => this.close());
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#owed?.cancel();
    this.#events.onFlowClosed(this.flow);
  }
}

const pong = Buffer.from('\r\n');
