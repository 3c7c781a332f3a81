// One worker thread as the plane sees it: post, wake, terminate, and what comes back. Tests put a fake in its place.
import { writeSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import { newThread } from '../../threads/new-thread.ts';
import { DescriptorLedger } from '../packet-io/descriptor-ledger.ts';
import type { CompactList } from './compact-list.ts';
import { packRequest, unpackMessage } from './compact-messages.ts';
import { KeySlots } from './key-slots.ts';
import { readThreadProgress, type ThreadProgress } from './thread-progress.ts';
import {
  sharedWords,
  type WorkerBoot,
  type WorkerMessage,
  type WorkerReady,
  type WorkerRequest,
  type WorkerSettings,
} from './worker-protocol.ts';
import { workerUrl } from './worker-url.ts';

export interface WorkerThread {
  /**
   * Sends a request. Urgent ones of one turn of the event loop travel together, with all that waits, and interrupt the worker's loop once,
   * and not more than once a millisecond or two; others wait for them, or for `flush`.
   */
  post(request: WorkerRequest, isUrgent: boolean): void;
  flush(): void;
  /** From now on requests can interrupt the loop. */
  useWake(wake: WorkerReady['wake']): void;
  /** A number that changes while the worker's loop runs. */
  beats(): number;
  /** The number of the last command that it took, modulo 2^32. */
  taken(): number;
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
  const shared = new SharedArrayBuffer(4 * sharedWords.count);
  const ledger = new DescriptorLedger(settings.maxSockets);
  const keys = new KeySlots();
  const boot: WorkerBoot = { port: port2, settings, shared, keys: keys.buffer, descriptors: ledger.buffer };
  const worker = newThread(entry, {
    workerData: boot,
    transferList: [port2],
    stdout: false,
    // Sockets are opened and closed through libc, and Node knows nothing of them.
    trackUnmanagedFds: false,
  });
  const words = new Int32Array(shared);
  let failure = '';
  let wakeFd: number | undefined;
  let outbox: WorkerRequest[] = [];
  let isOpen = true;
  let isFlushDue = false;
  let flushed = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    isFlushDue = false;
    if (outbox.length === 0) return;
    const requests = outbox;
    outbox = [];
    if (!isOpen) return;
    flushed = performance.now();
    port1.postMessage(requests.map((request) => packRequest(request, keys)));
    if (wakeFd !== undefined) writeSync(wakeFd, one);
  };
  port1.on('message', (messages: readonly (WorkerMessage | CompactList)[]) => {
    for (const message of messages) events.onMessage(unpackMessage(message));
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
    post: (request, isUrgent) => {
      outbox.push(request);
      if (isFlushDue || !(isUrgent || outbox.length >= mostGathered)) return;
      isFlushDue = true;
      // Who is told something in every turn of our loop is not woken in every turn.
      if (performance.now() - flushed < shortestPause) setTimeout(flush, shortestPause);
      else setImmediate(flush);
    },
    flush,
    useWake: (wake) => {
      wakeFd = wake.kind === 'eventfd' ? wake.fd : undefined;
    },
    beats: () => Atomics.load(words, sharedWords.beats),
    taken: () => Atomics.load(words, sharedWords.taken),
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

/** Requests that may wait for an urgent one: a turn of the worker's loop is not to be long. */
const mostGathered = 64;
/** From one interruption to the next, in ms; a timer makes it at most one more. Where calls come one by one nothing waits for it. */
const shortestPause = 1;
/** What is added to an eventfd: 64 bits in the order of the machine. */
const one = new Uint8Array(BigUint64Array.of(1n).buffer);
