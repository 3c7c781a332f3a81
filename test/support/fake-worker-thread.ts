// A media worker that does what the test says: it records requests and answers when told to.
import type { MediaError, PortPlace } from '../../src/media/plane/messages.ts';
import type { ThreadProgress } from '../../src/media/plane/thread-progress.ts';
import {
  type CommandOutcome,
  isQuery,
  type WorkerCommand,
  type WorkerMessage,
  type WorkerRequest,
  type WorkerSettings,
  type WorkerStats,
} from '../../src/media/plane/worker-protocol.ts';
import type { StartWorker, WorkerThreadEvents } from '../../src/media/plane/worker-thread.ts';
import { dropIndex } from '../../src/media/worker/endpoint-counters.ts';

export class FakeWorkerThread {
  readonly settings: WorkerSettings;
  readonly requests: WorkerRequest[] = [];
  readonly #events: WorkerThreadEvents;
  isTerminated = false;
  /** True: nothing ends its thread but `exit`. */
  hangs = false;
  /** False: its loop stands still. */
  isBeating = true;
  /** False: it takes no commands. */
  isTaking = true;
  /** What the kernel says of it. */
  progressNow: ThreadProgress | undefined;
  /** How often the kernel was asked. */
  asked = 0;
  readonly descriptors = new SharedArrayBuffer(64);
  hasClosedLeftovers = false;
  #beats = 0;
  #taken = 0;
  #nextPort: number;

  constructor(settings: WorkerSettings, events: WorkerThreadEvents) {
    this.settings = settings;
    this.#events = events;
    this.#nextPort = settings.ports.first;
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

  /** What it was told and asked of sessions, in order. */
  get commands(): readonly WorkerCommand[] {
    return this.requests.filter((request) => 'command' in request);
  }

  /** Answers the oldest query that was not answered. */
  answer(outcome: CommandOutcome): void {
    const query = this.commands.find(({ command }) => isQuery(command));
    if (query === undefined) throw new Error('no query waits');
    this.requests.splice(this.requests.indexOf(query), 1);
    this.say({ type: 'reply', id: query.id, outcome });
  }

  /** Answers the oldest request for ports: with as many as it asks for, or with `most` and why. */
  grant(most = Number.POSITIVE_INFINITY, error?: MediaError): readonly PortPlace[] {
    const asked = this.requests.find((one) => 'request' in one);
    if (asked === undefined || !('request' in asked)) throw new Error('no ports are asked for');
    this.requests.splice(this.requests.indexOf(asked), 1);
    const { request } = asked;
    const places = Array.from({ length: Math.min(request.count, most) }, () => {
      const rtpPort = this.#nextPort;
      this.#nextPort += 2;
      return { address: request.address, rtpPort, rtcpPort: request.rtcpMux ? undefined : rtpPort + 1 };
    });
    this.say({ type: 'granted', request, places, error });
    return places;
  }

  post(request: WorkerRequest): void {
    this.requests.push(request);
    if ('command' in request && this.isTaking) this.#taken = request.id;
    if ('type' in request && request.type === 'stop') this.exit('exit code 0');
  }

  flush(): void {}

  /** It says that it took everything up to that command. */
  takes(command: number): void {
    this.#taken = command;
  }

  taken(): number {
    return this.#taken;
  }

  useWake(): void {}

  beats(): number {
    if (this.isBeating) this.#beats += 1;
    return this.#beats;
  }

  progress(): ThreadProgress | undefined {
    this.asked += 1;
    return this.progressNow;
  }

  closeLeftovers(): undefined {
    this.hasClosedLeftovers = true;
  }

  async terminate(): Promise<void> {
    this.isTerminated = true;
    if (!this.hangs) this.exit('exit code 1');
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
