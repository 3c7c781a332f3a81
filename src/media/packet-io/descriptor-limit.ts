// How many descriptors this process may have: what a configuration needs is checked against it at start, because a worker that
// meets EMFILE can only refuse calls. Node has already raised the soft limit to the hard one.
import { readFile } from 'node:fs/promises';

/** The soft limit of open descriptors; undefined where neither /proc nor getrlimit tells. Infinity when there is none. */
export async function readDescriptorLimit(): Promise<number | undefined> {
  // The file is there almost everywhere, and asking it loads no native code.
  return (await readFromProc()) ?? (await askLibc());
}

async function readFromProc(): Promise<number | undefined> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files +(\S+)/m.exec(text)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

async function askLibc(): Promise<number | undefined> {
  try {
    const { loadLibc } = await import('../native/libc.ts');
    const { createArena } = await import('../native/arena-memory.ts');
    const { softDescriptorLimit } = await import('../native/descriptor-limit.ts');
    return softDescriptorLimit(loadLibc(), createArena(4096));
  } catch {
    // Another system, or koffi does not load.
    return undefined;
  }
}
