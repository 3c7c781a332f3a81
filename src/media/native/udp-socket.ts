// UDP sockets for the native drivers: opened, bound, marked and connected with everything laid out in the arena.
// All are non-blocking and close-on-exec; an IPv6 socket takes no IPv4.
import { err, ok, type Result } from '../../core/result.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import {
  AF_INET,
  AF_UNSPEC,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  errnoName,
  IP_TOS,
  IPV6_TCLASS,
  IPV6_V6ONLY,
  SO_MEMINFO,
  SO_RCVBUF,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from './linux-abi.ts';

export interface UdpSocketOptions {
  readonly dscp: number;
  readonly receiveBufferBytes: number;
}

export interface UdpSocketError {
  readonly code: 'in-use' | 'not-available' | 'descriptors-exhausted' | 'failed';
  readonly detail: string;
}

export interface UdpSocket {
  readonly fd: number;
  readonly port: number;
}

export class UdpSockets {
  readonly #libc: Libc;
  readonly #arena: Arena;
  /** A socket address, then a socklen_t, an int option value, and the words of SO_MEMINFO. */
  readonly #scratch: number;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#scratch = arena.allocate(scratchBytes);
  }

  /** A socket bound to the socket address of `length` bytes at `local`. A socket that could not be bound is closed again. */
  open(local: number, length: number, options: UdpSocketOptions): Result<UdpSocket, UdpSocketError> {
    const family = this.#arena.view.getUint16(local, true);
    const fd = this.#libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return err(this.#failure('socket'));
    if (family !== AF_INET) this.#setOption(fd, SOL_IPV6, IPV6_V6ONLY, 1);
    this.#setOption(fd, SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes);
    const trafficClass = options.dscp << 2;
    if (family === AF_INET) this.#setOption(fd, SOL_IP, IP_TOS, trafficClass);
    else this.#setOption(fd, SOL_IPV6, IPV6_TCLASS, trafficClass);
    if (this.#libc.bind(fd, this.#arena.address(local, length), length) < 0) {
      const failure = this.#failure('bind');
      this.#libc.close(fd);
      return err(failure);
    }
    return ok({ fd, port: this.#boundPort(fd) });
  }

  /** A socket of ours that is bound to `local`, from anybody again; what was queued stays. It is closed when that fails. */
  adopt(fd: number, local: number, length: number): Result<UdpSocket, UdpSocketError> {
    if (this.disconnect(fd, local, length)) return ok({ fd, port: this.#boundPort(fd) });
    const failure = this.#failure('disconnect');
    this.#libc.close(fd);
    return err(failure);
  }

  /** Puts the address that a socket is bound to at `at`; false for what is no socket. */
  localAddress(fd: number, at: number): boolean {
    this.#arena.view.setInt32(this.#scratch + lengthAt, addressBytes, true);
    const address = this.#arena.address(at, addressBytes);
    return this.#libc.getsockname(fd, address, this.#arena.address(this.#scratch + lengthAt, 4)) >= 0;
  }

  /** From now on the kernel takes datagrams of this peer only, and sends to it without a look-up. What was queued stays. */
  connect(fd: number, peer: number, length: number): boolean {
    return this.#libc.connect(fd, this.#arena.address(peer, length), length) === 0;
  }

  /**
   * Ends `connect`. The kernel keeps a port that was asked for by number and gives up one that it chose itself: that one is
   * bound again, with `local` naming the address and the port. False when somebody else took it in between.
   */
  disconnect(fd: number, local: number, length: number): boolean {
    this.#arena.bytes.fill(0, this.#scratch, this.#scratch + addressBytes);
    this.#arena.view.setUint16(this.#scratch, AF_UNSPEC, true);
    const unspecified = this.#arena.address(this.#scratch, addressBytes);
    if (this.#libc.connect(fd, unspecified, addressBytes) < 0) return false;
    if (this.#boundPort(fd) !== 0) return true;
    return this.#libc.bind(fd, this.#arena.address(local, length), length) === 0;
  }

  /**
   * A second socket on the address of `fd`, for datagrams of others than the peer that `fd` is connected to; -1 when the kernel
   * refuses. Sharing is allowed for the moment of the bind only: before and after it a port has one owner.
   */
  openBeside(fd: number, local: number, length: number, receiveBufferBytes: number): number {
    const family = this.#arena.view.getUint16(local, true);
    const beside = this.#libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (beside < 0) return -1;
    if (family !== AF_INET) this.#setOption(beside, SOL_IPV6, IPV6_V6ONLY, 1);
    this.#setOption(beside, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
    this.#setOption(beside, SOL_SOCKET, SO_REUSEADDR, 1);
    this.#setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const bound = this.#libc.bind(beside, this.#arena.address(local, length), length);
    this.#setOption(fd, SOL_SOCKET, SO_REUSEADDR, 0);
    this.#setOption(beside, SOL_SOCKET, SO_REUSEADDR, 0);
    if (bound >= 0) return beside;
    this.#libc.close(beside);
    return -1;
  }

  /** How many datagrams the kernel dropped because the socket's buffer was full, modulo 2^32. */
  drops(fd: number): number {
    const { view } = this.#arena;
    view.setInt32(this.#scratch + lengthAt, memoryInfoBytes, true);
    view.setUint32(this.#scratch + memoryInfoAt + dropsAt, 0, true);
    const info = this.#arena.address(this.#scratch + memoryInfoAt, memoryInfoBytes);
    this.#libc.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, this.#arena.address(this.#scratch + lengthAt, 4));
    return view.getUint32(this.#scratch + memoryInfoAt + dropsAt, true);
  }

  option(fd: number, level: number, name: number): number {
    const { view } = this.#arena;
    view.setInt32(this.#scratch + lengthAt, 4, true);
    const value = this.#arena.address(this.#scratch + valueAt, 4);
    const failed = this.#libc.getsockopt(fd, level, name, value, this.#arena.address(this.#scratch + lengthAt, 4)) < 0;
    return failed ? -1 : view.getInt32(this.#scratch + valueAt, true);
  }

  #setOption(fd: number, level: number, name: number, value: number): void {
    this.#arena.view.setInt32(this.#scratch + valueAt, value, true);
    this.#libc.setsockopt(fd, level, name, this.#arena.address(this.#scratch + valueAt, 4), 4);
  }

  #boundPort(fd: number): number {
    const { view } = this.#arena;
    view.setInt32(this.#scratch + lengthAt, addressBytes, true);
    const address = this.#arena.address(this.#scratch, addressBytes);
    if (this.#libc.getsockname(fd, address, this.#arena.address(this.#scratch + lengthAt, 4)) < 0) return 0;
    return view.getUint16(this.#scratch + 2);
  }

  #failure(call: string): UdpSocketError {
    const errno = this.#libc.errno();
    return { code: codeOf(errno), detail: `${call}: ${errnoName(errno)}` };
  }
}

const addressBytes = 28;
const lengthAt = 32;
const valueAt = 36;
/** SO_MEMINFO: nine words, the last of them is how many were dropped. */
const memoryInfoAt = 40;
const memoryInfoBytes = 36;
const dropsAt = 32;
const scratchBytes = 80;

function codeOf(errno: number): UdpSocketError['code'] {
  switch (errno) {
    case EADDRINUSE:
      return 'in-use';
    case EADDRNOTAVAIL:
    case EACCES:
      return 'not-available';
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return 'descriptors-exhausted';
    default:
      return 'failed';
  }
}
