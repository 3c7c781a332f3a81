// Which descriptors of this process are the sockets that listen at given addresses, whoever opened them: Node tells nobody.
import { readdirSync } from 'node:fs';
import { SbcError } from '../../core/errors.ts';
import { canonicalIPv6 } from '../../core/ip-address.ts';
import type { Arena } from './arena.ts';
import { createArena } from './arena-memory.ts';
import { type Libc, loadLibc } from './libc.ts';
import {
  AF_INET,
  AF_INET6,
  errnoName,
  F_DUPFD_CLOEXEC,
  SO_ACCEPTCONN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from './linux-abi.ts';

export interface BoundSocket {
  /** A datagram socket, or a stream socket that listens. */
  readonly isDatagram: boolean;
  /** IPv6 in its canonical form. */
  readonly address: string;
  readonly port: number;
  readonly descriptor: number;
}

export class OwnSockets {
  readonly #libc: Libc;
  readonly #arena: Arena;

  /** Throws `NativeUnavailableError`. */
  constructor() {
    this.#libc = loadLibc();
    this.#arena = createArena(arenaBytes);
  }

  /** Every socket of this process that datagrams or connections may come to. */
  bound(): readonly BoundSocket[] {
    return readdirSync('/proc/self/fd').flatMap((name) => {
      const socket = this.#bound(Number(name));
      return socket === undefined ? [] : [socket];
    });
  }

  /** Another descriptor of the same socket, for this process only. Throws SbcError `descriptor-passing`. */
  duplicate(descriptor: number): number {
    const copy = this.#libc.fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) throw new SbcError('descriptor-passing', `fcntl: ${errnoName(this.#libc.errno())}`);
    return copy;
  }

  close(descriptor: number): void {
    this.#libc.close(descriptor);
  }

  #bound(descriptor: number): BoundSocket | undefined {
    const { view, bytes } = this.#arena;
    view.setInt32(at.length, addressBytes, true);
    const address = this.#arena.address(at.address, addressBytes);
    if (this.#libc.getsockname(descriptor, address, this.#arena.address(at.length, 4)) < 0) return undefined;
    const family = view.getUint16(at.address, true);
    if (family !== AF_INET && family !== AF_INET6) return undefined;
    const type = this.#option(descriptor, SO_TYPE);
    const isListening = type === SOCK_STREAM && this.#option(descriptor, SO_ACCEPTCONN) === 1;
    if (type !== SOCK_DGRAM && !isListening) return undefined;
    return {
      isDatagram: type === SOCK_DGRAM,
      address: family === AF_INET ? bytes.subarray(at.address + 4, at.address + 8).join('.') : this.#ipv6(),
      port: view.getUint16(at.address + 2),
      descriptor,
    };
  }

  #ipv6(): string {
    const groups = Array.from({ length: 8 }, (_, index) => this.#arena.view.getUint16(at.address + 8 + 2 * index));
    return canonicalIPv6(groups.map((group) => group.toString(16)).join(':')) ?? '::';
  }

  #option(descriptor: number, name: number): number {
    const { view } = this.#arena;
    view.setInt32(at.length, 4, true);
    const value = this.#arena.address(at.value, 4);
    const length = this.#arena.address(at.length, 4);
    const failed = this.#libc.getsockopt(descriptor, SOL_SOCKET, name, value, length) < 0;
    return failed ? -1 : view.getInt32(at.value, true);
  }
}

const addressBytes = 28;
/** Offsets in the arena, of which the first 64 bytes are nobody's. */
const at = { address: 64, length: 96, value: 100 } as const;
const arenaBytes = 128;
