// Sends every datagram back to where it came from, many a system call: a load that costs less than what it measures.
import koffi from 'koffi';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;

const batch = 128;
/** The payload of 20 ms of G.711 with its RTP header. */
export const packetBytes = 172;
const slotBytes = 2048;

//  struct mmsghdr (64):  msghdr { 0 name | 8 namelen | 16 iov | 24 iovlen | 32 control | 40 controllen | 48 flags } | 56 len
const headersAt = 4096;
const vectorsAt = headersAt + batch * 64;
const namesAt = vectorsAt + batch * 16;
const slotsAt = namesAt + batch * 32;
const scratchAt = 64;

type NativeCall = (...parameters: readonly number[]) => number;

const library = koffi.load(null);
const socket: NativeCall = library.func('socket', 'int', ['int', 'int', 'int']);
const bind: NativeCall = library.func('bind', 'int', ['int', 'int64', 'int']);
const getsockname: NativeCall = library.func('getsockname', 'int', ['int', 'int64', 'int64']);
const setsockopt: NativeCall = library.func('setsockopt', 'int', ['int', 'int', 'int', 'int64', 'int']);
const recvmmsg: NativeCall = library.func('recvmmsg', 'int', ['int', 'int64', 'int', 'int', 'int64']);
const sendmmsg: NativeCall = library.func('sendmmsg', 'int', ['int', 'int64', 'int', 'int']);
const sendto: NativeCall = library.func('sendto', 'int', ['int', 'int64', 'int64', 'int', 'int64', 'int']);
const close: NativeCall = library.func('close', 'int', ['int']);

export class Reflector {
  readonly port: number;
  readonly #buffer = new ArrayBuffer(slotsAt + batch * slotBytes);
  readonly #view = new DataView(this.#buffer);
  readonly #base = Number(koffi.address(this.#buffer));
  readonly #fd: number;
  #ports: readonly number[] = [];

  constructor() {
    for (let index = 0; index < batch; index += 1) this.#layOut(index);
    this.#fd = socket(AF_INET, SOCK_DGRAM, 0);
    this.#view.setInt32(scratchAt + 32, 8 << 20, true);
    setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUF, this.#base + scratchAt + 32, 4);
    this.#writeLoopback(0);
    if (bind(this.#fd, this.#base + scratchAt, 16) < 0) throw new Error(`bind: errno ${koffi.errno()}`);
    this.#view.setInt32(scratchAt + 32, 16, true);
    getsockname(this.#fd, this.#base + scratchAt, this.#base + scratchAt + 32);
    this.port = this.#view.getUint16(scratchAt + 2);
  }

  /** Puts `window` packets a port on their way. */
  flood(ports: readonly number[], window: number): void {
    this.#ports = ports;
    this.#view.setUint8(slotsAt, 0x80);
    for (let count = 0; count < window; count += 1) this.#sendToAll();
  }

  /** Sends back for so many seconds, and returns how many packets that were. When all were lost, it starts again. */
  reflectFor(seconds: number): number {
    const end = performance.now() + seconds * 1000;
    let packets = 0;
    let lastPacket = performance.now();
    for (;;) {
      const count = recvmmsg(this.#fd, this.#base + headersAt, batch, MSG_DONTWAIT, 0);
      const now = performance.now();
      if (now >= end) return packets;
      if (count > 0) {
        packets += count;
        lastPacket = now;
        this.#sendBack(count);
      } else if (now - lastPacket > 5) {
        this.#sendToAll();
        lastPacket = now;
      }
    }
  }

  close(): void {
    close(this.#fd);
  }

  #sendBack(count: number): void {
    for (let done = 0, tries = 0; done < count && tries < 16; tries += 1) {
      const sent = sendmmsg(this.#fd, this.#base + headersAt + 64 * done, count - done, MSG_DONTWAIT);
      if (sent > 0) done += sent;
    }
  }

  #sendToAll(): void {
    for (const port of this.#ports) {
      this.#writeLoopback(port);
      sendto(this.#fd, this.#base + slotsAt, packetBytes, MSG_DONTWAIT, this.#base + scratchAt, 16);
    }
  }

  #writeLoopback(port: number): void {
    this.#view.setUint16(scratchAt, AF_INET, true);
    this.#view.setUint16(scratchAt + 2, port);
    this.#view.setUint32(scratchAt + 4, 0x7f000001);
  }

  #layOut(index: number): void {
    const header = headersAt + 64 * index;
    const vector = vectorsAt + 16 * index;
    const address = (at: number): bigint => BigInt(this.#base + at);
    this.#view.setBigUint64(vector, address(slotsAt + slotBytes * index), true);
    this.#view.setBigUint64(vector + 8, BigInt(packetBytes), true);
    this.#view.setBigUint64(header, address(namesAt + 32 * index), true);
    this.#view.setUint32(header + 8, 16, true);
    this.#view.setBigUint64(header + 16, address(vector), true);
    this.#view.setBigUint64(header + 24, 1n, true);
  }
}
