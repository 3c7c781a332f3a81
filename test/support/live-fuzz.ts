// Mutated SIP messages over real sockets into a whole SBC that carries a call meanwhile: it must answer afterwards, not grow, and
// the call must not notice. What the mutants are is `test/fuzz/sip-message-mutation.ts`.
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { SocketAddress } from '../../src/core/socket-address.ts';
import { corpus, type Dice, dice, mutant } from '../fuzz/sip-message-mutation.ts';
import { AttackSite, stranger } from './attack-site.ts';
import type { PhoneCall } from './phone-call.ts';
import { rawRequest, textOf } from './raw-request.ts';

export type FuzzedTransport = 'udp' | 'tcp' | 'tls';

export interface LiveFuzzOptions {
  readonly transport: FuzzedTransport;
  readonly messages: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface LiveFuzzOutcome {
  readonly sent: number;
  /** What grew for each 100,000 messages after the warm-up; undefined where there were too few to tell. */
  readonly growthMb: number | undefined;
  /** RTP packets that came back to the phone meanwhile. */
  readonly heard: number;
}

/** Rejects with what went wrong: no answer any more, a mistake of ours in the log, a call that fell silent. */
export async function fuzzLive({ transport, messages, seed, say }: LiveFuzzOptions): Promise<LiveFuzzOutcome> {
  const site = await AttackSite.start({ extra: tcpListener });
  const probe = await Probe.open(site.udp);
  const send = transport === 'udp' ? overUdp(probe, site.udp) : overStreams(transport, site);
  const roll = dice(seed);
  const samples = corpus();
  const resident: number[] = [];
  let voice: NodeJS.Timeout | undefined;
  try {
    const alice = await site.phone('alice');
    const call = await alice.call('600').answered;
    voice = setInterval(() => void call.talk(1), voiceMillis);
    const step = Math.min(stepMessages, messages);
    let sent = 0;
    while (sent < messages) {
      const end = Math.min(messages, sent + step);
      for (; sent < end; sent += batch) await send(batchOf(samples, roll, Math.min(batch, end - sent)));
      sent = end;
      await checkUnharmed(site, probe, call);
      resident.push(residentMb());
      // Where it is tells what grew: live objects, buffers, or pages that the allocator keeps.
      const { heapUsed, external } = process.memoryUsage();
      const [whole, live, buffers] = [resident.at(-1) ?? 0, heapUsed / 1e6, external / 1e6].map((mb) => mb.toFixed(1));
      say(`${transport}: ${sent} messages, ${whole} MB resident, ${live} MB of live objects, ${buffers} MB of buffers`);
    }
    clearInterval(voice);
    const heard = call.heard.packets;
    await call.hangUp();
    return { sent, growthMb: growth(resident, step), heard };
  } finally {
    clearInterval(voice);
    probe.close();
    await site.close();
  }
}

const tcpListener = `
[[listener]]
name = "tcp-phones"
network = "plain"
transport = "tcp"
address = "127.0.0.1:0"`;
const stepMessages = 50_000;
const voiceMillis = 500;
/** Few, since what follows a message that broke the framing is not read any more. */
const batch = 4;
const patience = 5_000;

type Send = (mutants: readonly Buffer[]) => Promise<void>;

function batchOf(samples: ReturnType<typeof corpus>, roll: Dice, size: number): readonly Buffer[] {
  return Array.from({ length: size }, () => mutant(samples, roll));
}

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

const longestDatagram = 60_000;

/** A connection for each batch, from ever new addresses, since ports of connections that closed rest for a minute. */
function overStreams(transport: 'tcp' | 'tls', site: AttackSite): Send {
  const to = transport === 'tls' ? site.tls : site.listening('tcp-phones');
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

class Probe {
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

async function checkUnharmed(site: AttackSite, probe: Probe, call: PhoneCall): Promise<void> {
  await probe.answered();
  const mistakes = site.log.filter((line) => /handling-failed|user-failed|defect|threw/.test(line));
  if (mistakes.length + site.faults.length > 0)
    throw new Error([...mistakes, ...site.faults].join('\n').slice(0, 4_000));
  site.log.length = 0;
  const before = call.heard.packets;
  await call.talk(20);
  const end = performance.now() + patience;
  while (call.heard.packets < before + 10) {
    if (performance.now() > end) throw new Error(`the call fell silent: ${call.heard.packets - before} of 20 packets`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function residentMb(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
  return process.memoryUsage.rss() / 1e6;
}

/** The slope of the last four fifths; fewer than 300,000 messages are all warm-up. */
function growth(resident: readonly number[], step: number): number | undefined {
  if (resident.length * step < 300_000) return undefined;
  const warm = resident.slice(Math.floor(resident.length / 5));
  const middle = (warm.length - 1) / 2;
  const mean = warm.reduce((sum, value) => sum + value, 0) / warm.length;
  const rise = warm.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const run = warm.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return (rise / run) * (100_000 / step);
}
