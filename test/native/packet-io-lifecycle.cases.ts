// Sockets come and go: ports, ids, exhaustion, and what is left behind (nothing).
import { readdirSync, readFileSync } from 'node:fs';
import koffi from 'koffi';
import { createArena } from '../../src/media/native/arena-memory.ts';
import { softDescriptorLimit } from '../../src/media/native/descriptor-limit.ts';
import { loadLibc } from '../../src/media/native/libc.ts';
import { UdpSockets } from '../../src/media/native/udp-socket.ts';
import { AddressSlots } from '../../src/media/packet-io/address-slots.ts';
import { readDescriptorLimit } from '../../src/media/packet-io/descriptor-limit.ts';
import { type DriverName, driverNames, type SocketId } from '../../src/media/packet-io/packet-io.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { forEachDriver, openDriver } from './support/drivers.ts';
import { play } from './support/script.ts';

const freesPort = forEachDriver(
  'frees a closed socket with its port, and has a clean one under the old id',
  () =>
    function* (stage) {
      const peer = yield* stage.open();
      const peerAddress = stage.addressOf(peer);
      const seen = new Set<SocketId>();
      for (let round = 0; round < 200; round += 1) {
        const socket = yield* stage.open();
        seen.add(socket);
        const port = stage.io.localPort(socket);
        if (round % 2 === 0) stage.io.latch(socket, peerAddress);
        if (round % 3 === 0) yield* stage.pause(0);
        stage.send(peer, stage.addressOf(socket), `${round}`);
        stage.io.close(socket);
        stage.io.close(socket);
        yield* stage.pause(round % 5 === 0 ? 2 : 0);
        checkEqual(stage.io.localPort(socket), 0, 'the port of a closed socket');
        const received = stage.received.length;
        yield* stage.pause(0);
        checkEqual(stage.received.length, received, 'packets for a closed socket');
        if (round % 10 !== 0) continue;
        const again = yield* stage.open('127.0.0.1', port);
        stage.send(peer, stage.addressOf(again), `again ${round}`);
        yield () => stage.texts(again).includes(`again ${round}`);
        stage.io.close(again);
      }
      check(seen.size > 32, `ids are reused too soon: only ${seen.size} were used`);
    },
  { addressSlots: 512 },
);

const closesInside = forEachDriver(
  'lets a handler close sockets, its own too, and goes on',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const sockets = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const addresses = sockets.map((socket) => stage.addressOf(socket));
      stage.onEach = () => {
        for (const socket of sockets) stage.io.close(socket);
      };
      for (const address of addresses) for (let count = 0; count < 5; count += 1) stage.send(sender, address, 'last');
      yield () => stage.received.length > 0;
      yield* stage.pause(20);
      checkEqual(stage.received.length, 1, 'packets');
      stage.send(sockets[0] ?? 0, addresses[1] ?? 0, 'from a closed socket');
      checkEqual(stage.io.counters.sendsToClosed, 1, 'sends to closed sockets');
      stage.io.latch(sockets[0] ?? 0, addresses[1] ?? 0);
      stage.io.unlatch(sockets[0] ?? 0);
      stage.onEach = undefined;
      const [first, second] = [yield* stage.open(), yield* stage.open()];
      stage.send(first, stage.addressOf(second), 'works');
      yield* stage.arrival(second);
    },
);

const refusals = forEachDriver(
  'says why it cannot open a socket, and leaks nothing',
  () =>
    function* (stage) {
      const socket = yield* stage.open();
      yield* stage.pause(20);
      const before = readdirSync('/proc/self/fd').length;
      for (let round = 0; round < 100; round += 1) {
        const codes: string[] = [];
        for (const [address, port] of [
          ['127.0.0.1', stage.io.localPort(socket)],
          ['192.0.2.1', 0],
          ['not-an-address', 0],
        ] as const) {
          const refused = yield* stage.tryOpen(address, port);
          codes.push(refused.ok ? 'opened' : refused.error.code);
        }
        checkEqual(codes, ['in-use', 'not-available', 'not-available'], 'codes');
      }
      yield* stage.pause(20);
      checkEqual(readdirSync('/proc/self/fd').length, before, 'descriptors');
    },
);

