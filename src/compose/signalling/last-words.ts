// What a process still does before it closes its sockets.
import type { Millis } from '../../core/clock.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SignallingRooms } from './signalling-rooms.ts';

/** How long a stop waits for calls that it has ended, and how often it looks. */
const lastWords: Millis = 2_000;
const lastWordsCheck: Millis = 20;

/** Records are written, BYEs answered, or sent again, and registrations taken back, as long as `lastWords` allows. */
export async function sayLastWords(
  { b2bua, userAgent, trunks, subscriptions }: SignallingRooms,
  scheduler: Scheduler,
): Promise<void> {
  const deadline = scheduler.clock.now() + lastWords;
  b2bua.endAll();
  subscriptions.endAll();
  const isBusy = (): boolean => b2bua.active > 0 || userAgent.dialogs > 0 || trunks.isWithdrawing;
  while (isBusy() && scheduler.clock.now() < deadline) {
    await new Promise<void>((resolve) => scheduler.after(lastWordsCheck, resolve));
  }
}
