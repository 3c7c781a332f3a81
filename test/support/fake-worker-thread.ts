// A media worker that does what the test says: it records requests and answers when told to.
import type { ThreadProgress } from '../../src/media/plane/thread-progress.ts';
import type {
  CommandOutcome,
  WorkerMessage,
  WorkerRequest,
  WorkerSettings,
  WorkerStats,
} from '../../src/media/plane/worker-protocol.ts';
import type { StartWorker, WorkerThreadEvents } from '../../src/media/plane/worker-thread.ts';
import { dropIndex } from '../../src/media/worker/endpoint-counters.ts';

export class FakeWorkerThread {
  readonly settings: WorkerSettings;
  readonly requests: WorkerRequest[] = [];
  readonly #events: WorkerThreadEvents;
  isTerminated = false;
  /** False: its loop stands still. */
  isBeating = true;
  /** What the kernel says of it. */
  progressNow: ThreadProgress | undefined;
  readonly descriptors = new SharedArrayBuffer(64);
  hasClosedLeftovers = false;
  #beats = 0;

  constructor(settings: WorkerSettings, events: WorkerThreadEvents) {
    this.settings = settings;
    this.#events = events;
  }

  ready(): void {
    this.say({ type: 'ready', driver: 'epoll', cipher: 'openssl', wake: { kind: 'message' }, probes: [], thread: 7 });
  }

  say(message: WorkerMessage): void {
    this.#events.onMessage(message);
  }

  exit(reason: string): void {
    this.#events.onExit(reason);
  }

  /** Answers the oldest command that was not answered. */
  answer(outcome: CommandOutcome): void {
    const request = this.requests.find((one) => 'command' in one);
    if (request === undefined || !('command' in request)) throw new Error('no command waits');
    this.requests.splice(this.requests.indexOf(request), 1);
    this.say({ type: 'reply', id: request.id, outcome });
  }

  post(request: WorkerRequest): void {
    this.requests.push(request);
    if ('type' in request && request.type === 'stop') this.exit('exit code 0');
  }

  useWake(): void {}

  beats(): number {
    if (this.isBeating) this.#beats += 1;
    return this.#beats;
  }

  progress(): ThreadProgress | undefined {
    return this.progressNow;
  }

  closeLeftovers(): undefined {
    this.hasClosedLeftovers = true;
  }

  async terminate(): Promise<void> {
    this.isTerminated = true;
    this.exit('exit code 1');
  }
}

/** Starts fakes and keeps them, in order. */
export function fakeWorkers(): { readonly threads: FakeWorkerThread[]; readonly start: StartWorker } {
  const threads: FakeWorkerThread[] = [];
  return {
    threads,
    start: (settings, events) => {
      const thread = new FakeWorkerThread(settings, events);
      threads.push(thread);
      return thread;
    },
  };
}

/** Statistics with `packets` received and as many dropped as foreign. */
export function statsOf(packets: number): WorkerStats {
  const count = { packets, bytes: packets * 172 };
  const dropped = { ...dropIndex };
  for (const reason of Object.keys(dropIndex)) Object.assign(dropped, { [reason]: reason === 'foreign' ? packets : 0 });
  return { received: count, sent: count, dropped, sessions: 0, portsInUse: 0, faults: 0, io: {} };
}
