// The load on a relay, as a process of its own: phones send SRTP to its outside ports, a PBX plain RTP to its inside ports;
// what comes back is counted by source port and sequence number. Every phone has the same key and SSRC, so that one bank of
// protected packets serves all calls, and the generator protects nothing while it is measured.
//   node bench/relay/load.ts '{"mode":"flood", …LoadOptions}'   prints one LoadResult
import { cpuNanoseconds } from '../lib/cpu.ts';
import { parseJson } from '../lib/parse-json.ts';
import { quantile } from '../lib/statistics.ts';
import { batchSize, DatagramSocket } from './datagrams.ts';
import { type BankOptions, forgedBank, malformedBank, type Protection, protectedBank, rtpPacket } from './packets.ts';

/** `forged`, `replayed` and `malformed` come from the phones only, and nothing of them may come out. */
export type LoadMode = 'flood' | 'paced' | 'forged' | 'replayed' | 'malformed';

export interface LoadOptions {
  readonly mode: LoadMode;
  readonly protection: Protection;
  readonly seconds: number;
  readonly phone: { readonly address: string; readonly port: number };
  readonly pbx: { readonly address: string; readonly port: number };
  readonly outsideAddress: string;
  readonly insideAddress: string;
  readonly calls: readonly { readonly outsidePort: number; readonly insidePort: number }[];
  readonly masterKey: string;
  /** Sequence numbers go on from one load to the next. */
  readonly firstSequence: number;
  /** Flood: packets that may be under way. */
  readonly window: number;
}

export interface LoadResult {
  readonly sent: number;
  readonly received: number;
  readonly seconds: number;
  /** Share of its core that the generator used. */
  readonly generatorBusy: number;
  readonly nextSequence: number;
  /** Microseconds from send until the kernel has the relay's packet, whenever we read it; paced only. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly p999: number };
}

function run(load: LoadOptions): LoadResult {
  const isTimed = load.mode === 'paced';
  const phone = new DatagramSocket(load.phone.address, load.phone.port, 33_554_432, isTimed);
  const pbx = new DatagramSocket(load.pbx.address, load.pbx.port, 33_554_432, isTimed);
  const rounds =
    load.mode === 'flood' ? Math.min(20_000, 60_000 - load.firstSequence) : Math.ceil(load.seconds * 50) + 1;
  const { masterKey, protection, firstSequence } = load;
  const bank = bankOf[load.mode]({ masterKey, protection, ssrc: phoneSsrc, firstSequence, count: rounds });
  const sides = new Sides(load, phone, pbx, bank);
  const cpuBefore = cpuNanoseconds(process.pid);
  const start = process.hrtime.bigint();
  const sequence = load.mode === 'flood' ? sides.flood(rounds) : sides.paced(rounds);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const generatorBusy = (cpuNanoseconds(process.pid) - cpuBefore) / 1e9 / seconds;
  sides.drain();
  phone.close();
  pbx.close();
  return { ...sides.result(), seconds, generatorBusy, nextSequence: sequence };
}

class Sides {
  readonly #load: LoadOptions;
  readonly #phone: DatagramSocket;
  readonly #pbx: DatagramSocket;
  readonly #bank: readonly Uint8Array[];
  readonly #plain: Uint8Array[] = [];
  /** Both sides of a relay may have the same port, at their own address. */
  readonly #callOfPort = { phone: new Map<number, number>(), pbx: new Map<number, number>() };
  /** When each of the last 64 packets of each call and side was sent, in microseconds since 1970. */
  readonly #sentAt: Float64Array;
  readonly #latencies: number[] = [];
  #sent = 0;
  #received = 0;

  constructor(load: LoadOptions, phone: DatagramSocket, pbx: DatagramSocket, bank: readonly Uint8Array[]) {
    this.#load = load;
    this.#phone = phone;
    this.#pbx = pbx;
    this.#bank = bank;
    this.#sentAt = new Float64Array(load.calls.length * 2 * 64);
    for (const index of bank.keys()) this.#plain.push(rtpPacket(pbxSsrc, (load.firstSequence + index) & 0xffff));
    for (const [call, { outsidePort, insidePort }] of load.calls.entries()) {
      this.#callOfPort.phone.set(outsidePort, 2 * call + 1);
      this.#callOfPort.pbx.set(insidePort, 2 * call);
    }
  }

