// Tests of a driver are written as scripts: generators that act (open, send, latch) and wait for what should follow. A blocked loop
// runs no promises, so the script is advanced from inside the loop, by the driver's own deadlines.
import { type Millis, systemClock } from '../../../src/core/clock.ts';
import { messageOf } from '../../../src/core/errors.ts';
import type { Result } from '../../../src/core/result.ts';
import type {
  OpenError,
  PacketHandlers,
  PacketIo,
  SocketId,
  SocketOptions,
} from '../../../src/media/packet-io/packet-io.ts';

export interface Received {
  readonly socket: SocketId;
  readonly text: string;
  readonly length: number;
  /** Port of the sender, as the source says. */
  readonly from: number;
  readonly fromAddress: string;
  /** The offset that `source` was. */
  readonly source: number;
}

const batchesToSettle = 6;

/** What a script waits for: it goes on when this is true. */
export type Condition = () => boolean;
export type Script = (stage: Stage) => Generator<Condition, void, void>;

export const defaultSocketOptions: SocketOptions = { dscp: 46, receiveBufferBytes: 1 << 20 };

/** Runs the script in the loop of `io`. Throws what it throws, or when it waits longer than `patience`. */
export async function play(io: PacketIo, script: Script, patience: Millis = 5_000): Promise<void> {
  const stage = new Stage(io, script, patience);
  await io.run(stage);
  if (stage.failure !== undefined) throw stage.failure;
}

export class Stage implements PacketHandlers {
  readonly io: PacketIo;
  readonly received: Received[] = [];
  /** Sockets that were announced, each time with how many packets had come before. */
  readonly announced: { readonly sockets: readonly SocketId[]; readonly after: number }[] = [];
  controls = 0;
  unread = 0;
  failure: Error | undefined;
  /** Replaces what is done with a packet; it is recorded before. */
  onEach: ((socket: SocketId, offset: number, length: number, source: number) => void) | undefined;
  readonly #script: Generator<Condition, void, void>;
  readonly #patience: Millis;
  #waitsFor: Condition = () => true;
  #waitsSince = systemClock.now();

  constructor(io: PacketIo, script: Script, patience: Millis) {
    this.io = io;
    this.#patience = patience;
    this.#script = script(this);
  }

  onPacket(socket: SocketId, offset: number, length: number, source: number): void {
    const { address, port } = this.io.readAddress(source);
    const text = Buffer.from(this.io.memory.bytes.subarray(offset, offset + length)).toString('latin1');
    this.received.push({ socket, text, length, from: port, fromAddress: address, source });
    this.onEach?.(socket, offset, length, source);
  }

  onAhead(sockets: Int32Array, count: number): void {
    this.announced.push({ sockets: [...sockets.subarray(0, count)], after: this.received.length });
  }

  onUnread(_socket: SocketId, count: number): void {
    this.unread += count;
  }

  onControl(): void {
    this.controls += 1;
  }

  onDeadline(now: Millis): Millis {
    try {
      while (this.#waitsFor()) {
        const step = this.#script.next();
        if (step.done === true) {
          this.io.stop();
          return now + 1;
        }
        this.#waitsFor = step.value;
        this.#waitsSince = now;
      }
      if (now - this.#waitsSince > this.#patience) {
        const seen = JSON.stringify({ received: this.received.slice(-8), counters: this.io.counters });
        throw new Error(`waited ${this.#patience} ms for: ${this.#waitsFor}; ${seen}`);
      }
    } catch (thrown) {
      this.failure = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      this.io.stop();
    }
    return now + 1;
  }

  /** A socket on the loopback; the script waits until it is open. */
  *open(address = '127.0.0.1', port = 0, options = defaultSocketOptions): Generator<Condition, SocketId, void> {
    const opened = yield* this.tryOpen(address, port, options);
    if (!opened.ok) throw new Error(`open: ${opened.error.code}: ${opened.error.detail}`);
    return opened.value;
  }

  *tryOpen(
    address = '127.0.0.1',
    port = 0,
    options = defaultSocketOptions,
  ): Generator<Condition, Result<SocketId, OpenError>, void> {
    const answers: Result<SocketId, OpenError>[] = [];
    this.io.open(address, port, options, (result) => answers.push(result));
    yield () => answers.length > 0;
    const [answer] = answers;
    if (answer === undefined) throw new Error('open: no answer');
    return answer;
  }

  /** The offset of the address that `socket` is bound to. */
  addressOf(socket: SocketId, address = '127.0.0.1'): number {
    const offset = this.io.allocateAddress();
    this.io.writeAddress(offset, { address, port: this.io.localPort(socket) });
    return offset;
  }

  /** Sends a text from one socket to an address. */
  send(from: SocketId, to: number, text: string): void {
    const offset = this.io.acquire();
    if (offset < 0) throw new Error('no slot of our own is free');
    this.io.memory.bytes.set(Buffer.from(text, 'latin1'), offset);
    this.io.send(from, offset, text.length, to);
  }

  /** The texts that a socket received. */
  texts(socket: SocketId): readonly string[] {
    return this.received.filter((packet) => packet.socket === socket).map(({ text }) => text);
  }

  /** Waits until `count` packets have come to the socket. */
  *arrival(socket: SocketId, count = 1): Generator<Condition, readonly Received[], void> {
    yield () => this.received.filter((packet) => packet.socket === socket).length >= count;
    return this.received.filter((packet) => packet.socket === socket);
  }

  /**
   * Lets so many milliseconds of loop go by, and on a busy machine enough batches for a latch to be made or undone; of 0, one
   * batch. For showing that nothing happens.
   */
  *pause(duration: Millis): Generator<Condition, void, void> {
    const end = systemClock.now() + duration;
    let looks = 0;
    yield () => {
      looks += 1;
      return looks > (duration > 0 ? batchesToSettle : 1) && systemClock.now() >= end;
    };
  }
}
