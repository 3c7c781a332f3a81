// What the three drivers have in common: the memory, the counters, socket addresses, and what they are built from.
import type { Clock } from '../../core/clock.ts';
import type { Result } from '../../core/result.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { Arena } from '../native/arena.ts';
import { AddressSlots } from './address-slots.ts';
import type { DescriptorLedger } from './descriptor-ledger.ts';
import {
  type DriverName,
  type OpenError,
  type PacketHandlers,
  type PacketIo,
  type PacketIoCounters,
  packetTailroomBytes,
  type SocketId,
  type SocketOptions,
  type WakeHandle,
} from './packet-io.ts';

export interface DriverSettings {
  readonly arena: Arena;
  readonly clock: Clock;
  /** Sockets at a time; with it the tables are sized. */
  readonly maxSockets: number;
  /** Packets on their way through the kernel at a time; a power of two up to 32768. */
  readonly packetSlots: number;
  /** Packets of our own in one batch. */
  readonly ownSlots: number;
  readonly addressSlots: number;
  /** Where open descriptors are written down for whoever outlives this thread. */
  readonly ledger?: DescriptorLedger | undefined;
  /** Overwrites behind the end of a slot are looked for after each packet. For tests. */
  readonly hasCanaries: boolean;
  /** The size of the completion ring; tests make it small. */
  readonly completionEntries?: number | undefined;
}

/** The bytes of one packet slot: the longest datagram that is taken, and the tailroom. */
export const packetSlotBytes = 2048;

/** What a receive may fill of a slot: the longest datagram, with whatever the driver puts in front of it. */
export const receiveCapacity = packetSlotBytes - packetTailroomBytes;

/** Received datagrams handled in one go by one socket before others get their turn. */
export const receiveBudget = 32;

/** Of fewer packets nothing is gained by reading for all of them first. */
export const worthAnnouncing = 4;

/** Hands one datagram up. */
export type Deliver = (socket: SocketId, offset: number, length: number, source: number) => void;

export abstract class PacketIoBase implements PacketIo {
  abstract readonly driver: DriverName;
  abstract readonly wakeHandle: WakeHandle;
  readonly memory: Arena;
  readonly counters: PacketIoCounters = {
    received: 0,
    receivedBytes: 0,
    sent: 0,
    sentBytes: 0,
    sendErrors: 0,
    receiveErrors: 0,
    portUnreachable: 0,
    truncated: 0,
    bufferShortages: 0,
    acquireFailures: 0,
    implausible: 0,
    sendsToClosed: 0,
  };
  protected readonly addresses: AddressSlots;
  protected readonly clock: Clock;

  constructor(settings: DriverSettings) {
    this.memory = settings.arena;
    this.clock = settings.clock;
    this.addresses = new AddressSlots(settings.arena, settings.addressSlots);
  }

  allocateAddress(): number {
    return this.addresses.allocate();
  }

  releaseAddress(offset: number): void {
    this.addresses.release(offset);
  }

  writeAddress(offset: number, address: SocketAddress): boolean {
    return this.addresses.write(offset, address);
  }

  readAddress(offset: number): SocketAddress {
    return this.addresses.read(offset);
  }

  sameAddress(a: number, b: number): boolean {
    return this.addresses.same(a, b);
  }

  copyAddress(from: number, to: number): void {
    this.addresses.copy(from, to);
  }

  abstract open(
    address: string,
    port: number,
    options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void;
  abstract localPort(socket: SocketId): number;
  abstract latch(socket: SocketId, address: number): void;
  abstract unlatch(socket: SocketId): void;
  abstract send(socket: SocketId, offset: number, length: number, destination: number): void;
  abstract acquire(): number;
  abstract close(socket: SocketId): void;
  abstract run(handlers: PacketHandlers): Promise<void>;
  abstract stop(): void;
  abstract leave(): void;
  abstract dispose(): void;
}
