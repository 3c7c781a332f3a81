// Peers that send whatever bytes a test likes: datagrams, or a TLS connection. What comes back is kept in order.
import { createSocket, type Socket } from 'node:dgram';
import { connect, type TLSSocket } from 'node:tls';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { StreamFramer } from '../../src/sip/message/framer.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';

type Bytes = string | Uint8Array;

/** What arrived, and who waits for more of it. */
class Inbox {
  readonly bytes: Uint8Array[] = [];
  readonly messages: SipMessage[] = [];
  readonly #waiting = new Set<() => void>();

  add(bytes: Uint8Array): void {
    this.bytes.push(bytes);
    const parsed = parseMessage(bytes);
    if (parsed.ok) this.messages.push(parsed.value);
    this.wake();
  }

  wake(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves as soon as `find` finds something, which may be now. */
  until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        this.#waiting.delete(check);
        resolve(found);
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** The final answer of that Call-ID, among the messages from number `first` on. */
  response(callId: string, first = 0): Promise<SipResponse> {
    const isWanted = (message: SipMessage): message is SipResponse =>
      message.kind === 'response' && message.status >= 200 && message.headers.get('Call-ID') === callId;
    return this.until(() => this.messages.slice(first).find(isWanted));
  }

  /** The first request that `isWanted`. */
  request(isWanted: (request: SipRequest) => boolean): Promise<SipRequest> {
    const find = (message: SipMessage): message is SipRequest => message.kind === 'request' && isWanted(message);
    return this.until(() => this.messages.find(find));
  }
}

export class RawDatagrams {
  readonly inbox = new Inbox();
  readonly local: SocketAddress;
  /** Datagrams that came. */
  answers = 0;
  readonly #socket: Socket;
  #isCounting = false;

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.local = { address, port: socket.address().port };
    socket.on('message', (bytes) => {
      this.answers += 1;
      if (this.#isCounting) this.inbox.wake();
      else this.inbox.add(bytes);
    });
    socket.on('error', () => {});
  }

  static open(address: string): Promise<RawDatagrams> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address, port: 0 }, () => {
        socket.off('error', reject);
        resolve(new RawDatagrams(socket, address));
      });
    });
  }

  /** From now on what comes is counted and not kept. */
  countOnly(): void {
    this.#isCounting = true;
  }

  /** Resolves when the datagram has left. */
  send(bytes: Bytes, to: SocketAddress): Promise<void> {
    return new Promise((resolve) => this.#socket.send(bytes, to.port, to.address, () => resolve()));
  }

  close(): void {
    this.#socket.close();
  }
}

export class RawStream {
  readonly inbox = new Inbox();
  readonly socket: TLSSocket;
  readonly closed: Promise<void>;
  #isClosed = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    const framer = new StreamFramer();
    socket.on('data', (chunk: Buffer) => {
      for (const event of framer.push(chunk)) if (event.type === 'message') this.inbox.add(event.bytes);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.inbox.wake();
        resolve();
      });
    });
  }

  static open(
    to: SocketAddress,
    {
      ca,
      serverName,
      localAddress,
    }: { readonly ca: string; readonly serverName: string; readonly localAddress: string },
  ): Promise<RawStream> {
    return new Promise((resolve, reject) => {
      const options = { host: to.address, port: to.port, ca, servername: serverName, localAddress };
      const socket = connect(options, () => resolve(new RawStream(socket)));
      socket.once('error', reject);
      socket.on('error', () => {});
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: Bytes): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }
}
