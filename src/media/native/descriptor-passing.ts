// Open descriptors from one process to another (unix(7), SCM_RIGHTS): datagrams to a Unix socket that the receiver has bound. What
// arrives is a descriptor of the same open socket, with what is queued in it.
//
//   datagram   | batch u32 | index of the first u32 |   control   | cmsghdr 16 B | descriptors, 4 B each |
import { SbcError } from '../../core/errors.ts';
import type { Arena } from './arena.ts';
import { createArena } from './arena-memory.ts';
import { type Libc, loadLibc } from './libc.ts';
import {
  AF_UNIX,
  EAGAIN,
  ENOBUFS,
  errnoName,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from './linux-abi.ts';

/** Descriptors that were sent together; which ones these are is the sender's and the receiver's affair. */
export interface DescriptorBatch {
  readonly batch: number;
  /** Their places in the whole of the batch. */
  readonly first: number;
  readonly descriptors: readonly number[];
}

export class DescriptorSocket {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #fd: number;

  /** Throws SbcError `descriptor-passing` where the system refuses, `NativeUnavailableError` without native code. */
  constructor() {
    this.#libc = loadLibc();
    this.#arena = createArena(arenaBytes);
    this.#fd = this.#libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw this.#failure('socket');
    this.#layOut();
  }

  /** What is sent to `path` arrives here. Nobody may have a socket there; the folder says who may send. */
  bind(path: string): void {
    const length = this.#address(path);
    if (this.#libc.bind(this.#fd, this.#arena.address(at.address, length), length) < 0) throw this.#failure('bind');
  }

  /** How many of `descriptors`, from `first` on, were taken; what is left is tried again a moment later. Throws when nobody is there. */
  send(path: string, batch: number, descriptors: readonly number[], first: number): number {
    const { view } = this.#arena;
    const length = this.#address(path);
    let next = first;
    while (next < descriptors.length) {
      const some = descriptors.slice(next, next + mostAtOnce);
      view.setUint32(at.payload, batch, true);
      view.setUint32(at.payload + 4, next, true);
      this.#message(length, some.length);
      view.setBigUint64(at.control, BigInt(controlHeader + 4 * some.length), true);
      view.setInt32(at.control + 8, SOL_SOCKET, true);
      view.setInt32(at.control + 12, SCM_RIGHTS, true);
      for (const [index, fd] of some.entries()) view.setInt32(at.control + controlHeader + 4 * index, fd, true);
      if (this.#libc.sendmsg(this.#fd, this.#arena.address(at.message, messageBytes), MSG_DONTWAIT) < 0) {
        const errno = this.#libc.errno();
        if (errno === EAGAIN || errno === ENOBUFS) return next - first;
        throw this.#failure('sendmsg', errno);
      }
      next += some.length;
    }
    return next - first;
  }

  /** The next datagram, or undefined when none is there. The descriptors are the caller's. */
  receive(): DescriptorBatch | undefined {
    const { view } = this.#arena;
    this.#message(0, mostAtOnce);
    const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
    const received = this.#libc.recvmsg(this.#fd, this.#arena.address(at.message, messageBytes), flags);
    if (received < 0) {
      const errno = this.#libc.errno();
      if (errno === EAGAIN) return undefined;
      throw this.#failure('recvmsg', errno);
    }
    const controlLength = Number(view.getBigUint64(at.message + field.controlLength, true));
    const isCut = (view.getInt32(at.message + field.flags, true) & MSG_CTRUNC) !== 0;
    const isRights = controlLength > controlHeader && view.getInt32(at.control + 12, true) === SCM_RIGHTS;
    const count = isRights ? (Number(view.getBigUint64(at.control, true)) - controlHeader) >> 2 : 0;
    const descriptors = Array.from({ length: count }, (_, index) =>
      view.getInt32(at.control + controlHeader + 4 * index, true),
    );
    if (isCut) {
      for (const descriptor of descriptors) this.#libc.close(descriptor);
      throw new SbcError('descriptor-passing', 'the descriptor limit does not allow as many as were handed over');
    }
    return { batch: view.getUint32(at.payload, true), first: view.getUint32(at.payload + 4, true), descriptors };
  }

  close(): void {
    this.#libc.close(this.#fd);
  }

  /** What of the message never changes. */
  #layOut(): void {
    const { view } = this.#arena;
    view.setBigUint64(at.vector, BigInt(this.#arena.address(at.payload, payloadBytes)), true);
    view.setBigUint64(at.vector + 8, BigInt(payloadBytes), true);
    view.setBigUint64(at.message + field.vector, BigInt(this.#arena.address(at.vector, 16)), true);
    view.setBigUint64(at.message + field.vectorLength, 1n, true);
    view.setBigUint64(at.message + field.control, BigInt(this.#arena.address(at.control, controlBytes)), true);
  }

  #message(addressLength: number, descriptors: number): void {
    const { view } = this.#arena;
    const name = addressLength === 0 ? 0 : this.#arena.address(at.address, addressLength);
    view.setBigUint64(at.message, BigInt(name), true);
    view.setUint32(at.message + field.nameLength, addressLength, true);
    const control = controlHeader + Math.ceil((4 * descriptors) / 8) * 8;
    view.setBigUint64(at.message + field.controlLength, BigInt(control), true);
    view.setInt32(at.message + field.flags, 0, true);
  }

  /** Writes the socket address and returns its length. */
  #address(path: string): number {
    const bytes = Buffer.from(path);
    if (bytes.length > longestPath) {
      throw new SbcError('descriptor-passing', `a path of ${bytes.length} B exceeds ${longestPath}: ${path}`);
    }
    const { view, bytes: memory } = this.#arena;
    memory.fill(0, at.address, at.address + addressBytes);
    view.setUint16(at.address, AF_UNIX, true);
    memory.set(bytes, at.address + 2);
    return 2 + bytes.length + 1;
  }

  #failure(call: string, errno = this.#libc.errno()): SbcError {
    return new SbcError('descriptor-passing', `${call}: ${errnoName(errno)}`);
  }
}

/** SCM_MAX_FD of Linux. */
const mostAtOnce = 253;
const controlHeader = 16;
const controlBytes = controlHeader + 4 * (mostAtOnce + 1);
const messageBytes = 56;
const payloadBytes = 8;
const addressBytes = 110;
const longestPath = addressBytes - 3;

/** Offsets in the arena, of which the first 64 bytes are nobody's. */
const at = { message: 64, vector: 128, payload: 144, address: 160, control: 288 } as const;
/** Offsets in `struct msghdr` of a 64-bit system. */
const field = { nameLength: 8, vector: 16, vectorLength: 24, control: 32, controlLength: 40, flags: 48 } as const;
const arenaBytes = at.control + controlBytes + 64;
