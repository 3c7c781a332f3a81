// The sockets to Homer: datagrams, or a connection that is made again when it is lost.
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import type { HepSender } from './hep-exporter.ts';

export interface HepSenderOptions {
  readonly address: SocketAddress;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** Bytes that a socket may hold that the kernel has not taken. */
const mostUnsent = 1_048_576;
/** A datagram of UDP over IPv4 holds no more. */
const longestDatagram = 65_507;
const firstRetry: Millis = 1_000;
const longestRetry: Millis = 30_000;
const connectTimeout: Millis = 5_000;
/** For what was taken to leave, at the end. */
const lastWords: Millis = 500;

export class UdpHepSender implements HepSender {
  readonly #options: HepSenderOptions;
  readonly #socket: DatagramSocket;
  #hasFailed = false;

  constructor(options: HepSenderOptions) {
    this.#options = options;
    this.#socket = createSocket(options.address.address.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('error', (error) => this.#failed(error));
    // Nothing waits for it, and nothing else keeps the process alive for it.
    this.#socket.unref();
  }

  send(packet: Buffer, onFailed: () => void): boolean {
    if (this.#socket.getSendQueueSize() > mostUnsent) return false;
    const { address, port } = this.#options.address;
    if (packet.length > longestDatagram) {
      queueMicrotask(onFailed);
      return true;
    }
    this.#socket.send(packet, port, address, (error) => {
      if (error === null) {
        this.#hasFailed = false;
        return;
      }
      onFailed();
      this.#failed(error);
    });
    return true;
  }

  close(): Promise<void> {
    const { scheduler } = this.#options;
    return new Promise((resolve) => {
      const end = scheduler.clock.now() + lastWords;
      const look = (): void => {
        if (this.#socket.getSendQueueCount() > 0 && scheduler.clock.now() < end) scheduler.after(10, look);
        else this.#socket.close(() => resolve());
      };
      look();
    });
  }

  /** Said once until one leaves again. */
  #failed(error: Error): void {
    if (!this.#hasFailed) this.#options.logger.warn('hep-not-sent', { error: error.message });
    this.#hasFailed = true;
  }
}

export class TcpHepSender implements HepSender {
  readonly #options: HepSenderOptions;
  #socket: Socket | undefined;
  #isConnected = false;
  #retry: Timer | undefined;
  #delay: Millis = firstRetry;
  #isClosed = false;

  constructor(options: HepSenderOptions) {
    this.#options = options;
    this.#connect();
  }

  send(packet: Buffer, onFailed: () => void): boolean {
    const socket = this.#socket;
    if (socket === undefined || !this.#isConnected || socket.writableLength > mostUnsent) return false;
    socket.write(packet, (error) => {
      if (error !== null && error !== undefined) onFailed();
    });
    return true;
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    const socket = this.#socket;
    if (socket === undefined) return;
    if (!this.#isConnected) {
      socket.destroy();
      return;
    }
    await new Promise<void>((resolve) => {
      const deadline = this.#options.scheduler.after(lastWords, () => socket.destroy());
      socket.once('close', () => {
        deadline.cancel();
        resolve();
      });
      socket.end();
    });
  }

  #connect(): void {
    const { address, scheduler, logger } = this.#options;
    const socket = connect({ host: address.address, port: address.port, noDelay: true });
    this.#socket = socket;
    socket.unref();
    const deadline = scheduler.after(connectTimeout, () => socket.destroy(new Error('no connection in time')));
    let reason = 'closed';
    socket.once('connect', () => {
      deadline.cancel();
      this.#isConnected = true;
      this.#delay = firstRetry;
      logger.info('hep-connected', { address: formatSocketAddress(address) });
    });
    socket.on('error', (error) => {
      reason = error.message;
    });
    // Homer says nothing; what it sends all the same is let go.
    socket.resume();
    socket.once('close', () => {
      deadline.cancel();
      this.#isConnected = false;
      this.#socket = undefined;
      if (this.#isClosed) return;
      logger.warn('hep-connection-lost', { address: formatSocketAddress(address), reason, retryInMillis: this.#delay });
      this.#retry = scheduler.after(this.#delay, () => this.#connect());
      this.#delay = Math.min(longestRetry, this.#delay * 2);
    });
  }
}
