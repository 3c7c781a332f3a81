// Many datagrams with one system call, for the load generator only: sendmmsg and recvmmsg over one block of memory.
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const pointer = 'int64';
const socketCall = libc.func('socket', 'int', ['int', 'int', 'int']);
const bindCall = libc.func('bind', 'int', ['int', pointer, 'int']);
const setOption = libc.func('setsockopt', 'int', ['int', 'int', 'int', pointer, 'int']);
const sendMany = libc.func('sendmmsg', 'int', ['int', pointer, 'int', 'int']);
const receiveMany = libc.func('recvmmsg', 'int', ['int', pointer, 'int', 'int', pointer]);
const closeCall = libc.func('close', 'int', ['int']);
const clockTime = libc.func('clock_gettime', 'int', ['int', pointer]);

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
/** Also the type of the control message that it makes the kernel add to each datagram. */
const SO_TIMESTAMPNS = 35;
const CLOCK_REALTIME = 0;
const MSG_DONTWAIT = 0x40;
const MSG_WAITFORONE = 0x10000;
const messageBytes = 64;
const addressBytes = 16;
/** A header of 16 bytes, and a timespec. */
const controlBytes = 32;
const scratchBytes = 4096;

/** In a msghdr: where the control data is, and 8 bytes further how much of it. */
const controlAt = 32;

export const batchSize = 64;
export const slotBytes = 256;

/** One UDP socket with a batch to send from and a batch to receive into. */
export class DatagramSocket {
  readonly #fd: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #base: number;
  readonly #out = 0;
  readonly #in = batchSize * (messageBytes + addressBytes + 16 + slotBytes);
  readonly #control = 2 * this.#in;
  readonly #scratch = this.#control + batchSize * controlBytes;
  readonly #isTimed: boolean;
  #filled = 0;

  /** `isTimed`: the kernel says of each datagram when it came, for `arrival`. */
  constructor(address: string, port: number, receiveBufferBytes: number, isTimed: boolean) {
    this.#isTimed = isTimed;
    const buffer = Buffer.allocUnsafeSlow(this.#scratch + scratchBytes).fill(0);
    this.#bytes = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.#base = Number(koffi.address(buffer));
    this.#fd = Number(socketCall(AF_INET, SOCK_DGRAM, 0));
    const scratch = this.#scratch;
    this.#view.setInt32(scratch, receiveBufferBytes, true);
    setOption(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, this.#base + scratch, 4);
    this.#view.setBigInt64(scratch, 0n, true);
    this.#view.setBigInt64(scratch + 8, 20_000n, true);
    setOption(this.#fd, SOL_SOCKET, SO_RCVTIMEO, this.#base + scratch, 16);
    this.#view.setInt32(scratch, isTimed ? 1 : 0, true);
    setOption(this.#fd, SOL_SOCKET, SO_TIMESTAMPNS, this.#base + scratch, 4);
    this.#writeAddress(scratch, address, port);
    if (bindCall(this.#fd, this.#base + scratch, addressBytes) < 0) throw new Error(`cannot bind ${address}:${port}`);
    for (const side of [this.#out, this.#in]) for (let slot = 0; slot < batchSize; slot += 1) this.#layOut(side, slot);
    if (!isTimed) return;
    for (let slot = 0; slot < batchSize; slot += 1) {
      const control = BigInt(this.#base + this.#control + slot * controlBytes);
      this.#view.setBigUint64(this.#in + slot * messageBytes + controlAt, control, true);
    }
  }

  /** Adds a datagram to the batch; `flush` when it is full. */
  add(packet: Uint8Array, length: number, address: string, port: number): void {
    const slot = this.#filled;
    this.#bytes.set(packet.subarray(0, length), this.#data(this.#out, slot));
    this.#writeAddress(this.#name(this.#out, slot), address, port);
    this.#view.setBigUint64(this.#vector(this.#out, slot) + 8, BigInt(length), true);
    this.#filled += 1;
  }

  get filled(): number {
    return this.#filled;
  }

  /** Sends the batch; returns how many the kernel took. */
  flush(): number {
    const count = this.#filled;
    this.#filled = 0;
    return count === 0 ? 0 : Math.max(0, Number(sendMany(this.#fd, this.#base + this.#out, count, 0)));
  }

  /** How many came: what is there, or, when `waits`, the first one within 20 ms and what is there then. */
  receive(waits: boolean): number {
    const flags = waits ? MSG_WAITFORONE : MSG_DONTWAIT;
    if (this.#isTimed) {
      const first = this.#in + controlAt + 8;
      for (let slot = 0; slot < batchSize; slot += 1)
        this.#view.setUint32(first + slot * messageBytes, controlBytes, true);
    }
    return Math.max(0, Number(receiveMany(this.#fd, this.#base + this.#in, batchSize, flags, 0)));
  }

  /** The source port of datagram `slot` of the last `receive`. */
  sourcePort(slot: number): number {
    return this.#view.getUint16(this.#name(this.#in, slot) + 2);
  }

  /** The RTP sequence number of datagram `slot` of the last `receive`. */
  sequence(slot: number): number {
    return this.#view.getUint16(this.#data(this.#in, slot) + 2);
  }

  /** When the kernel took datagram `slot` of the last `receive`, in microseconds since 1970, whenever it was read. */
  arrival(slot: number): number {
    const time = this.#control + slot * controlBytes + 16;
    return this.#microsAt(time);
  }

  /** Now by the clock of `arrival`. */
  now(): number {
    clockTime(CLOCK_REALTIME, this.#base + this.#scratch);
    return this.#microsAt(this.#scratch);
  }

  close(): void {
    closeCall(this.#fd);
  }

  /** Of a timespec. */
  #microsAt(offset: number): number {
    const seconds = this.#view.getUint32(offset, true) + this.#view.getUint32(offset + 4, true) * 2 ** 32;
    return seconds * 1e6 + this.#view.getUint32(offset + 8, true) / 1e3;
  }

  #layOut(side: number, slot: number): void {
    const message = side + slot * messageBytes;
    const vector = this.#vector(side, slot);
    this.#view.setBigUint64(message, BigInt(this.#base + this.#name(side, slot)), true);
    this.#view.setUint32(message + 8, addressBytes, true);
    this.#view.setBigUint64(message + 16, BigInt(this.#base + vector), true);
    this.#view.setBigUint64(message + 24, 1n, true);
    this.#view.setBigUint64(vector, BigInt(this.#base + this.#data(side, slot)), true);
    this.#view.setBigUint64(vector + 8, BigInt(slotBytes), true);
  }

  #name(side: number, slot: number): number {
    return side + batchSize * messageBytes + slot * addressBytes;
  }

  #vector(side: number, slot: number): number {
    return side + batchSize * (messageBytes + addressBytes) + slot * 16;
  }

  #data(side: number, slot: number): number {
    return side + batchSize * (messageBytes + addressBytes + 16) + slot * slotBytes;
  }

  #writeAddress(offset: number, address: string, port: number): void {
    this.#view.setUint16(offset, AF_INET, true);
    this.#view.setUint16(offset + 2, port);
    for (const [index, part] of address.split('.').entries()) this.#view.setUint8(offset + 4 + index, Number(part));
  }
}
