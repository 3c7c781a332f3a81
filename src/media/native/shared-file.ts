// A file as memory: what is stored there reaches the kernel at once, and stays when the process is killed.
import { SbcError } from '../../core/errors.ts';
import { type Libc, viewMemory } from './libc.ts';
import { errnoName, MAP_SHARED, PROT_READ_WRITE } from './linux-abi.ts';

/** The first `length` bytes of an open file; mapped until the process ends. Throws `SbcError` when the kernel refuses. */
export function mapSharedFile(libc: Libc, descriptor: number, length: number): ArrayBuffer {
  const address = libc.mmap(0, length, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
  if (address < 0) throw new SbcError('mmap-failed', `mmap of a file of ${length} B: ${errnoName(libc.errno())}`);
  return viewMemory(address, length);
}
