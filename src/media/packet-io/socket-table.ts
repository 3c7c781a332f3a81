// The sockets of a native driver: id → descriptor, bound address, generation. Ids are reused oldest first, so that a stale one
// meets a closed socket for as long as possible, and their generation tells old completions from new ones.
import { err, ok, type Result } from '../../core/result.ts';
import type { UdpSockets } from '../native/udp-socket.ts';
import type { AddressSlots } from './address-slots.ts';
import { type DescriptorLedger, ledgerPlace } from './descriptor-ledger.ts';
import { type OpenError, type SocketId, type SocketOptions, socketAddressBytes } from './packet-io.ts';
import type { DriverSettings } from './packet-io-base.ts';

export class SocketTable {
  /** -1: no socket has this id. */
  readonly descriptors: Int32Array;
  readonly generations: Int32Array;
  readonly ports: Int32Array;
  /** The length of the family's socket address. */
  readonly addressLengths: Int32Array;
  readonly capacity: number;
  readonly #udp: UdpSockets;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #addresses: AddressSlots;
  readonly #locals: number;
  readonly #view: DataView;
  readonly #free: Int32Array;
  #firstFree = 0;
  #freeCount: number;

  constructor(udp: UdpSockets, addresses: AddressSlots, settings: DriverSettings) {
    const { arena, maxSockets: capacity } = settings;
    this.capacity = capacity;
    this.#ledger = settings.ledger;
    this.descriptors = new Int32Array(capacity).fill(-1);
    this.generations = new Int32Array(capacity);
    this.ports = new Int32Array(capacity);
    this.addressLengths = new Int32Array(capacity);
    this.#udp = udp;
    this.#addresses = addresses;
    this.#locals = arena.allocateTable(capacity * socketAddressBytes, socketAddressBytes);
    this.#view = arena.view;
    this.#free = new Int32Array(capacity);
    for (let index = 0; index < capacity; index += 1) this.#free[index] = index;
    this.#freeCount = capacity;
  }

  get size(): number {
    return this.capacity - this.#freeCount;
  }

  /** Opens and binds a socket under a free id. */
  open(address: string, port: number, options: SocketOptions): Result<SocketId, OpenError> {
    if (this.#freeCount === 0) {
      return err({ code: 'descriptors-exhausted', detail: `all ${this.capacity} media sockets are in use` });
    }
    const socket = this.#free[this.#firstFree] ?? 0;
    const local = this.local(socket);
    if (!this.#addresses.write(local, { address, port })) {
      return err({
        code: 'not-available',
        detail: `expected a numeric address and a port, got "${address}" and ${port}`,
      });
    }
    const length = this.#addresses.lengthAt(local);
    const { adopt } = options;
    const opened = adopt === undefined ? this.#udp.open(local, length, options) : this.#udp.adopt(adopt, local, length);
    if (!opened.ok) return err({ code: opened.error.code, detail: `${address}:${port}: ${opened.error.detail}` });
    this.#firstFree = (this.#firstFree + 1) % this.capacity;
    this.#freeCount -= 1;
    this.#ledger?.note(ledgerPlace.firstSocket + socket, opened.value.fd);
    this.descriptors[socket] = opened.value.fd;
    this.ports[socket] = opened.value.port;
    this.addressLengths[socket] = length;
    this.#view.setUint16(local + 2, opened.value.port);
    return ok(socket);
  }

  /** The offset of the address that the socket is bound to. */
  local(socket: SocketId): number {
    return this.#locals + socket * socketAddressBytes;
  }

  isOpen(socket: SocketId): boolean {
    return (this.descriptors[socket] ?? -1) >= 0;
  }

  connect(socket: SocketId, peer: number): boolean {
    return this.#udp.connect(this.#descriptor(socket), peer, this.addressLengths[socket] ?? 0);
  }

  disconnect(socket: SocketId): boolean {
    return this.#udp.disconnect(this.#descriptor(socket), this.local(socket), this.addressLengths[socket] ?? 0);
  }

  /** Forgets the id and returns the descriptor, which the caller closes; nothing may name the socket any more. */
  remove(socket: SocketId): number {
    const descriptor = this.#descriptor(socket);
    this.#ledger?.forget(ledgerPlace.firstSocket + socket);
    this.descriptors[socket] = -1;
    this.generations[socket] = ((this.generations[socket] ?? 0) + 1) & maxGeneration;
    this.#free[(this.#firstFree + this.#freeCount) % this.capacity] = socket;
    this.#freeCount += 1;
    return descriptor;
  }

  #descriptor(socket: SocketId): number {
    return this.descriptors[socket] ?? -1;
  }
}

const maxGeneration = 0xff_ffff;
