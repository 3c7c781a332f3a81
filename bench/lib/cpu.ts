// CPU time of a process with all of its threads and children, in nanoseconds, from the scheduler's own accounts.
import { readdirSync, readFileSync } from 'node:fs';

/** Sum over the threads of `pids`; a thread that ended meanwhile is missed, so measure over a span where none does. */
export function cpuNanoseconds(...pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    for (const task of entries(`/proc/${pid}/task`)) {
      const [onCpu = '0'] = read(`/proc/${pid}/task/${task}/schedstat`).split(' ');
      total += Number(onCpu);
    }
  }
  return total;
}

/** The process and everything below it. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const entry of entries('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Resident memory in bytes; pages that are shared count for each process. */
export function residentBytes(...pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024,
    0,
  );
}

/** Memory in bytes, a page that several processes share divided among them (PSS). */
export function proportionalBytes(...pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024,
    0,
  );
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
