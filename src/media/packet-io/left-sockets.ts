// What a worker left behind when its thread ended: sockets that are still bound, with what is queued in them, and its ring. A
// successor unmaps the ring first, so that no receive of it stands on a socket that somebody else reads, then takes the sockets.
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import type { Arena } from '../native/arena.ts';
import type { Libc } from '../native/libc.ts';
import { UdpSockets } from '../native/udp-socket.ts';
import { DescriptorLedger, ledgerPlace } from './descriptor-ledger.ts';
import type { PacketIo } from './packet-io.ts';

export interface LeftSockets {
  /** The descriptor that is bound there, which is the caller's from now on; undefined: there is none. */
  take(local: SocketAddress): number | undefined;
}

/**
 * Takes over from the worker whose ledger is in `buffer`: its thread has ended, and nobody else touches what it left. Keeps one
 * address slot of `io`.
 */
export function takeOverSockets(libc: Libc, arena: Arena, io: PacketIo, buffer: SharedArrayBuffer): LeftSockets {
  const ledger = new DescriptorLedger(buffer);
  endRing(libc, ledger);
  const udp = new UdpSockets(libc, arena);
  const slot = io.allocateAddress();
  const places = new Map<string, number>();
  for (let socket = 0; socket < ledger.maxSockets; socket += 1) {
    // What took the strays beside it would share its port with the successor's own.
    closeAt(libc, ledger, ledgerPlace.firstSocket + ledger.maxSockets + socket);
    const place = ledgerPlace.firstSocket + socket;
    const descriptor = ledger.at(place);
    if (descriptor < 0 || !udp.localAddress(descriptor, slot)) continue;
    places.set(formatSocketAddress(io.readAddress(slot)), place);
  }
  return {
    take: (local) => {
      // An address has several texts; the one that the driver reads back counts.
      const isNumeric = io.writeAddress(slot, local);
      const place = isNumeric ? places.get(formatSocketAddress(io.readAddress(slot))) : undefined;
      const descriptor = place === undefined ? -1 : ledger.take(place);
      return descriptor < 0 ? undefined : descriptor;
    },
  };
}

/** A ring whose memory is mapped keeps its requests, and every socket in its file table, whoever closed its descriptor. */
function endRing(libc: Libc, ledger: DescriptorLedger): void {
  const mappings = ledger.takeMappings();
  if (mappings.length > 0) closeAt(libc, ledger, ledgerPlace.ring);
  for (const { address, length } of mappings) libc.munmap(address, length);
}

function closeAt(libc: Libc, ledger: DescriptorLedger, place: number): void {
  const descriptor = ledger.take(place);
  if (descriptor >= 0) libc.close(descriptor);
}
