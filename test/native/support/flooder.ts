// A thread that sends one text to one port as fast as it can: a stranger, or a peer that never rests.
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createArena } from '../../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../../src/media/native/libc.ts';
import { MSG_DONTWAIT } from '../../../src/media/native/linux-abi.ts';
import { UdpSockets } from '../../../src/media/native/udp-socket.ts';
import { AddressSlots } from '../../../src/media/packet-io/address-slots.ts';

interface FloodOrder {
  readonly port: number;
  readonly text: string;
  /** [0]: 1 ends it. [1]: the port that it sends from. */
  readonly shared: Int32Array<SharedArrayBuffer>;
}

export interface Flood {
  readonly port: number;
  stop(): Promise<void>;
}

/** Floods `port` of the loopback; resolves when the first datagrams are on their way. */
export async function flood(port: number, text: string): Promise<Flood> {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const order: FloodOrder = { port, text, shared };
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: order });
  while (Atomics.load(shared, 1) === 0) await new Promise((resolve) => setImmediate(resolve));
  return {
    port: Atomics.load(shared, 1),
    stop: async () => {
      Atomics.store(shared, 0, 1);
      await worker.terminate();
    },
  };
}

const order: unknown = workerData;
if (!isMainThread && isOrder(order)) sendUntilStopped(order);

function isOrder(data: unknown): data is FloodOrder {
  return typeof data === 'object' && data !== null && 'port' in data && 'text' in data && 'shared' in data;
}

function sendUntilStopped({ port, text, shared }: FloodOrder): void {
  const libc = loadLibc();
  const arena = createArena(65536);
  const addresses = new AddressSlots(arena, 2);
  const [local, to] = [addresses.allocate(), addresses.allocate()];
  addresses.write(local, { address: '127.0.0.1', port: 0 });
  addresses.write(to, { address: '127.0.0.1', port });
  const opened = new UdpSockets(libc, arena).open(local, 16, { dscp: 0, receiveBufferBytes: 4096 });
  if (!opened.ok) throw new Error(opened.error.detail);
  const payload = arena.allocate(text.length);
  arena.bytes.set(Buffer.from(text), payload);
  Atomics.store(shared, 1, opened.value.port);
  while (Atomics.load(shared, 0) === 0) {
    for (let count = 0; count < 8; count += 1) {
      const [from, target] = [arena.address(payload, text.length), arena.address(to, 16)];
      libc.sendto(opened.value.fd, from, text.length, MSG_DONTWAIT, target, 16);
    }
    // A moment for the others: there are few cores, and the point is to be there at any time, not to fill them.
    Atomics.wait(shared, 0, 0, 0.05);
  }
}
