// Where arenas come from. Plain: an ArrayBuffer, collected with the worker. Kept: mapped at small addresses, and the next worker's when
// the thread is over. Guarded: mapped pages in which every allocation ends flush against a PROT_NONE page, so that native code which reads
// or writes one byte too far dies on the spot.
import { SbcError } from '../../core/errors.ts';
import { Arena } from './arena.ts';
import { addressOf, type Libc, viewMemory } from './libc.ts';
import { errnoName, MADV_HUGEPAGE, MAP_PRIVATE_ANONYMOUS_NORESERVE, PROT_NONE, PROT_READ_WRITE } from './linux-abi.ts';
import { hugePageBytes, lowMemory, type Mapping, type MappingRecord, mapLow } from './low-memory.ts';

/** An arena whose offsets have addresses. `sizeBytes` is fixed for its life. */
export function createArena(sizeBytes: number): Arena {
  const buffer = new ArrayBuffer(sizeBytes);
  return new Arena(buffer, addressOf(buffer));
}

/**
 * The same on huge pages: a thousand packet slots then need two entries of the processor's address cache instead of hundreds.
 * Where the kernel has none, an ordinary arena; and where not even one would be filled, as in a trial of a driver or in a rehearsal: the kernel
 * gives a huge page as a whole, and it stays as long as the buffer.
 */
export function createLargeArena(libc: Libc, sizeBytes: number): Arena {
  if (sizeBytes < hugePageBytes) return createArena(roundUp(sizeBytes, pageBytes));
  const wholePages = roundUp(sizeBytes, hugePageBytes);
  const buffer = new ArrayBuffer(wholePages + hugePageBytes);
  const base = addressOf(buffer);
  const start = roundUp(base + 1, hugePageBytes) - base;
  const arena = new Arena(buffer, base, { start });
  libc.madvise(arena.address(start, wholePages), wholePages, MADV_HUGEPAGE);
  return arena;
}

/**
 * On huge pages too, and below 2^31, where an address costs nothing to pass: what `record` has, or new. Where that cannot be had, a large
 * arena. Whoever has the record gives it to nobody else before this thread is over. `below` chooses the place.
 */
export function createKeptArena(
  libc: Libc,
  sizeBytes: number,
  record: MappingRecord,
  below: (limit: number) => number,
): Arena {
  const mapping = lowMemory(libc, sizeBytes, record, below);
  if (mapping === undefined) return createLargeArena(libc, sizeBytes);
  const { address, length } = mapping;
  const arena = new Arena(viewMemory(address, length), address);
  libc.madvise(address, length, MADV_HUGEPAGE);
  return arena;
}

/** A guarded arena for tests, below 2^31 where it can be; it stays mapped until the process ends. Throws `SbcError` when the kernel refuses. */
export function createGuardedArena(libc: Libc, sizeBytes: number): Arena {
  const { address: base, length } = mapLow(libc, sizeBytes, () => 0) ?? mapAnywhere(libc, sizeBytes);
  const fence = (address: number, fencedBytes: number, isOpen: boolean): void => {
    if (libc.mprotect(address, fencedBytes, isOpen ? PROT_READ_WRITE : PROT_NONE) < 0) {
      throw new SbcError('mprotect-failed', `mprotect of ${fencedBytes} B: ${errnoName(libc.errno())}`);
    }
  };
  return new Arena(viewMemory(base, length), base, { fences: { pageBytes, fence } });
}

/** x64 has no other; on arm64 kernels with larger pages mprotect refuses and the guarded suite says so. */
const pageBytes = 4096;

function mapAnywhere(libc: Libc, sizeBytes: number): Mapping {
  const length = roundUp(sizeBytes, pageBytes);
  const address = libc.mmap(0, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
  if (address < 0) throw new SbcError('mmap-failed', `mmap of ${length} B: ${errnoName(libc.errno())}`);
  return { address, length };
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
