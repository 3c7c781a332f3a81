// rtpengine's control protocol (bencode over UDP), as far as offer, answer and delete need it.
import { createSocket, type Socket } from 'node:dgram';

export type Bencoded = string | readonly Bencoded[] | { readonly [key: string]: Bencoded };

export class NgClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (reply: string) => void>();
  #cookie = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message) => {
      const text = message.toString('latin1');
      const space = text.indexOf(' ');
      this.#waiting.get(text.slice(0, space))?.(text.slice(space + 1));
    });
  }

  static connect(address: string, port: number): Promise<NgClient> {
    const socket = createSocket('udp4');
    return new Promise((resolve) => socket.connect(port, address, () => resolve(new NgClient(socket))));
  }

  /** The SDP of the reply. Rejects when rtpengine refuses or does not answer. */
  async describe(command: 'offer' | 'answer', fields: { readonly [key: string]: Bencoded }): Promise<string> {
    const reply = await this.#ask(command, fields);
    const found = /3:sdp(\d+):/.exec(reply);
    if (found === null) throw new Error(`rtpengine refused the ${command}: ${reply.slice(0, 300)}`);
    const start = found.index + found[0].length;
    return reply.slice(start, start + Number(found[1]));
  }

  async delete(callId: string): Promise<void> {
    await this.#ask('delete', { 'call-id': callId });
  }

  close(): void {
    this.#socket.close();
  }

  #ask(command: string, fields: { readonly [key: string]: Bencoded }): Promise<string> {
    this.#cookie += 1;
    const cookie = `bench${this.#cookie}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${command}`)), 3_000);
      this.#waiting.set(cookie, (reply) => {
        clearTimeout(timer);
        this.#waiting.delete(cookie);
        resolve(reply);
      });
      this.#socket.send(`${cookie} ${encode({ command, ...fields })}`);
    });
  }
}

function encode(value: Bencoded): string {
  if (typeof value === 'string') return `${Buffer.byteLength(value)}:${value}`;
  if (Array.isArray(value)) return `l${value.map(encode).join('')}e`;
  const keys = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `d${keys.map(([key, each]) => encode(key) + encode(each)).join('')}e`;
}
