// The io_uring driver. Unlatched sockets receive with a multishot RECVMSG (every datagram with its source), latched ones are
// connected and receive with a multishot RECV. One system call a batch: it submits all sends and waits for more.
import type { Millis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import { err, type Result } from '../../core/result.ts';
import { softDescriptorLimit } from '../native/descriptor-limit.ts';
import { IoUring } from '../native/io-uring.ts';
import { CQE_MORE } from '../native/io-uring-abi.ts';
import type { Libc } from '../native/libc.ts';
import { EAGAIN, EALREADY, EBUSY, ECONNREFUSED, EINTR, ETIME, errnoName } from '../native/linux-abi.ts';
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
  type WakeHandle,
} from './packet-io.ts';
import { type Deliver, type DriverSettings, PacketIoBase, worthAnnouncing } from './packet-io-base.ts';
import { ProvidedBuffers } from './provided-buffers.ts';
import { SocketTable } from './socket-table.ts';
import { UringArrivals } from './uring-arrivals.ts';
import { UringReceivers } from './uring-receivers.ts';
import { KIND_CANCEL, KIND_SEND, KIND_WAKE, kindOf, UringRequests } from './uring-requests.ts';
import { openWakeDescriptor } from './wake-descriptor.ts';

export class UringIo extends PacketIoBase {
  readonly driver = 'io_uring';
  readonly wakeHandle: WakeHandle;
  readonly #libc: Libc;
  readonly #ring: IoUring;
  readonly #requests: UringRequests;
  readonly #buffers: ProvidedBuffers;
  readonly #own: OwnSlots;
  readonly #table: SocketTable;
  readonly #receivers: UringReceivers;
  readonly #arrivals: UringArrivals;
  readonly #ledger: DescriptorLedger | undefined;
  readonly #wakeFile: number;
  readonly #wakeDescriptor: number;
  readonly #wakeScratch: number;
  readonly #ahead = new Int32Array(announcedAtOnce);
  /** Addresses that were released in this batch: a queued packet may still be on its way to them. */
  readonly #retired: number[] = [];
  #isStopped = false;
  #isLeaving = false;

