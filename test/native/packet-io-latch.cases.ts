// Latching: the kernel may filter for us, but a datagram is never taken for the peer's unless it is the peer's.
import { check, checkEqual, type NativeCase } from './case.ts';
import { forEachDriver, forNativeDrivers, openDriver } from './support/drivers.ts';
import { flood } from './support/flooder.ts';
import { play } from './support/script.ts';

const sourceIsLatch = forNativeDrivers(
  'hands up the very address that was latched to, and a stranger with its own',
  () =>
    function* (stage) {
      const [socket, peer, stranger] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(socket);
      const peerAddress = stage.addressOf(peer);
      stage.io.latch(socket, peerAddress);
      yield* stage.pause(20);
      stage.send(stranger, to, 'stranger');
      stage.send(peer, to, 'peer');
      yield* stage.arrival(socket);
      stage.send(stranger, to, 'stranger');
      stage.send(peer, to, 'peer');
      yield* stage.arrival(socket, 4);
      const sources = stage.received.filter(({ text }) => text === 'peer').map(({ source }) => source);
      checkEqual(sources.at(-1), peerAddress, 'the source of the last');
      const isMistaken = stage.received.some(({ text, source }) => text === 'stranger' && source === peerAddress);
      checkEqual(isMistaken, false, 'the stranger is taken for the peer');
    },
);

const strays = forNativeDrivers(
  'hands up what strangers send to a latched port, with its true source, and stays the only owner of the port',
  () =>
    function* (stage) {
      const [socket, peer, stranger] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(socket);
      stage.io.latch(socket, stage.addressOf(peer));
      yield* stage.pause(20);
      for (let count = 0; count < 5; count += 1) stage.send(stranger, to, 'stranger');
      for (let count = 0; count < 20; count += 1) stage.send(peer, to, 'peer');
      yield* stage.arrival(socket, 25);
      for (const { text, from } of stage.received) {
        checkEqual(from, stage.io.localPort(text === 'peer' ? peer : stranger), `source of a datagram of the ${text}`);
      }
      checkEqual(stage.texts(socket).filter((text) => text === 'stranger').length, 5, 'strays');
      const second = yield* stage.tryOpen('127.0.0.1', stage.io.localPort(socket));
      checkEqual(second.ok ? 'opened' : second.error.code, 'in-use', 'a second owner');
      checkEqual(stage.unread, 0, 'unread');
    },
);

const manyStrays = forNativeDrivers(
  'counts a flood of strays without reading it, and the peer loses nothing',
  () =>
    function* (stage) {
      const [socket, peer, stranger] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(socket);
      stage.io.latch(socket, stage.addressOf(peer));
      yield* stage.pause(20);
      for (let round = 0; round < 100; round += 1) {
        for (let count = 0; count < 50; count += 1) stage.send(stranger, to, 'stranger');
        stage.send(peer, to, 'peer');
        yield* stage.pause(0);
      }
      const count = (text: string): number => stage.texts(socket).filter((one) => one === text).length;
      yield () => count('peer') === 100 && count('stranger') + stage.unread === 5000;
      check(count('stranger') < 200, `read ${count('stranger')} strays`);
    },
);

const straysGiveWay = forNativeDrivers(
  'does without strays where sockets need the descriptors',
  () =>
    function* (stage) {
      const peer = yield* stage.open();
      const sockets = [yield* stage.open(), yield* stage.open()];
      for (const socket of sockets) stage.io.latch(socket, stage.addressOf(peer));
      yield* stage.pause(20);
      for (let count = 0; count < 3; count += 1) sockets.push(yield* stage.open());
      for (const socket of sockets.slice(0, 2)) stage.send(peer, stage.addressOf(socket), 'peer');
      for (const socket of sockets.slice(0, 2)) yield* stage.arrival(socket);
      const seventh = yield* stage.tryOpen();
      checkEqual(seventh.ok ? 'opened' : seventh.error.code, 'descriptors-exhausted', 'one too many');
    },
  { maxSockets: 6 },
);

const queuedBefore = forEachDriver(
  'hands up what was queued before the latch with its true source',
  () =>
    function* (stage) {
      const [socket, peer, stranger] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(socket);
      const peerAddress = stage.addressOf(peer);
      for (let round = 0; round < 50; round += 1) {
        const before = stage.received.length;
        stage.send(stranger, to, 'stranger');
        stage.send(peer, to, 'peer');
        stage.io.latch(socket, peerAddress);
        yield () => stage.received.length >= before + 2;
        stage.io.unlatch(socket);
        yield* stage.pause(1);
      }
      for (const { text, from } of stage.received) {
        checkEqual(from, stage.io.localPort(text === 'peer' ? peer : stranger), `source of a datagram of the ${text}`);
      }
      checkEqual(stage.received.length, 100, 'received');
    },
);

