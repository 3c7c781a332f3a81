// The eventfd by which another thread interrupts a blocked loop.
import { SbcError } from '../../core/errors.ts';
import type { Libc } from '../native/libc.ts';
import { EFD_CLOEXEC, EFD_NONBLOCK, errnoName } from '../native/linux-abi.ts';

/** Throws `SbcError` when the kernel has none to give, after `giveUp` closed what was opened before. */
export function openWakeDescriptor(libc: Libc, giveUp: () => void): number {
  const descriptor = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  const errno = libc.errno();
  giveUp();
  throw new SbcError('eventfd', `eventfd: ${errnoName(errno)}`);
}
