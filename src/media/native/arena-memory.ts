// Where arenas come from. Plain: an ArrayBuffer, collected with the worker. Guarded: mapped pages in which every allocation
// ends flush against a PROT_NONE page, so that native code which reads or writes one byte too far dies on the spot.
import { SbcError } from '../../core/errors.ts';
import { Arena } from './arena.ts';
import { addressOf, type Libc, viewMemory } from './libc.ts';
import { errnoName, MADV_HUGEPAGE, MAP_PRIVATE_ANONYMOUS_NORESERVE, PROT_NONE, PROT_READ_WRITE } from './linux-abi.ts';

/** An arena whose offsets have addresses. `sizeBytes` is fixed for its life. */
export function createArena(sizeBytes: number): Arena {
  const buffer = new ArrayBuffer(sizeBytes);
  return new Arena(buffer, addressOf(buffer));
}

/**
 * The same on huge pages: a thousand packet slots then need two entries of the processor's address cache instead of hundreds.
 * Where the kernel has none, an ordinary arena.
 */
export function createLargeArena(libc: Libc, sizeBytes: number): Arena {
  const wholePages = roundUp(sizeBytes, hugePageBytes);
  const buffer = new ArrayBuffer(wholePages + hugePageBytes);
  const base = addressOf(buffer);
  const start = roundUp(base + 1, hugePageBytes) - base;
  const arena = new Arena(buffer, base, { start });
  libc.madvise(arena.address(start, wholePages), wholePages, MADV_HUGEPAGE);
  return arena;
}

/** A guarded arena for tests; it stays mapped until the process ends. Throws `SbcError` when the kernel refuses. */
export function createGuardedArena(libc: Libc, sizeBytes: number): Arena {
  const length = roundUp(sizeBytes, pageBytes);
  const base = libc.mmap(0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
  if (base < 0) throw new SbcError('mmap-failed', `mmap of ${length} B: ${errnoName(libc.errno())}`);
  const fence = (address: number, fencedBytes: number, isOpen: boolean): void => {
    if (libc.mprotect(address, fencedBytes, isOpen ? PROT_READ_WRITE : PROT_NONE) < 0) {
      throw new SbcError('mprotect-failed', `mprotect of ${fencedBytes} B: ${errnoName(libc.errno())}`);
    }
  };
  return new Arena(viewMemory(base, length), base, { fences: { pageBytes, fence } });
}

/** x64 has no other; on arm64 kernels with larger pages mprotect refuses and the guarded suite says so. */
const pageBytes = 4096;
const hugePageBytes = 2 * 1024 * 1024;

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