  /** As fast as the relay answers: at most `window` packets under way. */
  flood(rounds: number): number {
    const { calls, seconds, window, firstSequence } = this.#load;
    const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
    let stalls = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (let first = 0; first < calls.length; first += batchSize) {
        this.#send(round, first, Math.min(calls.length, first + batchSize));
        while (this.#sent - this.#received > window && stalls < maxStalls) {
          const came = this.#receiveAll(true);
          stalls = came === 0 ? stalls + 1 : 0;
        }
        // What did not come within the stalls is lost: the window must not close for good.
        if (stalls >= maxStalls) this.#forget();
        stalls = 0;
      }
      if (process.hrtime.bigint() > end) return firstSequence + round + 1;
    }
    return firstSequence + rounds;
  }

  /** Every call sends each 20 ms, spread evenly over the 20 ms. */
  paced(rounds: number): number {
    const { calls, firstSequence } = this.#load;
    const start = now();
    const slices = 20;
    for (let round = 0; round < rounds; round += 1) {
      for (let slice = 0; slice < slices; slice += 1) {
        const due = start + round * 20_000 + slice * 1_000;
        while (now() < due) {
          if (this.#receiveAll(false) === 0 && due - now() > 150) Atomics.wait(sleeper, 0, 0, 0.1);
        }
        const from = Math.floor((calls.length * slice) / slices);
        const to = Math.floor((calls.length * (slice + 1)) / slices);
        for (let first = from; first < to; first += batchSize)
          this.#send(round, first, Math.min(to, first + batchSize));
        this.#receiveAll(false);
      }
    }
    return firstSequence + rounds;
  }

  /** Waits for what is still under way. */
  drain(): void {
    for (let idle = 0; idle < 10 && this.#received < this.#sent; ) {
      idle = this.#receiveAll(true) === 0 ? idle + 1 : 0;
    }
  }

  result(): Pick<LoadResult, 'sent' | 'received' | 'latency'> {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const latency = { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), p999: quantile(sorted, 0.999) };
    return { sent: this.#sent, received: this.#received + this.#lost, latency };
  }

  /** Negative: packets that were given up and came in the end all the same. */
  #lost = 0;

  #forget(): void {
    const missing = this.#sent - this.#received;
    this.#received += missing;
    this.#lost -= missing;
  }

  #send(round: number, first: number, last: number): void {
    const { calls, outsideAddress, insideAddress, mode } = this.#load;
    const secured = this.#bank[round];
    const plain = this.#plain[round];
    if (secured === undefined || plain === undefined) return;
    const at = this.#phone.now();
    const slot = (this.#load.firstSequence + round) & 63;
    for (let index = first; index < last; index += 1) {
      const call = calls[index];
      if (call === undefined) continue;
      this.#phone.add(secured, secured.length, outsideAddress, call.outsidePort);
      if (mode === 'flood' || mode === 'paced') this.#pbx.add(plain, plain.length, insideAddress, call.insidePort);
      this.#sentAt[2 * index * 64 + slot] = at;
      this.#sentAt[(2 * index + 1) * 64 + slot] = at;
    }
    this.#sent += this.#phone.flush() + this.#pbx.flush();
  }

  #receiveAll(waits: boolean): number {
    let total = 0;
    for (const socket of [this.#phone, this.#pbx]) {
      for (;;) {
        const count = socket.receive(waits && total === 0);
        if (this.#load.mode === 'paced') this.#time(socket, count);
        total += count;
        if (count < batchSize) break;
      }
    }
    this.#received += total;
    return total;
  }

  #time(socket: DatagramSocket, count: number): void {
    const callOfPort = this.#callOfPort[socket === this.#phone ? 'phone' : 'pbx'];
    for (let slot = 0; slot < count; slot += 1) {
      const call = callOfPort.get(socket.sourcePort(slot));
      if (call === undefined) continue;
      const at = socket.arrival(slot);
      this.#latencies.push(at - (this.#sentAt[call * 64 + (socket.sequence(slot) & 63)] ?? at));
    }
  }
}

const phoneSsrc = 0x1111;
const pbxSsrc = 0x2222;
const maxStalls = 5;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Microseconds. */
function now(): number {
  return performance.now() * 1_000;
}

/** What was sent before is sent again as a replay: the same sequence numbers give the same bytes. */
const bankOf: Readonly<Record<LoadMode, (options: BankOptions) => readonly Uint8Array[]>> = {
  flood: protectedBank,
  paced: protectedBank,
  replayed: protectedBank,
  forged: forgedBank,
  malformed: malformedBank,
};

const options = parseJson<LoadOptions>(process.argv[2] ?? '{}');
process.stdout.write(`${JSON.stringify(run(options))}\n`);