  /** Throws `IoUringError` where the kernel refuses. */
  constructor(libc: Libc, settings: DriverSettings) {
    super(settings);
    const { arena, packetSlots, hasCanaries } = settings;
    this.#libc = libc;
    // The kernel refuses a file table that is larger than the descriptor limit, and no more sockets could be opened anyway.
    const files = Math.min(settings.maxSockets + 1, softDescriptorLimit(libc, arena));
    const maxSockets = files - 1;
    this.#wakeFile = maxSockets;
    const completionEntries = settings.completionEntries ?? 4 * packetSlots;
    const submissionEntries = Math.min(4 * packetSlots, completionEntries, maxSubmissionEntries);
    this.#ring = new IoUring(libc, arena, { submissionEntries, completionEntries, files });
    this.#buffers = new ProvidedBuffers(arena, this.#ring, packetSlots, hasCanaries);
    this.#own = new OwnSlots(arena, settings.ownSlots, hasCanaries);
    this.#requests = new UringRequests(this.#ring, arena);
    const udp = new UdpSockets(libc, arena);
    this.#table = new SocketTable(udp, this.addresses, { ...settings, maxSockets });
    this.#receivers = new UringReceivers({
      libc,
      arena,
      ring: this.#ring,
      requests: this.#requests,
      table: this.#table,
      udp,
      ledger: settings.ledger,
      own: this.#own,
      counters: this.counters,
    });
    this.#arrivals = new UringArrivals({
      memory: arena,
      counters: this.counters,
      buffers: this.#buffers,
      receivers: this.#receivers,
      slots: packetSlots,
    });
    this.#wakeScratch = arena.allocate(8, 8);
    this.#wakeDescriptor = openWakeDescriptor(libc, () => this.#ring.dispose());
    this.wakeHandle = { kind: 'eventfd', fd: this.#wakeDescriptor };
    settings.ledger?.note(ledgerPlace.ring, this.#ring.fd);
    settings.ledger?.noteMappings(this.#ring.mappings);
    settings.ledger?.note(ledgerPlace.wake, this.#wakeDescriptor);
    this.#ledger = settings.ledger;
    this.#ring.setFile(this.#wakeFile, this.#wakeDescriptor);
    this.#requests.poll(this.#wakeFile);
  }

  open(
    address: string,
    port: number,
    options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    this.#receivers.strays.makeRoom();
    const opened = this.#table.open(address, port, options);
    if (opened.ok) {
      const socket = opened.value;
      const refused = this.#ring.setFile(socket, this.#table.descriptors[socket] ?? -1);
      if (refused < 0) {
        this.#libc.close(this.#table.remove(socket));
        const detail = `the registered file table: ${errnoName(-refused)}`;
        onOpened(err({ code: 'descriptors-exhausted', detail }));
        return;
      }
      this.#receivers.start(socket);
    }
    onOpened(opened);
  }

  localPort(socket: SocketId): number {
    return this.#isUsable(socket) ? (this.#table.ports[socket] ?? 0) : 0;
  }

  latch(socket: SocketId, address: number): void {
    if (this.#isUsable(socket)) this.#receivers.want(socket, address);
  }

  unlatch(socket: SocketId): void {
    if (this.#isUsable(socket)) this.#receivers.want(socket, 0);
  }

  send(socket: SocketId, offset: number, length: number, destination: number): void {
    if (!this.#isUsable(socket)) {
      this.counters.sendsToClosed += 1;
      return;
    }
    const to = this.#receivers.peers[socket] === destination ? 0 : destination;
    if (!this.#requests.send(socket, offset, length, to, this.#table.addressLengths[socket] ?? 0)) {
      this.counters.sendErrors += 1;
      return;
    }
    this.#arrivals.hold();
    this.counters.sent += 1;
    this.counters.sentBytes += length;
  }

  acquire(): number {
    const offset = this.#own.take();
    if (offset < 0) this.counters.acquireFailures += 1;
    return offset;
  }

  override releaseAddress(offset: number): void {
    this.#retired.push(offset);
  }

  close(socket: SocketId): void {
    if (this.#isUsable(socket)) this.#receivers.close(socket);
  }

  async run(handlers: PacketHandlers): Promise<void> {
    const deliver: Deliver = (socket, offset, length, source) =>
      this.#arrivals.deliver(handlers, socket, offset, length, source);
    let due: Millis = 0;
    while (!this.#isStopped) {
      const now = this.clock.now();
      if (now >= due) {
        this.#sendQueued();
        this.#receivers.strays.sweep(now, deliver, handlers);
        this.#sendQueued();
        due = Math.min(handlers.onDeadline(now), now + longestWait);
      }
      if (this.#arrivals.isShort) this.#relieveShortage();
      const isUnsettled = this.#receivers.settle(deliver);
      this.#submit(isUnsettled ? 0 : 1, due - now);
      this.#recycle();
      this.#complete(handlers);
    }
    this.#isStopped = false;
    if (this.#isLeaving) this.#letGo(handlers);
    this.#submit(0, 0);
    this.#recycle();
    if (!this.#isLeaving) return;
    this.#detach();
    this.#endRing();
  }

  stop(): void {
    this.#isStopped = true;
  }

  leave(): void {
    this.#isStopped = true;
    this.#isLeaving = true;
  }

  dispose(): void {
    this.#ring.cancelAll();
    this.#submit(0, 0);
    this.#detach();
    for (let socket = 0; socket < this.#table.capacity; socket += 1) {
      if (this.#table.isOpen(socket)) this.#libc.close(this.#table.remove(socket));
    }
    this.#endRing();
  }

  /** Datagrams that the kernel has put into our buffers are nobody else's to read: they are delivered first. */
  #letGo(handlers: PacketHandlers): void {
    this.#ring.cancelAll();
    let before = -1;
    for (let head = this.#ring.completionHead; head !== before; head = this.#ring.completionHead) {
      before = head;
      this.#submit(0, 0);
      this.#recycle();
      this.#complete(handlers);
    }
  }

  #detach(): void {
    this.#ring.forgetFiles();
    this.#receivers.strays.closeAll();
  }

  #endRing(): void {
    this.#ledger?.forget(ledgerPlace.ring);
    this.#ledger?.forgetMappings();
    this.#ring.dispose();
  }

  #isUsable(socket: SocketId): boolean {
    return this.#table.isOpen(socket) && this.#receivers.closing[socket] === 0;
  }

  /** Handles every completion that is there. What the handlers send is only queued. */
  #complete(handlers: PacketHandlers): void {
    const ring = this.#ring;
    const arrivals = this.#arrivals;
    const words = ring.rings;
    const { completionWord, completionMask } = ring;
    const { tags } = this.#receivers;
    const tail = ring.completionTail;
    let head = ring.completionHead;
    let announced = head;
    for (; head !== tail; head = (head + 1) | 0) {
      if (head === announced) announced = this.#announce(handlers, head, tail);
      const at = completionWord + ((head & completionMask) << 2);
      const who = words[at] ?? 0;
      const tag = words[at + 1] ?? 0;
      const result = words[at + 2] ?? 0;
      const flags = words[at + 3] ?? 0;
      if (tag === tags[who]) arrivals.received(handlers, who, result, flags);
      else this.#completed(handlers, who, tag, result, flags);
    }
    ring.consume(head);
    this.#buffers.publish();
  }

  /** Tells whose datagrams are next; returns where those end. */
  #announce(handlers: PacketHandlers, head: number, tail: number): number {
    const { rings, completionWord, completionMask } = this.#ring;
    const { tags } = this.#receivers;
    const ahead = this.#ahead;
    let count = 0;
    let next = head;
    for (; next !== tail && count < announcedAtOnce; next = (next + 1) | 0) {
      const at = completionWord + ((next & completionMask) << 2);
      const who = rings[at] ?? 0;
      if (rings[at + 1] !== tags[who]) continue;
      ahead[count] = who;
      count += 1;
    }
    if (count >= worthAnnouncing) handlers.onAhead?.(ahead, count);
    return next;
  }

  /** Everything but a receive: failed sends (`who` is their length), cancellations, the wake descriptor. */
  #completed(handlers: PacketHandlers, who: number, tag: number, result: number, flags: number): void {
    switch (kindOf(tag)) {
      case KIND_SEND:
        this.counters.sent -= 1;
        this.counters.sentBytes -= who;
        if (-result === ECONNREFUSED) this.counters.portUnreachable += 1;
        else this.counters.sendErrors += 1;
        return;
      case KIND_CANCEL:
        if (-result === EALREADY) this.#receivers.cancelMissed(who);
        return;
      case KIND_WAKE:
        this.#libc.read(this.#wakeDescriptor, this.memory.address(this.#wakeScratch, 8), 8);
        if ((flags & CQE_MORE) === 0) this.#requests.poll(this.#wakeFile);
        this.#sendQueued();
        handlers.onControl();
        return;
      default:
        this.counters.implausible += 1;
    }
  }

  /** Receiving again would fail again, as long as packets that wait to be sent have all slots. */
  #relieveShortage(): void {
    this.#arrivals.isShort = false;
    this.#submit(0, 0);
    this.#recycle();
    this.#buffers.publish();
  }

  /** Before a handler that may rewrite addresses: what is queued goes where it was meant to go. */
  #sendQueued(): void {
    if (this.#ring.unsubmitted > 0) this.#submit(0, 0);
  }

  #submit(minComplete: number, timeout: Millis): void {
    const nanoseconds = Math.max(0, Math.floor(timeout * nanosecondsPerMilli));
    const errno = -this.#ring.submit(minComplete, nanoseconds);
    if (errno === 0 || errno === ETIME || errno === EINTR || errno === EAGAIN || errno === EBUSY) return;
    throw new SbcError('io-uring-enter', `io_uring_enter: ${errnoName(errno)}`);
  }

  /** Sends are done when `submit` returns (MSG_DONTWAIT), unless the kernel did not take them all. */
  #recycle(): void {
    if (this.#ring.unsubmitted > 0) return;
    this.#arrivals.giveBack();
    this.#own.giveBack();
    for (let offset = this.#retired.pop(); offset !== undefined; offset = this.#retired.pop()) {
      this.addresses.release(offset);
    }
  }
}

const nanosecondsPerMilli = 1_000_000;
const maxSubmissionEntries = 4096;