const unlatches = forEachDriver(
  'takes datagrams of anybody again after unlatch, on the same port',
  () =>
    function* (stage) {
      const [peer, stranger] = [yield* stage.open(), yield* stage.open()];
      const chosenByKernel = yield* stage.open();
      const free = yield* stage.open();
      const freePort = stage.io.localPort(free);
      stage.io.close(free);
      yield* stage.pause(10);
      const askedFor = yield* stage.open('127.0.0.1', freePort);
      for (const socket of [chosenByKernel, askedFor]) {
        const to = stage.addressOf(socket);
        const port = stage.io.localPort(socket);
        for (let round = 0; round < 3; round += 1) {
          stage.io.latch(socket, stage.addressOf(peer));
          yield* stage.pause(10);
          stage.io.unlatch(socket);
          yield* stage.pause(10);
          const before = stage.texts(socket).length;
          stage.send(stranger, to, 'stranger');
          stage.send(peer, to, 'peer');
          const packets = (yield* stage.arrival(socket, before + 2)).slice(-2);
          const seen = packets.map(({ text, from }) => [text, from]).sort();
          const expected = [
            ['peer', stage.io.localPort(peer)],
            ['stranger', stage.io.localPort(stranger)],
          ];
          checkEqual(seen, expected, 'packets');
        }
        stage.send(socket, stage.addressOf(stranger), 'whence?');
        checkEqual((yield* stage.arrival(stranger)).at(-1)?.from, port, 'the port that it sends from');
        stage.received.length = 0;
      }
    },
);

const relatches = forEachDriver(
  'follows from one peer to another, also through the same place in memory',
  () =>
    function* (stage) {
      const [socket, first, second] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(socket);
      const address = stage.io.allocateAddress();
      for (let round = 0; round < 40; round += 1) {
        const peer = round % 2 === 0 ? first : second;
        stage.io.unlatch(socket);
        stage.io.writeAddress(address, { address: '127.0.0.1', port: stage.io.localPort(peer) });
        stage.io.latch(socket, address);
        if (round % 3 === 0) yield* stage.pause(2);
        stage.send(socket, address, `${round}`);
        yield () => stage.texts(peer).includes(`${round}`);
        yield* stage.pause(5);
        stage.send(peer, to, `${peer}`);
        yield () => stage.texts(socket).length > round;
      }
      checkEqual(stage.texts(first).length, 20, 'sent to the first');
      checkEqual(stage.texts(second).length, 20, 'sent to the second');
    },
);

const sendsElsewhere = forEachDriver(
  'sends from a latched socket to somebody else too',
  () =>
    function* (stage) {
      const [socket, peer, other] = [yield* stage.open(), yield* stage.open(), yield* stage.open()];
      const peerAddress = stage.addressOf(peer);
      stage.io.latch(socket, peerAddress);
      yield* stage.pause(20);
      stage.send(socket, stage.addressOf(other), 'other');
      stage.send(socket, peerAddress, 'peer');
      stage.send(socket, stage.addressOf(peer), 'peer, from another place');
      yield* stage.arrival(other);
      yield* stage.arrival(peer, 2);
      checkEqual(stage.texts(other), ['other'], 'to the other');
      checkEqual(stage.texts(peer), ['peer', 'peer, from another place'], 'to the peer');
      checkEqual(stage.received[0]?.from, stage.io.localPort(socket), 'sender');
    },
);

const noRoute = forNativeDrivers(
  'stays open for all when the peer cannot be connected to',
  () =>
    function* (stage) {
      const [socket, sender] = [yield* stage.open(), yield* stage.open()];
      const unreachable = stage.io.allocateAddress();
      stage.io.writeAddress(unreachable, { address: '::1', port: 9 });
      stage.io.latch(socket, unreachable);
      yield* stage.pause(20);
      stage.send(sender, stage.addressOf(socket), 'still here');
      checkEqual((yield* stage.arrival(socket))[0]?.from, stage.io.localPort(sender), 'source');
    },
);

/** Latches and unlatches thousands of times while a stranger sends without pause. */
function neverMistaken(driver: 'io_uring' | 'epoll'): NativeCase {
  return {
    name: `${driver} never takes a flooding stranger for the peer while latching and unlatching`,
    run: async () => {
      const { io } = await openDriver(driver);
      const floods: { stop(): Promise<void> }[] = [];
      const counts = { stranger: 0, peer: 0, filtered: 0 };
      let [socket, peer] = [-1, -1];
      await play(io, function* (stage) {
        [socket, peer] = [yield* stage.open(), yield* stage.open()];
      });
      floods.push(await flood(io.localPort(socket), 'stranger'));
      await play(io, function* (stage) {
        const to = stage.addressOf(socket);
        const peerAddress = stage.addressOf(peer);
        const peerPort = io.localPort(peer);
        for (let round = 0; round < 600; round += 1) {
          io.latch(socket, peerAddress);
          stage.send(peer, to, 'peer');
          yield* stage.pause(round % 4);
          stage.send(peer, to, 'peer');
          yield* stage.pause(round % 2);
          io.unlatch(socket);
          yield* stage.pause(round % 3);
          for (const { text, from, source } of stage.received) {
            check((text === 'peer') === (from === peerPort), `a datagram "${text}" came with source port ${from}`);
            counts[text === 'peer' ? 'peer' : 'stranger'] += 1;
            if (source === peerAddress) counts.filtered += 1;
          }
          stage.received.length = 0;
        }
      });
      for (const one of floods) await one.stop();
      check(
        counts.stranger > 500 && counts.peer >= 1000 && counts.filtered > 100,
        `too little: ${JSON.stringify(counts)}`,
      );
      io.dispose();
    },
  };
}

export const cases = [
  ...sourceIsLatch,
  ...strays,
  ...manyStrays,
  ...straysGiveWay,
  ...queuedBefore,
  ...unlatches,
  ...relatches,
  ...sendsElsewhere,
  ...noRoute,
  neverMistaken('io_uring'),
  neverMistaken('epoll'),
];
