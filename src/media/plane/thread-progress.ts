// What the kernel says of a thread: how much of the processor it has had, and whether it wants more. A loop that does not come round
// has either had its time and is stuck, or waits in a call, or was not let run: only the last one is well.
import { readFileSync } from 'node:fs';
import type { Millis } from '../../core/clock.ts';

export interface ThreadProgress {
  /** On a processor since it began. */
  readonly ran: Millis;
  /** It runs, or would if it were let. */
  readonly isRunnable: boolean;
}

/** Of a thread of this process by its number in the kernel; undefined where the kernel does not tell, or it has ended. */
export function readThreadProgress(thread: number): ThreadProgress | undefined {
  try {
    const folder = `/proc/self/task/${thread}`;
    const [nanoseconds = ''] = readFileSync(`${folder}/schedstat`, 'latin1').split(' ');
    // The name in brackets may hold anything; the state is the letter after the last bracket.
    const stat = readFileSync(`${folder}/stat`, 'latin1');
    const ran = Number(nanoseconds) / nanosecondsPerMilli;
    if (nanoseconds === '' || Number.isNaN(ran)) return undefined;
    return { ran, isRunnable: stat.charAt(stat.lastIndexOf(')') + 2) === 'R' };
  } catch {
    // A kernel without schedstat, or a thread that has just ended: its exit says so.
    return undefined;
  }
}

/** Of the thread that started the process, which has its number; undefined where the kernel does not tell. */
export function mainThreadRan(): Millis | undefined {
  return readThreadProgress(process.pid)?.ran;
}

/** How much of `elapsed` a loop that did not come round has to answer for. Undefined: nobody knows. */
export function stoodStill(
  before: ThreadProgress | undefined,
  now: ThreadProgress | undefined,
  elapsed: Millis,
): Millis | undefined {
  if (before === undefined || now === undefined) return undefined;
  return now.isRunnable ? Math.min(elapsed, now.ran - before.ran) : elapsed;
}

const nanosecondsPerMilli = 1_000_000;
