// The epoll driver, for kernels or containers without io_uring: one system call a datagram each way, straight from and to
// packet memory. A latched socket is connected as soon as what was queued before has been read with its true sources.
import type { Millis } from '../../core/clock.ts';
import { err, type Result } from '../../core/result.ts';
import { Epoll } from '../native/epoll.ts';
import type { Libc } from '../native/libc.ts';
import { EAGAIN, ECONNREFUSED, EINTR, errnoName, MSG_DONTWAIT, MSG_TRUNC } from '../native/linux-abi.ts';
import { UdpSockets } from '../native/udp-socket.ts';
import { type DescriptorLedger, ledgerPlace } from './descriptor-ledger.ts';
import { OwnSlots } from './own-slots.ts';
import {
  announcedAtOnce,
  longestWait,
  type OpenError,
  type PacketHandlers,
  type SocketId,
  type SocketOptions,
  socketAddressBytes,
  type WakeHandle,
} from './packet-io.ts';
import {
  type Deliver,
  type DriverSettings,
  PacketIoBase,
  packetSlotBytes,
  receiveBudget,
  receiveCapacity,
  worthAnnouncing,
} from './packet-io-base.ts';
import { PacketSlots } from './packet-slots.ts';
import { SocketTable } from './socket-table.ts';
import { StraySockets } from './stray-sockets.ts';
import { openWakeDescriptor } from './wake-descriptor.ts';

export class EpollIo extends PacketIoBase {
  readonly driver = 'epoll';
  readonly wakeHandle: WakeHandle;
  readonly #libc: Libc;
  readonly #epoll: Epoll;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #table: SocketTable;
  readonly #strays: StraySockets;
  readonly #own: OwnSlots;
  readonly #slots: PacketSlots;
  /** The one slot that everything is received into: a datagram is sent on before the next is read. */
  readonly #slot: number;
  readonly #slotAddress: number;
  /** A socket address, then a socklen_t. */
  readonly #source: number;
  readonly #sourceAddress: number;
  readonly #sourceLengthAddress: number;
  readonly #wakeDescriptor: number;
  readonly #wakeScratch: number;
  /** The offset of the peer's address that the kernel filters by; 0: it does not. */
  readonly #connected: Int32Array;
  /** 1: connected, but datagrams from before may be queued. */
  readonly #isDraining: Uint8Array;
  readonly #ahead = new Int32Array(announcedAtOnce);
  #isStopped = false;
  #isLeaving = false;

