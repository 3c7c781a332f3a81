// The driver that needs nothing but Node: for other systems and for containers that forbid the rest. Datagrams are copied
// into packet memory and out of it; the kernel is never asked to filter, and DSCP cannot be set.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { ipVersion } from '../../core/ip-address.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { OwnSlots } from './own-slots.ts';
import {
  longestWait,
  type OpenError,
  type OpenErrorCode,
  type PacketHandlers,
  type SocketId,
  type SocketOptions,
  type WakeHandle,
} from './packet-io.ts';
import { type DriverSettings, PacketIoBase, packetSlotBytes, receiveCapacity } from './packet-io-base.ts';
import { PacketSlots } from './packet-slots.ts';

export class DgramIo extends PacketIoBase {
  readonly driver = 'dgram';
  readonly wakeHandle: WakeHandle = { kind: 'message' };
  readonly #sockets: (OpenSocket | undefined)[] = [];
  readonly #ports: number[] = [];
  /** Free ids, oldest first. */
  readonly #free: SocketId[];
  readonly #maxSockets: number;
  readonly #slots: PacketSlots;
  readonly #own: OwnSlots;
  #handlers: PacketHandlers | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: { stopped: () => void; failed: (thrown: unknown) => void } | undefined;

  constructor(settings: DriverSettings) {
    super(settings);
    this.#maxSockets = settings.maxSockets;
    this.#free = Array.from({ length: settings.maxSockets }, (_, index) => index);
    this.#slots = new PacketSlots(settings.arena, 1, packetSlotBytes, settings.hasCanaries);
    this.#own = new OwnSlots(settings.arena, settings.ownSlots, settings.hasCanaries);
  }

  open(
    address: string,
    port: number,
    options: SocketOptions,
    onOpened: (opened: Result<SocketId, OpenError>) => void,
  ): void {
    const version = ipVersion(address);
    if (version === undefined) {
      onOpened(err({ code: 'not-available', detail: `expected a numeric address, got "${address}"` }));
      return;
    }
    const id = this.#free.shift();
    if (id === undefined) {
      onOpened(err({ code: 'descriptors-exhausted', detail: `all ${this.#maxSockets} media sockets are in use` }));
      return;
    }
    const socket = createSocket({
      type: version === 4 ? 'udp4' : 'udp6',
      ipv6Only: version === 6,
      recvBufferSize: options.receiveBufferBytes,
      lookup: (host, _options, found) => found(null, host, version),
    });
    const fail = (error: NodeJS.ErrnoException): void => {
      this.#free.push(id);
      socket.close();
      onOpened(err({ code: openErrorCode(error.code), detail: `${address}:${port}: ${error.message}` }));
    };
    socket.once('error', fail);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', fail);
      this.#opened(id, socket);
      onOpened(ok(id));
    });
  }

  /** Also of one that was left: what goes on elsewhere is told where it was. */
  localPort(socket: SocketId): number {
    return this.#ports[socket] ?? 0;
  }

  /** Every datagram arrives with its source anyway. */
  latch(_socket: SocketId, _address: number): void {}

  unlatch(_socket: SocketId): void {}

  send(socket: SocketId, offset: number, length: number, destination: number): void {
    const open = this.#sockets[socket];
    if (open === undefined) {
      this.counters.sendsToClosed += 1;
      return;
    }
    if (open.destinationText === undefined || !this.addresses.same(destination, open.destination)) {
      this.addresses.copy(destination, open.destination);
      open.destinationText = this.addresses.read(destination);
    }
    if (open.destinationText.port === 0) {
      this.counters.sendErrors += 1;
      return;
    }
    // Node may send later, when the slot holds another packet.
    const copy = Buffer.from(this.memory.bytes.subarray(offset, offset + length));
    open.socket.send(copy, open.destinationText.port, open.destinationText.address, this.#onSent);
  }

  acquire(): number {
    const offset = this.#own.take();
    if (offset < 0) this.counters.acquireFailures += 1;
    return offset;
  }

  close(socket: SocketId): void {
    const open = this.#sockets[socket];
    if (open === undefined) return;
    this.#sockets[socket] = undefined;
    this.#ports[socket] = 0;
    this.addresses.release(open.source);
    this.addresses.release(open.destination);
    open.socket.close(() => this.#free.push(socket));
  }

  run(handlers: PacketHandlers): Promise<void> {
    this.#handlers = handlers;
    return new Promise((stopped, failed) => {
      this.#ended = { stopped, failed };
      this.#onDeadline();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#handlers = undefined;
    this.#ended?.stopped();
  }

  leave(): void {
    const ports = [...this.#ports];
    this.stop();
    this.dispose();
    for (const [socket, port] of ports.entries()) this.#ports[socket] = port;
  }

  dispose(): void {
    for (let socket = 0; socket < this.#sockets.length; socket += 1) this.close(socket);
  }

  #opened(id: SocketId, socket: Socket): void {
    this.#ports[id] = socket.address().port;
    const open: OpenSocket = {
      socket,
      source: this.addresses.allocate(),
      sourceAddress: '',
      sourcePort: 0,
      destination: this.addresses.allocate(),
      destinationText: undefined,
    };
    this.#sockets[id] = open;
    socket.on('message', (message, from) => {
      if (this.#sockets[id] === open) this.#received(id, open, message, from);
    });
    socket.on('error', () => {
      this.counters.receiveErrors += 1;
    });
  }

  #received(id: SocketId, open: OpenSocket, message: Buffer, from: RemoteInfo): void {
    if (this.#handlers === undefined) return;
    if (message.length > receiveCapacity) {
      this.counters.truncated += 1;
      return;
    }
    if (from.port !== open.sourcePort || from.address !== open.sourceAddress) {
      if (!this.addresses.write(open.source, from)) return;
      open.sourceAddress = from.address;
      open.sourcePort = from.port;
    }
    const offset = this.#slots.offset(0);
    this.memory.bytes.set(message, offset);
    this.counters.received += 1;
    this.counters.receivedBytes += message.length;
    try {
      this.#handlers.onPacket(id, offset, message.length, open.source);
      this.#slots.check(0);
      this.#own.giveBack();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #onDeadline(): void {
    if (this.#handlers === undefined) return;
    try {
      const now = this.clock.now();
      const next = this.#handlers.onDeadline(now);
      this.#own.giveBack();
      if (this.#handlers === undefined) return;
      this.#timer = setTimeout(() => this.#onDeadline(), Math.max(1, Math.min(next - now, longestWait)));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** A handler that throws ends `run`, as it does where the loop is ours. */
  #fail(thrown: unknown): void {
    this.#ended?.failed(thrown);
    this.stop();
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    if (error === null) {
      this.counters.sent += 1;
      this.counters.sentBytes += bytes;
    } else if (error.code === 'ECONNREFUSED') this.counters.portUnreachable += 1;
    else this.counters.sendErrors += 1;
  };
}

interface OpenSocket {
  readonly socket: Socket;
  /** Where the source of the datagram in hand stands, and what it says. */
  readonly source: number;
  sourceAddress: string;
  sourcePort: number;
  /** The last destination, and what it says. */
  readonly destination: number;
  destinationText: { readonly address: string; readonly port: number } | undefined;
}

function openErrorCode(code: string | undefined): OpenErrorCode {
  switch (code) {
    case 'EADDRINUSE':
      return 'in-use';
    case 'EADDRNOTAVAIL':
    case 'EACCES':
      return 'not-available';
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return 'descriptors-exhausted';
    default:
      return 'failed';
  }
}
