// Memory at addresses below 2^31. V8 passes whole numbers up to there as they are, and makes an object on its heap of each one above: of
// every address that native code is given, three to five of them a call and three calls a packet.
// Such memory is the process's: it outlives the thread that mapped it, and is never unmapped. The next worker gets it.
import type { Address, Libc } from './libc.ts';
import {
  MADV_DONTNEED,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE_ANONYMOUS_NORESERVE,
  PROT_NONE,
  PROT_READ_WRITE,
} from './linux-abi.ts';

/** Memory that a worker uses until its thread is over, and then another one. Whole pages. */
export interface Mapping {
  readonly address: Address;
  readonly length: number;
}

/** Where it is written down what is mapped, for whoever comes next. One thread at a time has it. */
export interface MappingRecord {
  mapping: Mapping | undefined;
}

/**
 * Zeroed memory of at least `sizeBytes`, with pages before and behind it that may not be touched: what the record has, else new, which it
 * has then. Undefined where what it has is too small (and zeroed all the same), or no place below 2^31 is free. `below` chooses the place.
 */
export function lowMemory(
  libc: Libc,
  sizeBytes: number,
  record: MappingRecord,
  below: (limit: number) => number,
): Mapping | undefined {
  const kept = record.mapping;
  if (kept === undefined) {
    const mapping = mapLow(libc, sizeBytes, below);
    record.mapping = mapping;
    return mapping;
  }
  // A thread that did not end in order has left its keys there.
  if (!wipe(libc, kept)) return undefined;
  return kept.length >= sizeBytes ? kept : undefined;
}

/** Gives the pages back to the kernel with all that is in them: who looks there again finds zeros. False when it refuses. */
export function wipe(libc: Libc, { address, length }: Mapping): boolean {
  return libc.madvise(address, length, MADV_DONTNEED) === 0;
}

/** Whole huge pages at a multiple of their size. Undefined when no place was found. */
export function mapLow(libc: Libc, sizeBytes: number, below: (limit: number) => number): Mapping | undefined {
  const length = Math.ceil(sizeBytes / hugePageBytes) * hugePageBytes;
  const places = Math.floor((highestAddress - lowestAddress - length - guardBytes) / hugePageBytes);
  if (places <= 0) return undefined;
  const [first, step] = [below(places), length / hugePageBytes + 1];
  for (let tries = 0; tries < mostTries; tries += 1) {
    const address = lowestAddress + ((first + tries * step) % places) * hugePageBytes;
    if (mapAt(libc, address, length)) return { address, length };
  }
  return undefined;
}

export const hugePageBytes = 2 * 1024 * 1024;
/** A whole number of pages on every kernel. */
const guardBytes = 65_536;
/** Above the program, which Node's binaries have at 4 MB, and most of the heap of the C library behind it. */
const lowestAddress = 2 ** 30;
const highestAddress = 2 ** 31;
const mostTries = 64;

function mapAt(libc: Libc, address: Address, length: number): boolean {
  const start = address - guardBytes;
  const whole = length + 2 * guardBytes;
  const flags = MAP_PRIVATE_ANONYMOUS_NORESERVE | MAP_FIXED_NOREPLACE;
  const mapped = libc.mmap(start, whole, PROT_NONE, flags, -1, 0);
  if (mapped < 0) return false;
  if (mapped === start && libc.mprotect(address, length, PROT_READ_WRITE) === 0) return true;
  // Nobody has seen it yet.
  libc.munmap(mapped, whole);
  return false;
}