  constructor(libc: Libc, settings: DriverSettings) {
    super(settings);
    const { arena, maxSockets } = settings;
    this.#libc = libc;
    this.#epoll = new Epoll(libc, arena, eventsPerWait);
    const udp = new UdpSockets(libc, arena);
    this.#table = new SocketTable(udp, this.addresses, settings);
    this.#own = new OwnSlots(arena, settings.ownSlots, settings.hasCanaries);
    this.#strays = new StraySockets({ libc, arena, udp, table: this.#table, own: this.#own, ledger: settings.ledger });
    this.#slots = new PacketSlots(arena, 1, packetSlotBytes, settings.hasCanaries);
    this.#slot = this.#slots.offset(0);
    this.#slotAddress = arena.address(this.#slot, receiveCapacity);
    this.#source = arena.allocate(socketAddressBytes + 4);
    this.#sourceAddress = arena.address(this.#source, socketAddressBytes);
    this.#sourceLengthAddress = arena.address(this.#source + socketAddressBytes, 4);
    this.#connected = new Int32Array(maxSockets);
    this.#isDraining = new Uint8Array(maxSockets);
    this.#wakeScratch = arena.allocate(8, 8);
    this.#wakeDescriptor = openWakeDescriptor(libc, () => this.#epoll.dispose());
    this.wakeHandle = { kind: 'eventfd', fd: this.#wakeDescriptor };
    settings.ledger?.note(ledgerPlace.ring, this.#epoll.fd);
    settings.ledger?.note(ledgerPlace.wake, this.#wakeDescriptor);
    this.#ledger = settings.ledger;
    this.#epoll.add(this.#wakeDescriptor, wakeId, 0);
  }

  open(
    address: string,
    port: number,
    options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    this.#strays.makeRoom();
    const opened = this.#table.open(address, port, options);
    if (opened.ok) {
      const socket = opened.value;
      const descriptor = this.#table.descriptors[socket] ?? -1;
      const refused = this.#epoll.add(descriptor, socket, this.#table.generations[socket] ?? 0);
      if (refused < 0) {
        this.#libc.close(this.#table.remove(socket));
        onOpened(err({ code: 'descriptors-exhausted', detail: `epoll_ctl: ${errnoName(-refused)}` }));
        return;
      }
      this.#connected[socket] = 0;
      this.#isDraining[socket] = 0;
    }
    onOpened(opened);
  }

  localPort(socket: SocketId): number {
    return this.#table.isOpen(socket) ? (this.#table.ports[socket] ?? 0) : 0;
  }

  latch(socket: SocketId, address: number): void {
    if (!this.#table.isOpen(socket) || this.#connected[socket] === address) return;
    if (!this.#table.connect(socket, address)) {
      this.counters.receiveErrors += 1;
      return;
    }
    this.#connected[socket] = address;
    this.#isDraining[socket] = 1;
    this.#strays.open(socket);
  }

  unlatch(socket: SocketId): void {
    if (!this.#table.isOpen(socket) || this.#connected[socket] === 0) return;
    this.#strays.close(socket);
    if (!this.#table.disconnect(socket)) this.counters.receiveErrors += 1;
    this.#connected[socket] = 0;
    this.#isDraining[socket] = 0;
  }

  send(socket: SocketId, offset: number, length: number, destination: number): void {
    const descriptor = this.#table.descriptors[socket] ?? -1;
    if (descriptor < 0) {
      this.counters.sendsToClosed += 1;
      return;
    }
    const payload = this.memory.address(offset, length);
    const result =
      this.#connected[socket] === destination
        ? this.#libc.send(descriptor, payload, length, MSG_DONTWAIT)
        : this.#sendTo(socket, descriptor, payload, length, destination);
    if (result >= 0) {
      this.counters.sent += 1;
      this.counters.sentBytes += length;
    } else if (this.#libc.errno() === ECONNREFUSED) this.counters.portUnreachable += 1;
    else this.counters.sendErrors += 1;
  }

  acquire(): number {
    const offset = this.#own.take();
    if (offset < 0) this.counters.acquireFailures += 1;
    return offset;
  }

  close(socket: SocketId): void {
    if (!this.#table.isOpen(socket)) return;
    this.#strays.close(socket);
    const descriptor = this.#table.remove(socket);
    this.#epoll.remove(descriptor);
    this.#libc.close(descriptor);
  }

  async run(handlers: PacketHandlers): Promise<void> {
    const deliver = this.#delivery(handlers);
    let due: Millis = 0;
    while (!this.#isStopped) {
      const now = this.clock.now();
      if (now >= due) {
        this.#strays.sweep(now, deliver, handlers);
        due = Math.min(handlers.onDeadline(now), now + longestWait);
      }
      this.#own.giveBack();
      const count = this.#epoll.wait(Math.max(0, Math.floor(due - now)));
      for (let index = 0; index < count; index += 1) {
        if (index % announcedAtOnce === 0) this.#announce(handlers, index, Math.min(count, index + announcedAtOnce));
        const socket = this.#epoll.first(index);
        if (socket === wakeId) this.#woken(handlers);
        else this.#readable(handlers, socket, this.#epoll.second(index));
      }
    }
    this.#isStopped = false;
    if (!this.#isLeaving) return;
    this.#strays.closeAll();
    this.#endEpoll();
  }

  stop(): void {
    this.#isStopped = true;
  }

  leave(): void {
    this.#isStopped = true;
    this.#isLeaving = true;
  }

  dispose(): void {
    for (let socket = 0; socket < this.#table.capacity; socket += 1) this.close(socket);
    this.#endEpoll();
  }

  #endEpoll(): void {
    this.#ledger?.forget(ledgerPlace.ring);
    this.#epoll.dispose();
  }

  #sendTo(socket: SocketId, descriptor: number, payload: number, length: number, destination: number): number {
    const toLength = this.#table.addressLengths[socket] ?? 0;
    const to = this.memory.address(destination, toLength);
    return this.#libc.sendto(descriptor, payload, length, MSG_DONTWAIT, to, toLength);
  }

  #delivery(handlers: PacketHandlers): Deliver {
    return (socket, offset, length, source) => {
      this.counters.received += 1;
      this.counters.receivedBytes += length;
      handlers.onPacket(socket, offset, length, source);
    };
  }

  #woken(handlers: PacketHandlers): void {
    this.#libc.read(this.#wakeDescriptor, this.memory.address(this.#wakeScratch, 8), 8);
    handlers.onControl();
  }

  /** Tells whose datagrams are next: those of the events from `start` to `end`. */
  #announce(handlers: PacketHandlers, start: number, end: number): void {
    const ahead = this.#ahead;
    let count = 0;
    for (let index = start; index < end; index += 1) {
      const socket = this.#epoll.first(index);
      if (socket === wakeId) continue;
      ahead[count] = socket;
      count += 1;
    }
    if (count >= worthAnnouncing) handlers.onAhead?.(ahead, count);
  }

  /**
   * One datagram a turn: what is left is reported again, and asking for more than there is would cost a call each time. Only
   * a drain goes on to the end. A handler may close, latch or unlatch in between.
   */
  #readable(handlers: PacketHandlers, socket: SocketId, generation: number): void {
    const budget = this.#isDraining[socket] === 1 ? receiveBudget : 1;
    for (let count = 0; count < budget; count += 1) {
      if (this.#table.generations[socket] !== generation || !this.#table.isOpen(socket)) return;
      const isFiltered = this.#connected[socket] !== 0 && this.#isDraining[socket] === 0;
      const length = this.#receive(socket, isFiltered);
      if (length < 0) {
        if (this.#receiveEnded(socket)) return;
      } else if (length > receiveCapacity) this.counters.truncated += 1;
      else {
        this.counters.received += 1;
        this.counters.receivedBytes += length;
        handlers.onPacket(socket, this.#slot, length, isFiltered ? (this.#connected[socket] ?? 0) : this.#source);
        this.#slots.check(0);
      }
    }
  }

  /** The datagram's true length, which may be more than was stored, or -1. */
  #receive(socket: SocketId, isFiltered: boolean): number {
    const descriptor = this.#table.descriptors[socket] ?? -1;
    if (isFiltered) return this.#libc.recv(descriptor, this.#slotAddress, receiveCapacity, receiveFlags);
    this.memory.words[(this.#source + socketAddressBytes) >> 2] = socketAddressBytes;
    return this.#libc.recvfrom(
      descriptor,
      this.#slotAddress,
      receiveCapacity,
      receiveFlags,
      this.#sourceAddress,
      this.#sourceLengthAddress,
    );
  }

  /** False for an error that says nothing about what is queued. */
  #receiveEnded(socket: SocketId): boolean {
    const errno = this.#libc.errno();
    if (errno === EAGAIN) {
      this.#isDraining[socket] = 0;
      return true;
    }
    if (errno === ECONNREFUSED) this.counters.portUnreachable += 1;
    else if (errno !== EINTR) this.counters.receiveErrors += 1;
    return false;
  }
}

const receiveFlags = MSG_DONTWAIT | MSG_TRUNC;
const eventsPerWait = 512;
const wakeId = -1;
