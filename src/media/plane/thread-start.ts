// A thread that the system does not give, since there are too many or memory is short, is one that ended at once: whoever started it
// while calls run goes on as with any worker that does not start.
import { messageOf } from '../../core/errors.ts';
import { DescriptorLedger } from '../packet-io/descriptor-ledger.ts';
import type { WorkerSettings } from './worker-protocol.ts';
import type { StartWorker, WorkerThread, WorkerThreadEvents } from './worker-thread.ts';

/** Never throws: where `start` does, `onExit` comes soon, with the reason. */
export function threadFrom(start: StartWorker, settings: WorkerSettings, events: WorkerThreadEvents): WorkerThread {
  try {
    return start(settings, events);
  } catch (thrown) {
    const reason = `its thread could not be started: ${messageOf(thrown)}`;
    queueMicrotask(() => events.onExit(reason));
    return missingThread(settings);
  }
}

function missingThread({ maxSockets }: WorkerSettings): WorkerThread {
  return {
    post: () => {},
    flush: () => {},
    useWake: () => {},
    beats: () => 0,
    taken: () => 0,
    progress: () => undefined,
    terminate: () => Promise.resolve(),
    descriptors: new DescriptorLedger(maxSockets).buffer,
    closeLeftovers: () => undefined,
  };
}
