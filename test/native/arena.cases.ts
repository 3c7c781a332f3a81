// The guarded arena and the canaries are guards: here they are shown to bite.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { systemClock } from '../../src/core/clock.ts';
import { messageOf } from '../../src/core/errors.ts';
import { createArena, createGuardedArena } from '../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../src/media/native/libc.ts';
import { openPacketIo } from '../../src/media/packet-io/open-packet-io.ts';
import { driverNames, packetTailroomBytes } from '../../src/media/packet-io/packet-io.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { openDriver } from './support/drivers.ts';
import { play } from './support/script.ts';

const misdeeds = [
  'write-by-one',
  'native-read-by-one',
  'native-write-by-one',
  'use-after-release',
  'packet-overrun',
] as const;
type Misdeed = (typeof misdeeds)[number];

const fences: readonly NativeCase[] = misdeeds.map((misdeed) => ({
  name: `a guarded arena ends the process at: ${misdeed}`,
  run: () => {
    const script = fileURLToPath(import.meta.url);
    const { signal, stdout } = spawnSync(process.execPath, [script, misdeed], { encoding: 'utf8' });
    check(stdout.includes('about to'), `it ended before the misdeed: ${stdout}`);
    checkEqual([signal, stdout.includes('survived')], ['SIGSEGV', false], 'how it ended');
  },
}));

const inBounds: NativeCase = {
  name: 'a guarded arena lets every allocated byte be used, to the last',
  run: () => {
    const libc = loadLibc();
    const arena = createGuardedArena(libc, 1 << 22);
    for (const sizeBytes of [1, 15, 16, 172, 2048, 4096, 4097, 10_000]) {
      for (const alignment of [1, 4, 16, 4096]) {
        const offset = arena.allocate(sizeBytes, alignment);
        check(arena.address(offset, sizeBytes) % alignment === 0, `${sizeBytes} B are not aligned to ${alignment}`);
        arena.bytes.fill(0xff, offset, offset + sizeBytes);
        arena.release(offset);
        checkEqual(arena.allocate(sizeBytes, alignment), offset, 'the place after release');
        checkEqual(arena.bytes[offset], 0, 'first byte after release');
      }
    }
  },
};

const nativeSeesArena: NativeCase = {
  name: 'native code and views see the same memory',
  run: () => {
    const libc = loadLibc();
    for (const arena of [createArena(1 << 16), createGuardedArena(libc, 1 << 20)]) {
      const limit = arena.allocate(16, 8);
      checkEqual(libc.getrlimit(7, arena.address(limit, 16)), 0, 'getrlimit');
      check(arena.view.getUint32(limit, true) > 0, 'nothing was written');
    }
  },
};

const canaries: readonly NativeCase[] = driverNames.map((driver) => ({
  name: `${driver} with canaries finds who writes past the tailroom`,
  run: async () => {
    for (const excess of [0, 1]) {
      const { io } = await openDriver(driver, { safety: 'canaries' });
      const result = play(io, function* (stage) {
        const [sender, receiver] = [yield* stage.open(), yield* stage.open()];
        const slot = io.acquire();
        io.memory.bytes.fill(1, slot, slot + 1800);
        // To the end of the slot, wherever in it the driver puts the packet.
        stage.onEach = (socket, offset) => {
          if (socket === receiver) io.memory.bytes.fill(1, offset, slotEnd(io.driver, offset) + excess);
        };
        stage.send(sender, stage.addressOf(receiver), 'x');
        yield* stage.arrival(receiver);
        yield* stage.pause(20);
      });
      const message = await result.then(
        () => 'none',
        (thrown: unknown) => messageOf(thrown),
      );
      check(
        excess === 0 ? message === 'none' : message.includes('written past its end'),
        `excess ${excess}: ${message}`,
      );
    }
  },
}));

/** io_uring puts 48 bytes (header and source) in front of the datagram of an unlatched socket. */
function slotEnd(driver: string, offset: number): number {
  return offset + 2048 - (driver === 'io_uring' ? 48 : 0);
}

const library = koffi.load(null);
const memset = library.func('memset', 'int64', ['int64', 'int', 'int64']);
const memchr = library.func('memchr', 'int64', ['int64', 'int', 'int64']);

export const cases = [...fences, inBounds, nativeSeesArena, ...canaries];

const [misdeed] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) await commit(misdeeds.find((name) => name === misdeed));

async function commit(deed: Misdeed | undefined): Promise<void> {
  const libc = loadLibc();
  const arena = createGuardedArena(libc, 1 << 20);
  const offset = arena.allocate(64, 4);
  console.log('about to misbehave');
  if (deed === 'write-by-one') arena.bytes[offset + 64] = 1;
  // The arena knows its ends, not those of an allocation: these ranges pass `address`.
  if (deed === 'native-read-by-one') memchr(arena.address(offset, 65), 1, 65);
  if (deed === 'native-write-by-one') memset(arena.address(offset, 65), 1, 65);
  if (deed === 'use-after-release') {
    arena.release(offset);
    arena.bytes[offset] = 1;
  }
  if (deed === 'packet-overrun') await overrunPacket();
  console.log('survived');
}

async function overrunPacket(): Promise<void> {
  const { io } = await openPacketIo('epoll', {
    clock: systemClock,
    maxSockets: 4,
    callerBytes: 4096,
    packetSlots: 8,
    safety: 'guarded',
  });
  await play(io, function* (stage) {
    const [sender, receiver] = [yield* stage.open(), yield* stage.open()];
    stage.onEach = (_socket, offset) => io.memory.bytes.fill(0, offset, offset + 2048 + packetTailroomBytes);
    stage.send(sender, stage.addressOf(receiver), 'x');
    yield* stage.arrival(receiver);
  });
}
