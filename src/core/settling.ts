// What a start leaves behind: V8 made room for all that a start allocates, and nothing makes it look whether that is still needed. So a thread
// has it collect once, when it has settled. That takes --expose-gc; without it, the memory comes back when there is more to do.
import type { Millis } from './clock.ts';
import type { Scheduler, Timer } from './scheduler.ts';

/** From the start of a thread: what it begins with is over then, and phones that were waiting for it have registered. */
export const settledAfter: Millis = 10_000;

/** Who has found no moment for it by then does without: V8 has looked by itself where there was that much to do. */
export const settlesWithin: Millis = 300_000;

/**
 * All of this thread's heap, and what is free then goes back to the system, which a usual collection keeps for later: it stops the
 * thread for some 5 ms for each MB that is in use. Code that was run stays.
 */
export function collectAll(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Once, as soon as `isIdle` finds that nobody would wait for it, or never. */
export function collectWhenSettled(
  scheduler: Scheduler,
  isIdle: () => boolean,
  collect: () => void,
): { close(): void } {
  let timer: Timer | undefined;
  const over = scheduler.clock.now() + settlesWithin;
  const look = (): void => {
    if (isIdle()) collect();
    else if (scheduler.clock.now() < over) wait();
  };
  const wait = (): void => {
    timer = scheduler.after(settledAfter, look);
  };
  wait();
  return { close: () => timer?.cancel() };
}
