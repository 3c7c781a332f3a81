// The program under measurement of packet-io.ts: forwards between the two sockets of each call, and does nothing else with
// the packets. Prints one line of JSON (its ports), then runs until it is ended. Arguments: driver calls latched|unlatched port.
import { parseArgs } from 'node:util';
import { type Millis, systemClock } from '../../src/core/clock.ts';
import { openPacketIo } from '../../src/media/packet-io/open-packet-io.ts';
import {
  type DriverName,
  driverNames,
  type PacketHandlers,
  type PacketIo,
} from '../../src/media/packet-io/packet-io.ts';

class Relay implements PacketHandlers {
  readonly #io: PacketIo;
  readonly #peer: number;

  constructor(io: PacketIo, peer: number) {
    this.#io = io;
    this.#peer = peer;
  }

  onPacket(socket: number, offset: number, length: number, source: number): void {
    if (source !== this.#peer && !this.#io.sameAddress(source, this.#peer)) return;
    this.#io.send(socket ^ 1, offset, length, this.#peer);
  }

  onControl(): void {}

  onDeadline(now: Millis): Millis {
    return now + 50;
  }
}

const { positionals } = parseArgs({ allowPositionals: true });
const [driverText = 'io_uring', callsText = '500', modeText = 'latched', peerPortText = '0'] = positionals;
const driver: DriverName = driverNames.find((name) => name === driverText) ?? 'io_uring';
const legs = 2 * Number(callsText);
const { io } = await openPacketIo(driver, { clock: systemClock, maxSockets: legs, callerBytes: 4096 });

const peer = io.allocateAddress();
io.writeAddress(peer, { address: '127.0.0.1', port: Number(peerPortText) });
const ports = await Promise.all(Array.from({ length: legs }, () => openLeg()));
process.stdout.write(`${JSON.stringify(ports)}\n`);
await io.run(new Relay(io, peer));

/** Resolves to the port of a new leg. */
function openLeg(): Promise<number> {
  return new Promise((resolve, reject) => {
    io.open('127.0.0.1', 0, { dscp: 46, receiveBufferBytes: 1 << 20 }, (opened) => {
      if (!opened.ok) return reject(new Error(opened.error.detail));
      if (modeText === 'latched') io.latch(opened.value, peer);
      resolve(io.localPort(opened.value));
    });
  });
}
