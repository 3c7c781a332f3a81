// The connections between processes of one machine: each listens at a Unix socket that nobody else may open, and calls every other one.
// What is for a process that is not there waits a while, since it is being started again.
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { encodeFrame, FrameReader, noBytes, type ProcessFrame } from './process-frames.ts';

export const linkLimits = {
  /** Between two tries to reach a process. */
  again: 100,
  /** What is for a process that is not there is dropped after this. */
  patience: 10_000,
  /** Bytes that wait for one process; messages beyond it are refused. What ends something, and what is said of flows, goes on up to twice that. */
  waiting: 8_000_000,
} as const;

/** Who is at the other end. */
export interface LinkedProcess {
  readonly process: number;
  readonly run: string;
}

export interface LinkEvents {
  onFrame(from: LinkedProcess, frame: ProcessFrame, body: Uint8Array): void;
  /** It can be reached, for the first time or again. */
  onReached(process: number): void;
  /** Nothing comes from it any more, and what it had is gone. */
  onGone(from: LinkedProcess): void;
}

export interface LinkParts extends LinkedProcess {
  readonly processes: number;
  readonly pathOf: (process: number) => string;
  /** Binds it so that only its owner may connect. Rejects with SbcError. */
  readonly bind: (server: Server, path: string) => Promise<void>;
  /** For what waits as long as the process lives. */
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly events: LinkEvents;
}

export class ProcessLink {
  readonly #parts: LinkParts;
  readonly #server: Server;
  readonly #ways = new Map<number, Way>();
  readonly #accepted = new Set<Socket>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#server = createServer((socket) => this.#accept(socket));
    for (let process = 1; process <= parts.processes; process += 1) {
      if (process !== parts.process) this.#ways.set(process, new Way(process, parts));
    }
  }

  /** Rejects as `bind` does. */
  async listen(): Promise<void> {
    const { bind, pathOf, process } = this.#parts;
    await bind(this.#server, pathOf(process));
    for (const way of this.#ways.values()) way.connect();
  }

  /** False when there is no room for it, or no such process. It may be lost all the same, as any datagram. `isLast`: it ends something. */
  send(process: number, frame: ProcessFrame, body: Uint8Array = noBytes, isLast = false): boolean {
    const isMessage = frame.type === 'message' || frame.type === 'send';
    const bound = isMessage && !isLast ? linkLimits.waiting : 2 * linkLimits.waiting;
    const bytes = encodeFrame(frame, body);
    return bytes !== undefined && this.#ways.get(process)?.send(bytes, bound) === true;
  }

  /** Every other process. */
  get others(): readonly number[] {
    return [...this.#ways.keys()];
  }

  close(): void {
    for (const way of this.#ways.values()) way.close();
    for (const socket of this.#accepted) socket.destroy();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    const { events, logger } = this.#parts;
    const reader = new FrameReader();
    let from: LinkedProcess | undefined;
    this.#accepted.add(socket);
    socket.on('data', (chunk: Buffer) => {
      const read = reader.push(chunk);
      if (!read.ok) {
        logger.error('process-link-broken', { process: from?.process, error: read.error });
        socket.destroy();
        return;
      }
      for (const { frame, body } of read.value) {
        if (frame?.type === 'hello') from = { process: frame.process, run: frame.run };
        else if (frame !== undefined && from !== undefined) events.onFrame(from, frame, body);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#accepted.delete(socket);
      if (from !== undefined) events.onGone(from);
    });
  }
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly until: Millis;
}

/** To one other process. */
class Way {
  readonly #process: number;
  readonly #parts: LinkParts;
  #socket: Socket | undefined;
  #isOpen = false;
  #isClosed = false;
  #retry: Timer | undefined;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  constructor(process: number, parts: LinkParts) {
    this.#process = process;
    this.#parts = parts;
  }

  connect(): void {
    const { pathOf, events, scheduler, logger, process, run } = this.#parts;
    const socket = connect(pathOf(this.#process));
    this.#socket = socket;
    socket.on('connect', () => {
      this.#isOpen = true;
      logger.info('process-reached', { process: this.#process });
      socket.write(encodeFrame({ type: 'hello', process, run }, noBytes) ?? noBytes);
      events.onReached(this.#process);
      const now = scheduler.clock.now();
      for (const { bytes, until } of this.#waiting) if (until > now) socket.write(bytes);
      this.#forget();
    });
    socket.on('error', (error) => {
      if (this.#isOpen) logger.warn('process-link-failed', { process: this.#process, error: messageOf(error) });
      socket.destroy();
    });
    socket.once('close', () => {
      if (this.#isOpen) logger.warn('process-not-reached', { process: this.#process });
      this.#isOpen = false;
      if (!this.#isClosed) this.#retry = scheduler.after(linkLimits.again, () => this.connect());
    });
  }

  send(bytes: Uint8Array, bound: number): boolean {
    if (this.#isClosed) return false;
    if (this.#isOpen && this.#socket !== undefined) {
      if (this.#socket.writableLength + bytes.length > bound) return false;
      this.#socket.write(bytes);
      return true;
    }
    const now = this.#parts.scheduler.clock.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= now) {
      this.#waitingBytes -= this.#waiting.shift()?.bytes.length ?? 0;
    }
    if (this.#waitingBytes + bytes.length > bound) return false;
    this.#waiting.push({ bytes, until: now + linkLimits.patience });
    this.#waitingBytes += bytes.length;
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#forget();
    this.#socket?.destroy();
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
