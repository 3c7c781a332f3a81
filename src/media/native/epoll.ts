// One epoll instance. Each watched descriptor carries two words of the caller's, which come back with its events.
//
//   struct epoll_event, x64 (packed, 12):  0 events u32 | 4 data u64
//                     arm64         (16):  0 events u32 | 8 data u64
import { SbcError } from '../../core/errors.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { EINTR, errnoName } from './linux-abi.ts';

export class Epoll {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #events: number;
  readonly #eventsAddress: number;
  readonly #capacity: number;

  /** `capacity` events are taken in one wait. Throws `SbcError` when the kernel refuses. */
  constructor(libc: Libc, arena: Arena, capacity: number) {
    this.#libc = libc;
    this.#arena = arena;
    this.#capacity = capacity;
    this.#events = arena.allocate(capacity * eventBytes);
    this.#eventsAddress = arena.address(this.#events, capacity * eventBytes);
    this.fd = libc.epollCreate(EPOLL_CLOEXEC);
    if (this.fd < 0) throw new SbcError('epoll-create', `epoll_create1: ${errnoName(libc.errno())}`);
  }

  /** Reports `fd` as often as it is readable. 0, or minus the errno. */
  add(fd: number, first: number, second: number): number {
    const words = this.#arena.words;
    const event = this.#events >> 2;
    words[event] = EPOLLIN;
    words[event + dataWord] = first;
    words[event + dataWord + 1] = second;
    const result = this.#libc.epollControl(this.fd, EPOLL_CTL_ADD, fd, this.#arena.address(this.#events, eventBytes));
    return result < 0 ? -this.#libc.errno() : 0;
  }

  remove(fd: number): void {
    this.#libc.epollControl(this.fd, EPOLL_CTL_DEL, fd, 0);
  }

  /** The number of events after at most `timeout` milliseconds (rounded down). Throws `SbcError` on anything but a signal. */
  wait(timeout: number): number {
    const count = this.#libc.epollWait(this.fd, this.#eventsAddress, this.#capacity, timeout);
    if (count >= 0) return Math.min(count, this.#capacity);
    const errno = this.#libc.errno();
    if (errno === EINTR) return 0;
    throw new SbcError('epoll-wait', `epoll_wait: ${errnoName(errno)}`);
  }

  /** The two words of event `index` of the last wait. */
  first(index: number): number {
    return this.#arena.words[((this.#events + index * eventBytes) >> 2) + dataWord] ?? 0;
  }

  second(index: number): number {
    return this.#arena.words[((this.#events + index * eventBytes) >> 2) + dataWord + 1] ?? 0;
  }

  dispose(): void {
    this.#libc.close(this.fd);
  }
}

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 1;
const isPacked = process.arch === 'x64';
const eventBytes = isPacked ? 12 : 16;
const dataWord = isPacked ? 1 : 2;
