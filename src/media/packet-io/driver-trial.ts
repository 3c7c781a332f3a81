// The trial of a driver: two sockets on the loopback, a datagram from a stranger, then some from the latched peer.
import { closeSync } from 'node:fs';
import type { Clock, Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { PacketHandlers, PacketIo, SocketId, SocketOptions } from './packet-io.ts';

/** Runs `io`, which must be new, and disposes of it. Undefined when it works, else why it does not, after half a second. */
export async function trialOf(io: PacketIo, clock: Clock): Promise<string | undefined> {
  try {
    const sender = await openSocket(io);
    const receiver = await openSocket(io);
    const trial = new Trial(io, clock, sender, receiver);
    await io.run(trial);
    return trial.verdict();
  } catch (thrown) {
    return messageOf(thrown);
  } finally {
    io.dispose();
    if (io.wakeHandle.kind === 'eventfd') closeSync(io.wakeHandle.fd);
  }
}

/** Both must be used up: on a busy machine time passes without a turn of the loop. */
const patience: Millis = 500;
const attempts = 50;
const attemptInterval: Millis = 2;
const datagramsNeeded = 4;
const socketOptions: SocketOptions = { dscp: 0, receiveBufferBytes: 65536 };
const datagramBytes = 16;

class Trial implements PacketHandlers {
  readonly #io: PacketIo;
  readonly #sender: SocketId;
  readonly #receiver: SocketId;
  readonly #from: number;
  readonly #to: number;
  readonly #until: Millis;
  #received = 0;
  #attempts = 0;

  constructor(io: PacketIo, clock: Clock, sender: SocketId, receiver: SocketId) {
    this.#io = io;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#from = io.allocateAddress();
    this.#to = io.allocateAddress();
    io.writeAddress(this.#from, { address: '127.0.0.1', port: io.localPort(sender) });
    io.writeAddress(this.#to, { address: '127.0.0.1', port: io.localPort(receiver) });
    this.#until = clock.now() + patience;
  }

  verdict(): string | undefined {
    const { receiveErrors, sendErrors } = this.#io.counters;
    if (this.#received >= datagramsNeeded) return undefined;
    if (receiveErrors > 0) return `receiving fails (${receiveErrors} errors)`;
    // A loopback that is down (a bare network namespace) says nothing about the driver.
    return sendErrors > 0 ? undefined : 'a datagram on the loopback did not arrive';
  }

  onPacket(socket: SocketId, _offset: number, length: number, source: number): void {
    if (socket !== this.#receiver || length !== datagramBytes || !this.#io.sameAddress(source, this.#from)) return;
    this.#received += 1;
    if (this.#received === 1) this.#io.latch(this.#receiver, this.#from);
    if (this.#received === datagramsNeeded) this.#io.stop();
  }

  onControl(): void {}

  onDeadline(now: Millis): Millis {
    const offset = this.#io.acquire();
    if (offset >= 0) this.#io.send(this.#sender, offset, datagramBytes, this.#to);
    this.#attempts += 1;
    const isOver = now >= this.#until && this.#attempts >= attempts;
    if (isOver || this.#io.counters.receiveErrors > 0) this.#io.stop();
    return now + attemptInterval;
  }
}

function openSocket(io: PacketIo): Promise<SocketId> {
  return new Promise((resolve, reject) => {
    io.open('127.0.0.1', 0, socketOptions, (opened) => {
      if (opened.ok) resolve(opened.value);
      else reject(new Error(opened.error.detail));
    });
  });
}
