// Remote control of baresip: its ctrl_tcp module takes and gives JSON in netstrings, and reports events unasked.
import { connect, type Socket } from 'node:net';
import { eventually } from './peer-process.ts';

export interface BaresipEvent {
  /** For example CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, REGISTER_OK. */
  readonly type: string;
  readonly peer: string;
  /** Free text: the reason of a CALL_CLOSED. */
  readonly detail: string;
  /** Monotonic milliseconds of its arrival. */
  readonly at: number;
}

const REPLY_LIMIT_MS = 5_000;

export class BaresipControl {
  readonly events: BaresipEvent[] = [];
  readonly #socket: Socket;
  readonly #replies = new Map<string, string>();
  #buffered = Buffer.alloc(0);
  #commands = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => {}); // the process behind it tells its own end
  }

  static async connect(address: string, port: number, limitMs: number): Promise<BaresipControl> {
    const socket = await eventually(`baresip to listen on ${address}:${port}`, limitMs, () => attempt(address, port));
    return new BaresipControl(socket);
  }

  /** Gives a menu command ("dial", "hangup", "accept", "reginfo", …) and answers what it printed. */
  async command(command: string, params = ''): Promise<string> {
    this.#commands += 1;
    const token = `c${this.#commands}`;
    const message = Buffer.from(JSON.stringify({ command, params, token }));
    this.#socket.write(Buffer.concat([Buffer.from(`${message.length}:`), message, Buffer.from(',')]));
    return eventually(`baresip to answer ${command}`, REPLY_LIMIT_MS, () => this.#replies.get(token));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    for (;;) {
      const colon = this.#buffered.indexOf(':');
      const size = Number(this.#buffered.toString('latin1', 0, Math.max(colon, 0)));
      if (colon < 1 || this.#buffered.length < colon + 1 + size + 1) return;
      const message: unknown = JSON.parse(this.#buffered.toString('utf8', colon + 1, colon + 1 + size));
      this.#buffered = this.#buffered.subarray(colon + 1 + size + 1);
      this.#take(message);
    }
  }

  #take(message: unknown): void {
    const field = (name: string) => {
      if (typeof message !== 'object' || message === null) return '';
      return String(Object.getOwnPropertyDescriptor(message, name)?.value ?? '');
    };
    if (field('event') === 'true') {
      this.events.push({
        type: field('type'),
        peer: field('peeruri'),
        detail: field('param'),
        at: performance.now(),
      });
    } else this.#replies.set(field('token'), field('data'));
  }
}

function attempt(address: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, address);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}
