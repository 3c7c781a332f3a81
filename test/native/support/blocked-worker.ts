// A worker whose driver waits for nothing, as long as it may. Its first message is its wake handle.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../src/core/clock.ts';
import { DescriptorLedger } from '../../../src/media/packet-io/descriptor-ledger.ts';
import { openPacketIo } from '../../../src/media/packet-io/open-packet-io.ts';
import type { DriverName } from '../../../src/media/packet-io/packet-io.ts';

const order: unknown = workerData;
if (!isOrder(order)) throw new Error('a driver and a ledger are expected');
const { driver, ledger } = order;
const { io } = await openPacketIo(driver, {
  clock: systemClock,
  maxSockets: 4,
  callerBytes: 4096,
  packetSlots: 8,
  ledger: new DescriptorLedger(ledger),
});
io.open('127.0.0.1', 0, { dscp: 0, receiveBufferBytes: 65536 }, () => parentPort?.postMessage(io.wakeHandle));
let controls = 0;
await io.run({
  onPacket: () => {},
  onControl: () => {
    controls += 1;
    parentPort?.postMessage(controls);
  },
  onDeadline: () => Number.POSITIVE_INFINITY,
});

function isOrder(data: unknown): data is { readonly driver: DriverName; readonly ledger: SharedArrayBuffer } {
  return typeof data === 'object' && data !== null && 'driver' in data && 'ledger' in data;
}
