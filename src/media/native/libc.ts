// The C library's functions through koffi. Pointers are declared int64 and passed as JavaScript numbers (the cheapest
// form); they come from `Arena.address` only. Results below 0 are failures, and `errno` tells which.
import { endianness } from 'node:os';
import koffi, { type LibraryHandle } from 'koffi';
import { messageOf, SbcError } from '../../core/errors.ts';

/** Native code cannot be used here; the message says why. */
export class NativeUnavailableError extends SbcError {}

/** From `Arena.address`, or 0 for NULL. */
export type Address = number;

export interface Libc {
  errno(): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Address, length: number): number;
  connect(fd: number, address: Address, length: number): number;
  getsockname(fd: number, address: Address, length: Address): number;
  setsockopt(fd: number, level: number, name: number, value: Address, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Address, length: Address): number;
  recv(fd: number, buffer: Address, length: number, flags: number): number;
  recvfrom(fd: number, buffer: Address, length: number, flags: number, source: Address, sourceLength: Address): number;
  send(fd: number, buffer: Address, length: number, flags: number): number;
  sendto(fd: number, buffer: Address, length: number, flags: number, to: Address, toLength: number): number;
  read(fd: number, buffer: Address, length: number): number;
  close(fd: number): number;
  /** One integer argument. */
  fcntl(fd: number, operation: number, argument: number): number;
  /** `message` is a `struct msghdr`. */
  sendmsg(fd: number, message: Address, flags: number): number;
  recvmsg(fd: number, message: Address, flags: number): number;
  eventfd(initial: number, flags: number): number;
  epollCreate(flags: number): number;
  epollControl(epoll: number, operation: number, fd: number, event: Address): number;
  epollWait(epoll: number, events: Address, count: number, timeout: number): number;
  mmap(hint: Address, length: number, protection: number, flags: number, fd: number, offset: number): Address;
  mprotect(address: Address, length: number, protection: number): number;
  munmap(address: Address, length: number): number;
  madvise(address: Address, length: number, advice: number): number;
  getrlimit(resource: number, limit: Address): number;
  ioUringSetup(entries: number, parameters: Address): number;
  ioUringEnter(
    ring: number,
    submit: number,
    minComplete: number,
    flags: number,
    argument: Address,
    argumentSize: number,
  ): number;
  ioUringRegister(ring: number, operation: number, argument: Address, count: number): number;
}

/** Throws `NativeUnavailableError` on another system or processor, or when a symbol is missing. */
export function loadLibc(): Libc {
  if (process.platform !== 'linux' || !(process.arch === 'x64' || process.arch === 'arm64') || endianness() !== 'LE') {
    const here = `${process.platform} ${process.arch}`;
    throw new NativeUnavailableError(
      'native-platform',
      `native packet drivers need Linux on x64 or arm64, this is ${here}`,
    );
  }
  try {
    return bindSymbols(koffi.load(null));
  } catch (thrown) {
    throw new NativeUnavailableError(
      'native-symbols',
      `a C library function is missing: ${messageOf(thrown)}`,
      {},
      thrown,
    );
  }
}

/** The ArrayBuffer over `length` bytes of mapped memory. It must be detached before the memory is unmapped. */
export function viewMemory(address: Address, length: number): ArrayBuffer {
  return koffi.view(BigInt(address), length);
}

/** Where the bytes of a buffer are. Only for buffers that are larger than 64 bytes, never resized, and kept referenced. */
export function addressOf(buffer: ArrayBuffer): Address {
  return Number(koffi.address(buffer));
}

/** These numbers are the same on every architecture of Linux. */
const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

const pointer = 'int64';

type NativeCall = (...parameters: readonly number[]) => number;

function bindSymbols(library: LibraryHandle): Libc {
  const int = (name: string, ...parameters: readonly string[]): NativeCall =>
    library.func(name, 'int', [...parameters]);
  const sysSetup = int('syscall', 'int', 'int', pointer);
  const sysEnter = int('syscall', 'int', 'int', 'int', 'int', 'int', pointer, 'int');
  const sysRegister = int('syscall', 'int', 'int', 'int', pointer, 'int');
  return {
    errno: () => koffi.errno(),
    socket: int('socket', 'int', 'int', 'int'),
    bind: int('bind', 'int', pointer, 'int'),
    connect: int('connect', 'int', pointer, 'int'),
    getsockname: int('getsockname', 'int', pointer, pointer),
    setsockopt: int('setsockopt', 'int', 'int', 'int', pointer, 'int'),
    getsockopt: int('getsockopt', 'int', 'int', 'int', pointer, pointer),
    recv: int('recv', 'int', pointer, 'int64', 'int'),
    recvfrom: int('recvfrom', 'int', pointer, 'int64', 'int', pointer, pointer),
    send: int('send', 'int', pointer, 'int64', 'int'),
    sendto: int('sendto', 'int', pointer, 'int64', 'int', pointer, 'int'),
    read: int('read', 'int', pointer, 'int64'),
    close: int('close', 'int'),
    fcntl: int('fcntl', 'int', 'int', 'int'),
    sendmsg: int('sendmsg', 'int', pointer, 'int'),
    recvmsg: int('recvmsg', 'int', pointer, 'int'),
    eventfd: int('eventfd', 'uint', 'int'),
    epollCreate: int('epoll_create1', 'int'),
    epollControl: int('epoll_ctl', 'int', 'int', 'int', pointer),
    epollWait: int('epoll_wait', 'int', pointer, 'int', 'int'),
    mmap: library.func('mmap', pointer, [pointer, 'int64', 'int', 'int', 'int', 'int64']),
    mprotect: int('mprotect', pointer, 'int64', 'int'),
    munmap: int('munmap', pointer, 'int64'),
    madvise: int('madvise', pointer, 'int64', 'int'),
    getrlimit: int('getrlimit', 'int', pointer),
    ioUringSetup: (entries, parameters) => sysSetup(SYS_IO_URING_SETUP, entries, parameters),
    ioUringEnter: (ring, submit, minComplete, flags, argument, argumentSize) =>
      sysEnter(SYS_IO_URING_ENTER, ring, submit, minComplete, flags, argument, argumentSize),
    ioUringRegister: (ring, operation, argument, count) =>
      sysRegister(SYS_IO_URING_REGISTER, ring, operation, argument, count),
  };
}
