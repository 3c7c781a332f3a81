// What every packet driver does with datagrams: all of them, whole, with their true source, from memory and to memory.

import { announcedAtOnce, packetTailroomBytes, type SocketId } from '../../src/media/packet-io/packet-io.ts';
import { receiveCapacity } from '../../src/media/packet-io/packet-io-base.ts';
import { check, checkEqual } from './case.ts';
import { forEachDriver, forNativeDrivers, scripted } from './support/drivers.ts';

const anyPayload = 'x'.repeat(172);

const fromAnybody = forEachDriver(
  'delivers a datagram of anybody with its source, IPv4',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const receiver = yield* stage.open();
      const other = yield* stage.open();
      const to = stage.addressOf(receiver);
      stage.send(sender, to, 'one');
      stage.send(other, to, 'two');
      const packets = yield* stage.arrival(receiver, 2);
      const seen = packets.map(({ text, from, fromAddress }) => [text, fromAddress, from]).sort();
      checkEqual(
        seen,
        [
          ['one', '127.0.0.1', stage.io.localPort(sender)],
          ['two', '127.0.0.1', stage.io.localPort(other)],
        ],
        'packets',
      );
    },
);

const overIPv6 = forEachDriver(
  'delivers a datagram of anybody with its source, IPv6',
  () =>
    function* (stage) {
      const sender = yield* stage.open('::1');
      const receiver = yield* stage.open('::1');
      stage.send(sender, stage.addressOf(receiver, '::1'), 'six');
      const [packet] = yield* stage.arrival(receiver);
      checkEqual(
        [packet?.text, packet?.fromAddress, packet?.from],
        ['six', '::1', stage.io.localPort(sender)],
        'packet',
      );
      stage.io.latch(receiver, stage.addressOf(sender, '::1'));
      yield* stage.pause(20);
      stage.send(sender, stage.addressOf(receiver, '::1'), 'seven');
      const [, second] = yield* stage.arrival(receiver, 2);
      checkEqual([second?.text, second?.from], ['seven', stage.io.localPort(sender)], 'second packet');
    },
);

const inPlace = forEachDriver(
  'sends a received datagram on from where it lies, longer by the tailroom',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const relay = yield* stage.open();
      const target = yield* stage.open();
      const to = stage.addressOf(target);
      stage.onEach = (socket, offset, length) => {
        if (socket !== relay) return;
        check(offset % 4 === 0, `a packet lies at ${offset}, which is not a multiple of 4`);
        stage.io.memory.bytes.fill(0x2b, offset + length, offset + length + packetTailroomBytes);
        stage.io.send(relay, offset, length + packetTailroomBytes, to);
      };
      const relayAddress = stage.addressOf(relay);
      for (let round = 0; round < 40; round += 1) stage.send(sender, relayAddress, `${round}`);
      const packets = yield* stage.arrival(target, 40);
      const expected = Array.from({ length: 40 }, (_, round) => `${round}${'+'.repeat(packetTailroomBytes)}`);
      checkEqual(
        packets.map(({ text }) => text),
        expected,
        'what came out',
      );
      checkEqual([...new Set(packets.map(({ from }) => from))], [stage.io.localPort(relay)], 'sender');
    },
);

const fanOut = forEachDriver(
  'sends one datagram to several places',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const relay = yield* stage.open();
      const targets = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const addresses = targets.map((target) => stage.addressOf(target));
      stage.onEach = (socket, offset, length) => {
        if (socket === relay) for (const address of addresses) stage.io.send(relay, offset, length, address);
      };
      stage.send(sender, stage.addressOf(relay), 'all');
      for (const target of targets)
        checkEqual(
          (yield* stage.arrival(target)).map(({ text }) => text),
          ['all'],
          'copy',
        );
    },
);

const longestBytes = receiveCapacity - 64;
const tooLong = forEachDriver(
  'drops and counts a datagram that is longer than a slot, and takes the next',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const receiver = yield* stage.open();
      const to = stage.addressOf(receiver);
      const memory = stage.io.memory.bytes;
      for (const isLatched of [false, true]) {
        const before = stage.received.length;
        const { truncated } = stage.io.counters;
        const offset = stage.io.acquire();
        memory.fill(0x61, offset, offset + receiveCapacity + packetTailroomBytes);
        stage.io.send(sender, offset, receiveCapacity + packetTailroomBytes, to);
        stage.io.send(sender, offset, longestBytes, to);
        yield () => stage.received.length > before;
        checkEqual(stage.received.at(-1)?.length, longestBytes, 'length');
        checkEqual(stage.io.counters.truncated - truncated, 1, 'truncated');
        if (!isLatched) stage.io.latch(receiver, stage.addressOf(sender));
        yield* stage.pause(20);
      }
    },
);

const empty = forEachDriver(
  'survives empty datagrams',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const receiver = yield* stage.open();
      const to = stage.addressOf(receiver);
      for (const isLatched of [false, true]) {
        for (let count = 0; count < 50; count += 1) {
          stage.send(sender, to, '');
          yield* stage.pause(0);
        }
        stage.send(sender, to, `after ${isLatched}`);
        yield () => stage.texts(receiver).includes(`after ${isLatched}`);
        if (!isLatched) stage.io.latch(receiver, stage.addressOf(sender));
        yield* stage.pause(20);
      }
    },
);

