// The sending half of the live fuzz, in a process of its own, so that what grows beside it is the SBC's: sends as many mutants as it is
// told to over one transport, and says when they were taken.
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { corpus, type Dice, dice, mutant } from '../fuzz/sip-message-mutation.ts';
import { stranger } from './attack-site.ts';
import { rawRequest, textOf } from './raw-request.ts';

export type FuzzedTransport = 'udp' | 'tcp' | 'tls';

/** The first message that it is told. */
export interface ClientOrder {
  readonly transport: FuzzedTransport;
  readonly to: SocketAddress;
  /** Where datagrams are answered: one that asks says that all before it were taken. */
  readonly probe: SocketAddress;
  readonly seed: number;
}

/** Any other: send so many. Answered by the same, or by what went wrong. */
export interface ClientStep {
  readonly messages: number;
}

export type ClientAnswer = { readonly sent: number } | { readonly error: string };

/** Few, since what follows a message that broke the framing is not read any more. */
const batch = 4;
export const patience = 5_000;
const longestDatagram = 60_000;

type Send = (mutants: readonly Buffer[]) => Promise<void>;

/** An OPTIONS now and then, whose answer says that everything before it was taken: no buffer overflows. */
function overUdp(probe: Probe, to: SocketAddress): Send {
  let unanswered = 0;
  return async (mutants) => {
    for (const bytes of mutants) probe.socket.send(bytes.subarray(0, longestDatagram), to.port, to.address);
    unanswered += mutants.length;
    if (unanswered < 100) return;
    unanswered = 0;
    await probe.answered();
  };
}

/** A connection for each batch, from ever new addresses, since ports of connections that closed rest for a minute. */
function overStreams(transport: 'tcp' | 'tls', to: SocketAddress): Send {
  let connections = 0;
  return (mutants) => {
    connections += 1;
    const localAddress = `127.1.${(connections >> 8) & 255}.${1 + (connections & 127)}`;
    const target = { host: to.address, port: to.port, localAddress };
    return new Promise((resolve, reject) => {
      const write = (): void => void socket.end(Buffer.concat(mutants));
      const socket: Socket =
        transport === 'tls' ? connectTls({ ...target, rejectUnauthorized: false }, write) : connect(target, write);
      const deadline = setTimeout(() => reject(new Error('a connection was not closed in time')), 4 * patience);
      socket.on('error', () => {});
      socket.on('data', () => {});
      socket.on('close', () => {
        clearTimeout(deadline);
        resolve();
      });
    });
  };
}

/** A socket that asks whether the SBC still answers. */
export class Probe {
  readonly socket: Datagrams;
  readonly #to: SocketAddress;
  #awaited = '';
  #arrived: () => void = () => {};

  private constructor(socket: Datagrams, to: SocketAddress) {
    this.socket = socket;
    this.#to = to;
    socket.on('error', () => {});
    socket.on('message', (bytes) => {
      if (this.#awaited !== '' && bytes.includes(this.#awaited)) this.#arrived();
    });
  }

  static open(to: SocketAddress): Promise<Probe> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 });
    return new Promise((resolve) => socket.bind({ address: stranger, port: 0 }, () => resolve(new Probe(socket, to))));
  }

  /** Resolves when the SBC answered, and rejects when it does not although it was asked again. */
  answered(): Promise<void> {
    const request = rawRequest();
    const text = textOf(request);
    this.#awaited = request.callId;
    return new Promise((resolve, reject) => {
      const ask = (): void => this.socket.send(text, this.#to.port, this.#to.address);
      const again = setInterval(ask, 500);
      const deadline = setTimeout(() => {
        clearInterval(again);
        reject(new Error('the SBC does not answer any more'));
      }, patience);
      this.#arrived = () => {
        clearInterval(again);
        clearTimeout(deadline);
        this.#awaited = '';
        resolve();
      };
      ask();
    });
  }

  close(): void {
    this.socket.close();
  }
}

function isOrder(told: ClientOrder | ClientStep): told is ClientOrder {
  return 'transport' in told;
}

async function serve(): Promise<void> {
  const samples = corpus();
  let send: Send | undefined;
  let roll: Dice = dice(1);
  const answer = (what: ClientAnswer): void => void process.send?.(what);
  const step = async (messages: number): Promise<void> => {
    for (let sent = 0; sent < messages; sent += batch) {
      const size = Math.min(batch, messages - sent);
      await send?.(Array.from({ length: size }, () => mutant(samples, roll)));
    }
  };
  process.on('message', (told: ClientOrder | ClientStep) => {
    if (!isOrder(told)) {
      step(told.messages).then(
        () => answer({ sent: told.messages }),
        (thrown: unknown) => answer({ error: String(thrown) }),
      );
      return;
    }
    const { transport, to, probe, seed } = told;
    roll = dice(seed);
    void Probe.open(probe).then((opened) => {
      send = transport === 'udp' ? overUdp(opened, to) : overStreams(transport, to);
      answer({ sent: 0 });
    });
  });
  process.on('disconnect', () => process.exit());
  await Promise.resolve();
}

if (process.argv[1] === import.meta.filename) await serve();
