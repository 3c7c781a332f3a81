// getrlimit(RLIMIT_NOFILE).   struct rlimit (16):  0 soft u64 | 8 hard u64
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { RLIMIT_NOFILE } from './linux-abi.ts';

/** How many descriptors the process may have open; Infinity when there is no limit, or none that can be read. */
export function softDescriptorLimit(libc: Libc, arena: Arena): number {
  const limit = arena.allocate(limitBytes, 8);
  if (libc.getrlimit(RLIMIT_NOFILE, arena.address(limit, limitBytes)) < 0) return Number.POSITIVE_INFINITY;
  const soft = arena.view.getUint32(limit, true) + arena.view.getUint32(limit + 4, true) * 0x1_0000_0000;
  arena.release(limit);
  return soft > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : soft;
}

const limitBytes = 16;