const shortage = forEachDriver(
  'loses nothing when more datagrams wait than there are slots',
  (driver) =>
    function* (stage) {
      const receiver = yield* stage.open();
      const relay = yield* stage.open();
      const senders = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const [to, onward] = [stage.addressOf(relay), stage.addressOf(receiver)];
      stage.onEach = (socket, offset, length) => {
        if (socket === relay) stage.io.send(relay, offset, length, onward);
      };
      const perSender = 40;
      const expected = new Set<string>();
      for (const [number, sender] of senders.entries()) {
        for (let count = 0; count < perSender; count += 1) {
          expected.add(`${number}:${count}`);
          stage.send(sender, to, `${number}:${count}`);
        }
      }
      yield* stage.arrival(receiver, expected.size);
      checkEqual([...stage.texts(receiver)].sort(), [...expected].sort(), 'relayed');
      if (driver === 'io_uring')
        check(stage.io.counters.bufferShortages > 0, 'there was no shortage: nothing is shown');
    },
  { packetSlots: 4, ownSlots: 128 },
);

const overflow = scripted(
  'io_uring goes on when the completion ring overflows',
  'io_uring',
  function* (stage) {
    const sender = yield* stage.open();
    const receivers = [yield* stage.open(), yield* stage.open(), yield* stage.open(), yield* stage.open()];
    const nowhere = stage.io.allocateAddress();
    stage.io.writeAddress(nowhere, { address: '127.0.0.1', port: 0 });
    const addresses = receivers.map((receiver) => stage.addressOf(receiver));
    const rounds = 20;
    for (let round = 0; round < rounds; round += 1) {
      // Each send to port 0 fails, and each failure is a completion.
      for (let count = 0; count < 24; count += 1) stage.send(sender, nowhere, 'fails');
      for (const to of addresses) stage.send(sender, to, `${round}`);
      yield* stage.pause(0);
    }
    for (const receiver of receivers) {
      const texts = (yield* stage.arrival(receiver, rounds)).map(({ text }) => text);
      checkEqual(
        texts,
        Array.from({ length: rounds }, (_, round) => `${round}`),
        'received',
      );
    }
    yield () => stage.io.counters.sendErrors === rounds * 24;
    checkEqual(stage.io.counters.sent, rounds * receivers.length, 'sent');
  },
  { completionEntries: 8, packetSlots: 8, ownSlots: 128 },
);

const sendFailures = forEachDriver(
  'counts what the kernel refuses to send',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const nowhere = stage.io.allocateAddress();
      stage.io.writeAddress(nowhere, { address: '127.0.0.1', port: 0 });
      const six = stage.io.allocateAddress();
      stage.io.writeAddress(six, { address: '::1', port: 9 });
      stage.send(sender, nowhere, 'to port 0');
      stage.send(sender, six, 'to another family');
      yield () => stage.io.counters.sendErrors === 2;
      checkEqual(stage.io.counters.sent, 0, 'sent');
    },
);

const unreachable = forEachDriver(
  'keeps a latched socket alive whose peer answers "port unreachable"',
  (driver) =>
    function* (stage) {
      const peer = yield* stage.open();
      const socket = yield* stage.open();
      const peerPort = stage.io.localPort(peer);
      const peerAddress = stage.addressOf(peer);
      stage.io.latch(socket, peerAddress);
      yield* stage.pause(20);
      stage.io.close(peer);
      yield* stage.pause(20);
      for (let count = 0; count < 10; count += 1) {
        stage.send(socket, peerAddress, anyPayload);
        yield* stage.pause(1);
      }
      if (driver !== 'dgram') check(stage.io.counters.portUnreachable > 0, 'no port unreachable was counted');
      const again = yield* stage.open('127.0.0.1', peerPort);
      yield* stage.pause(20);
      stage.send(again, stage.addressOf(socket), 'back');
      const packets = yield* stage.arrival(socket);
      checkEqual([packets.at(-1)?.text, packets.at(-1)?.from], ['back', peerPort], 'packet');
      stage.send(socket, peerAddress, 'and forth');
      yield () => stage.texts(again).includes('and forth');
    },
);

const exhausted = forEachDriver(
  'has -1 when its own slots are used up, and all of them again in the next batch',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const receiver = yield* stage.open();
      const to = stage.addressOf(receiver);
      for (let round = 1; round <= 3; round += 1) {
        for (let count = 0; count < 4; count += 1) stage.send(sender, to, `${round}.${count}`);
        checkEqual(stage.io.acquire(), -1, 'the fifth slot');
        yield* stage.arrival(receiver, 4 * round);
      }
      checkEqual(
        stage.texts(receiver),
        ['1.0', '1.1', '1.2', '1.3', '2.0', '2.1', '2.2', '2.3', '3.0', '3.1', '3.2', '3.3'],
        'received',
      );
      checkEqual(stage.io.counters.acquireFailures, 3, 'acquire failures');
    },
  { ownSlots: 4 },
);

const announced = forNativeDrivers(
  'says whose packets come next, in their order, before the first of them comes',
  () =>
    function* (stage) {
      const sender = yield* stage.open();
      const receivers: SocketId[] = [];
      while (receivers.length < 40) receivers.push(yield* stage.open());
      const addresses = receivers.map((receiver) => stage.addressOf(receiver));
      for (let round = 1; round <= 3; round += 1) {
        for (const to of addresses) stage.send(sender, to, 'x');
        yield () => stage.received.length >= 40 * round;
      }
      const came = stage.received.map(({ socket }) => socket);
      for (const { sockets, after } of stage.announced) {
        checkEqual(sockets, came.slice(after, after + sockets.length), `sockets after ${after} packets`);
        check(sockets.length <= announcedAtOnce, `${sockets.length} at once`);
      }
      const sum = stage.announced.reduce((total, { sockets }) => total + sockets.length, 0);
      check(sum >= 60, `${sum} of 120 packets were announced`);
    },
);

export const cases = [
  ...announced,
  ...fromAnybody,
  ...overIPv6,
  ...inPlace,
  ...fanOut,
  ...tooLong,
  ...empty,
  ...shortage,
  overflow,
  ...sendFailures,
  ...unreachable,
  ...exhausted,
];