const tableFull = forEachDriver(
  'refuses a socket more than its table holds, and takes one again when one is closed',
  () =>
    function* (stage) {
      const sockets = [yield* stage.open(), yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const refused = yield* stage.tryOpen();
      checkEqual(refused.ok ? '' : refused.error.code, 'descriptors-exhausted', 'code');
      stage.io.close(sockets[2] ?? 0);
      yield* stage.pause(20);
      const again = yield* stage.open();
      stage.send(sockets[0] ?? 0, stage.addressOf(again), 'hello');
      yield* stage.arrival(again);
    },
  { maxSockets: 4, addressSlots: 16 },
);

/** setrlimit in this process, which is the case's own. */
function limitDescriptors(limit: number): void {
  const setrlimit = koffi.load(null).func('setrlimit', 'int', ['int', 'void *']);
  const value = new BigUint64Array([BigInt(limit), BigInt(limit)]);
  checkEqual(setrlimit(7, value), 0, 'setrlimit');
}

const noDescriptors: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} refuses a socket at the descriptor limit, and keeps the others`,
  run: async () => {
    const { io } = await openDriver(driver);
    limitDescriptors(readdirSync('/proc/self/fd').length + 10);
    await play(io, function* (stage) {
      const sockets: SocketId[] = [];
      for (;;) {
        const opened = yield* stage.tryOpen();
        if (!opened.ok) {
          checkEqual(opened.error.code, 'descriptors-exhausted', 'code');
          break;
        }
        sockets.push(opened.value);
        check(sockets.length < 20, 'the limit did not hold');
      }
      const [first = 0, second = 0] = sockets;
      stage.send(first, stage.addressOf(second), 'still here');
      yield* stage.arrival(second);
      stage.io.close(first);
      yield* stage.pause(20);
      yield* stage.open();
    });
  },
}));

const tableOverLimit: NativeCase = {
  name: 'io_uring works with a table for more sockets than there may be descriptors',
  run: async () => {
    const limit = readdirSync('/proc/self/fd').length + 40;
    limitDescriptors(limit);
    const { io } = await openDriver('io_uring', { maxSockets: 4_000 });
    await play(io, function* (stage) {
      for (let count = 0; ; count += 1) {
        const opened = yield* stage.tryOpen();
        if (opened.ok) continue;
        checkEqual(opened.error.code, 'descriptors-exhausted', 'code');
        check(count > 20 && count < limit, `${count} sockets were opened`);
        break;
      }
      stage.send(0, stage.addressOf(1), 'hello');
      yield* stage.arrival(1);
    });
  },
};

const disposal: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} leaves no descriptor and no port behind when it is disposed of`,
  run: async () => {
    await disposed(driver, 0);
    const before = readdirSync('/proc/self/fd').length;
    const port = await disposed(driver, 0);
    await disposed(driver, port);
    // The wake descriptors belong to whoever wakes.
    const left = readdirSync('/proc/self/fd').length - before;
    checkEqual(left, driver === 'dgram' ? 0 : 2, 'descriptors left');
  },
}));

/** Uses and disposes of a driver whose first socket is bound to `port`; returns the port. */
async function disposed(driver: DriverName, port: number): Promise<number> {
  const { io } = await openDriver(driver);
  let first = 0;
  await play(io, function* (stage) {
    const socket = yield* stage.open('127.0.0.1', port);
    const peer = yield* stage.open();
    first = io.localPort(socket);
    io.latch(socket, stage.addressOf(peer));
    yield* stage.pause(10);
    stage.send(peer, stage.addressOf(socket), 'hello');
    yield* stage.arrival(socket);
  });
  io.dispose();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return first;
}

const socketOptions: NativeCase = {
  name: 'sockets are close-on-exec, non-blocking, marked and sized',
  run: () => {
    const libc = loadLibc();
    const arena = createArena(65536);
    const addresses = new AddressSlots(arena, 1);
    const sockets = new UdpSockets(libc, arena);
    const local = addresses.allocate();
    for (const [address, level, name] of [
      ['127.0.0.1', 0, 1],
      ['::1', 41, 67],
    ] as const) {
      addresses.write(local, { address, port: 0 });
      const opened = sockets.open(local, addresses.lengthAt(local), { dscp: 46, receiveBufferBytes: 65536 });
      if (!opened.ok) throw new Error(opened.error.detail);
      const { fd } = opened.value;
      checkEqual(sockets.option(fd, level, name), 46 << 2, `traffic class of ${address}`);
      checkEqual(sockets.option(fd, 1, 8), 2 * 65536, 'SO_RCVBUF, which Linux doubles');
      const flags = Number.parseInt(
        /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
        8,
      );
      checkEqual(flags & 0o2004000, 0o2004000, 'O_CLOEXEC and O_NONBLOCK');
      if (level === 41) checkEqual(sockets.option(fd, 41, 26), 1, 'IPV6_V6ONLY');
      libc.close(fd);
    }
  },
};

const descriptorLimit: NativeCase = {
  name: 'the descriptor limit is read as it is set',
  run: async () => {
    limitDescriptors(1234);
    checkEqual(await readDescriptorLimit(), 1234, 'limit, by /proc');
    checkEqual(softDescriptorLimit(loadLibc(), createArena(4096)), 1234, 'limit, by getrlimit');
  },
};

export const cases = [
  ...freesPort,
  ...closesInside,
  ...refusals,
  ...tableFull,
  ...noDescriptors,
  tableOverLimit,
  ...disposal,
  socketOptions,
  descriptorLimit,
];
