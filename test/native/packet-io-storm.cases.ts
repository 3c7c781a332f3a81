// Random sequences of everything at once, repeatable by their seed. Whatever happens, a packet arrives where it was sent, from
// whom it was sent, unchanged; and in the end every open socket still works.

import type { MemorySafety } from '../../src/media/packet-io/open-packet-io.ts';
import { type DriverName, driverNames, type SocketId } from '../../src/media/packet-io/packet-io.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { openDriver, safeties } from './support/drivers.ts';
import { type Condition, play, type Stage } from './support/script.ts';

const seeds = [1, 2, 3];
const steps = 4_000;
const crowd = 12;

export const cases: readonly NativeCase[] = driverNames.flatMap((driver) =>
  safeties.flatMap((safety) =>
    seeds.map((seed) => ({
      name: `${driver} with ${safety} keeps packets and sources straight through a storm, seed ${seed}`,
      limitMs: 60_000,
      run: () => storm(driver, safety, seed),
    })),
  ),
);

async function storm(driver: DriverName, safety: MemorySafety, seed: number): Promise<void> {
  const few = { maxSockets: 64, packetSlots: 8, ownSlots: 16, addressSlots: 256, safety };
  const { io } = await openDriver(driver, few);
  await play(io, (stage) => new Storm(stage, new SeededRandom(seed)).run());
  checkEqual(io.counters.implausible, 0, 'implausible completions');
  io.dispose();
}

class Storm {
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #open = new Map<SocketId, { readonly port: number; readonly address: number }>();
  /** Where the peer's address of a latched socket stands. */
  readonly #latched = new Map<SocketId, number>();
  #checked = 0;

  constructor(stage: Stage, random: SeededRandom) {
    this.#stage = stage;
    this.#random = random;
    stage.onEach = (socket, offset, length) => this.#relay(socket, offset, length);
  }

  *run(): Generator<Condition, void, void> {
    for (let step = 0; step < steps; step += 1) {
      yield* this.#step();
      this.#check();
    }
    check(this.#checked > steps / 4, `only ${this.#checked} packets were seen: nothing is shown`);
    yield* this.#aftermath();
  }

  *#step(): Generator<Condition, void, void> {
    const dice = this.#random.below(100);
    if (this.#open.size < 2 || (dice < 4 && this.#open.size < crowd)) yield* this.#openOne();
    else if (dice < 7) this.#closeOne(this.#any());
    else if (dice < 14) this.#latch(this.#any(), this.#any());
    else if (dice < 20) this.#unlatch(this.#any());
    else if (dice < 28) yield* this.#stage.pause(0);
    else if (dice < 30) yield* this.#stage.pause(2);
    else this.#send(this.#any(), this.#any());
  }

  *#openOne(): Generator<Condition, void, void> {
    const socket = yield* this.#stage.open();
    check(!this.#open.has(socket), `id ${socket} was given twice`);
    const port = this.#stage.io.localPort(socket);
    this.#open.set(socket, { port, address: this.#stage.addressOf(socket) });
  }

  #closeOne(socket: SocketId): void {
    this.#unlatch(socket);
    this.#stage.io.close(socket);
    this.#stage.io.releaseAddress(this.#at(socket).address);
    this.#open.delete(socket);
  }

  #latch(socket: SocketId, peer: SocketId): void {
    this.#unlatch(socket);
    const { io } = this.#stage;
    const address = io.allocateAddress();
    io.copyAddress(this.#at(peer).address, address);
    io.latch(socket, address);
    this.#latched.set(socket, address);
  }

  #unlatch(socket: SocketId): void {
    const address = this.#latched.get(socket);
    if (address === undefined) return;
    this.#stage.io.unlatch(socket);
    this.#stage.io.releaseAddress(address);
    this.#latched.delete(socket);
  }

  #send(from: SocketId, to: SocketId): void {
    const { io } = this.#stage;
    const offset = io.acquire();
    if (offset < 0) return;
    const filler = '.'.repeat(this.#random.below(1200));
    const text = `${this.#at(from).port}>${this.#at(to).port}:${filler}|`;
    io.memory.bytes.set(Buffer.from(text), offset);
    const latched = this.#latched.get(from);
    const isLatchedPeer = latched !== undefined && io.sameAddress(latched, this.#at(to).address);
    io.send(from, offset, text.length, isLatchedPeer ? latched : this.#at(to).address);
  }

  /** Every third packet goes on, from where it lies, under a new head of the same length. */
  #relay(socket: SocketId, offset: number, length: number): void {
    if (length % 3 !== 0 || !this.#open.has(socket)) return;
    const to = this.#any();
    const head = `${this.#at(socket).port}>${this.#at(to).port}:`;
    const { bytes } = this.#stage.io.memory;
    if (bytes[offset + head.length - 1] !== 0x3a) return;
    bytes.set(Buffer.from(head), offset);
    // One byte more, so that it is not relayed for ever.
    bytes.set(Buffer.from('.|'), offset + length - 1);
    this.#stage.io.send(socket, offset, length + 1, this.#at(to).address);
  }

  #check(): void {
    for (const { socket, text, from } of this.#stage.received) {
      const match = /^(\d+)>(\d+):\.*\|$/.exec(text);
      check(match !== null, `a packet was damaged: "${text.slice(0, 40)}…"`);
      checkEqual(from, Number(match[1]), `the source of "${match[0].slice(0, 16)}"`);
      const open = this.#open.get(socket);
      check(open === undefined || open.port === Number(match[2]), `"${match[0].slice(0, 16)}" came to ${open?.port}`);
      this.#checked += 1;
    }
    this.#stage.received.length = 0;
  }

  *#aftermath(): Generator<Condition, void, void> {
    this.#stage.onEach = undefined;
    for (const socket of [...this.#latched.keys()]) this.#unlatch(socket);
    yield* this.#stage.pause(30);
    this.#check();
    for (const from of this.#open.keys()) {
      for (const to of this.#open.keys()) {
        this.#send(from, to);
        yield () => this.#stage.texts(to).some((text) => text.startsWith(`${this.#at(from).port}>`));
        this.#check();
      }
    }
    for (const socket of [...this.#open.keys()]) this.#closeOne(socket);
    yield* this.#stage.pause(10);
  }

  #any(): SocketId {
    return [...this.#open.keys()][this.#random.below(this.#open.size)] ?? 0;
  }

  #at(socket: SocketId): { readonly port: number; readonly address: number } {
    const open = this.#open.get(socket);
    if (open === undefined) throw new Error(`socket ${socket} is not open`);
    return open;
  }
}
