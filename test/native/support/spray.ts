// A thread that sends one packet to each of many ports in turn, at a steady rate, and hears whether anything ever comes back.
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createArena } from '../../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../../src/media/native/libc.ts';
import { MSG_DONTWAIT } from '../../../src/media/native/linux-abi.ts';
import { UdpSockets } from '../../../src/media/native/udp-socket.ts';
import { AddressSlots } from '../../../src/media/packet-io/address-slots.ts';
import { loopback } from './plane.ts';

interface SprayOrder {
  readonly ports: readonly number[];
  readonly packet: Uint8Array;
  readonly perSecond: number;
  /** [0]: 1 ends it. [1]: how many were sent. [2]: how many came back. */
  readonly sprayed: Int32Array<SharedArrayBuffer>;
}

export interface Spray {
  /** Ends it: what was sent, and what came back. */
  stop(): Promise<{ readonly sent: number; readonly heard: number }>;
}

export async function spray(ports: readonly number[], packet: Uint8Array, perSecond: number): Promise<Spray> {
  const sprayed = new Int32Array(new SharedArrayBuffer(12));
  const order: SprayOrder = { ports, packet, perSecond, sprayed };
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: order });
  while (Atomics.load(sprayed, 1) === 0) await new Promise((resolve) => setImmediate(resolve));
  return {
    stop: async () => {
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      Atomics.store(sprayed, 0, 1);
      await ended;
      return { sent: Atomics.load(sprayed, 1), heard: Atomics.load(sprayed, 2) };
    },
  };
}

const order: unknown = workerData;
if (!isMainThread && isOrder(order)) sprayUntilStopped(order);

function isOrder(data: unknown): data is SprayOrder {
  return typeof data === 'object' && data !== null && 'ports' in data && 'packet' in data && 'sprayed' in data;
}

function sprayUntilStopped({ ports, packet, perSecond, sprayed }: SprayOrder): void {
  const libc = loadLibc();
  const arena = createArena(1 << 20);
  const addresses = new AddressSlots(arena, ports.length + 1);
  const local = addresses.allocate();
  addresses.write(local, { address: loopback, port: 0 });
  const targets = ports.map((port) => {
    const slot = addresses.allocate();
    addresses.write(slot, { address: loopback, port });
    return arena.address(slot, 16);
  });
  const opened = new UdpSockets(libc, arena).open(local, 16, { dscp: 0, receiveBufferBytes: 65_536 });
  if (!opened.ok) throw new Error(opened.error.detail);
  const payload = arena.allocate(packet.length);
  arena.bytes.set(packet, payload);
  const reply = arena.allocate(2048);
  const start = performance.now();
  let sent = 0;
  while (Atomics.load(sprayed, 0) === 0) {
    const due = ((performance.now() - start) * perSecond) / 1000;
    for (; sent < due; sent += 1) {
      const to = targets[sent % targets.length] ?? 0;
      const from = arena.address(payload, packet.length);
      if (libc.sendto(opened.value.fd, from, packet.length, MSG_DONTWAIT, to, 16) >= 0) Atomics.add(sprayed, 1, 1);
    }
    while (libc.recv(opened.value.fd, arena.address(reply, 2048), 2048, MSG_DONTWAIT) >= 0) Atomics.add(sprayed, 2, 1);
    Atomics.wait(sprayed, 0, 0, 1);
  }
  libc.close(opened.value.fd);
}
