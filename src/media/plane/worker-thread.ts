// One worker thread as the plane sees it: post, wake, terminate, and what comes back. Tests put a fake in its place.
import { writeSync } from 'node:fs';
import { MessageChannel, Worker } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { DescriptorLedger } from '../packet-io/descriptor-ledger.ts';
import { readThreadProgress, type ThreadProgress } from './thread-progress.ts';
import type { WorkerBoot, WorkerMessage, WorkerReady, WorkerRequest, WorkerSettings } from './worker-protocol.ts';
import { workerUrl } from './worker-url.ts';

export interface WorkerThread {
  /** Sends a request; those of one turn of the event loop travel together and interrupt the worker's loop once. */
  post(request: WorkerRequest): void;
  /** From now on requests can interrupt the loop. */
  useWake(wake: WorkerReady['wake']): void;
  /** A number that changes while the worker's loop runs. */
  beats(): number;
  /** Of the thread that gave this number in `ready`; undefined where the kernel does not tell. */
  progress(thread: number): ThreadProgress | undefined;
  terminate(): Promise<void>;
  /** Its `DescriptorLedger`: what it has open, or left open. */
  readonly descriptors: SharedArrayBuffer;
  /**
   * Closes what it left open; why that failed, or undefined. Only when it has ended. Descriptors belong to the process, not to
   * the thread: without this the ports of a lost worker would stay taken.
   */
  closeLeftovers(): string | undefined;
}

export interface WorkerThreadEvents {
  onMessage(message: WorkerMessage): void;
  /** It ended, for whatever reason. At most once. */
  onExit(reason: string): void;
}

export type StartWorker = (settings: WorkerSettings, events: WorkerThreadEvents) => WorkerThread;

/** Starts `worker-main` in a thread. */
export const startWorkerThread: StartWorker = (settings, events) =>
  startThread(workerUrl(import.meta.url), settings, events);

/** The same with another entry, which speaks as `worker-main` does. */
export function startThread(entry: URL, settings: WorkerSettings, events: WorkerThreadEvents): WorkerThread {
  const { port1, port2 } = new MessageChannel();
  const heartbeat = new SharedArrayBuffer(4);
  const ledger = new DescriptorLedger(settings.maxSockets);
  const boot: WorkerBoot = { port: port2, settings, heartbeat, descriptors: ledger.buffer };
  const worker = new Worker(entry, {
    workerData: boot,
    transferList: [port2],
    stdout: false,
    // Sockets are opened and closed through libc, and Node knows nothing of them.
    trackUnmanagedFds: false,
  });
  const beats = new Int32Array(heartbeat);
  let failure = '';
  let wakeFd: number | undefined;
  let outbox: WorkerRequest[] = [];
  let isOpen = true;
  const flush = (): void => {
    const requests = outbox;
    outbox = [];
    if (!isOpen) return;
    port1.postMessage(requests);
    if (wakeFd !== undefined) writeSync(wakeFd, one);
  };
  port1.on('message', (messages: readonly WorkerMessage[]) => {
    for (const message of messages) events.onMessage(message);
  });
  worker.on('error', (thrown) => {
    failure = messageOf(thrown);
  });
  worker.on('exit', (code) => {
    isOpen = false;
    wakeFd = undefined;
    port1.close();
    events.onExit(failure === '' ? `exit code ${code}` : failure);
  });
  return {
    post: (request) => {
      if (outbox.length === 0) setImmediate(flush);
      outbox.push(request);
    },
    useWake: (wake) => {
      wakeFd = wake.kind === 'eventfd' ? wake.fd : undefined;
    },
    beats: () => Atomics.load(beats, 0),
    progress: readThreadProgress,
    terminate: async () => {
      await worker.terminate();
    },
    descriptors: ledger.buffer,
    closeLeftovers: () => {
      try {
        ledger.closeAll();
        return undefined;
      } catch (thrown) {
        return messageOf(thrown);
      }
    },
  };
}

/** What is added to an eventfd: 64 bits in the order of the machine. */
const one = new Uint8Array(BigUint64Array.of(1n).buffer);
