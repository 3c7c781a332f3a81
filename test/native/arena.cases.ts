// The guarded arena, the canaries, and the pages around memory that is kept are guards: here they are shown to bite.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { systemClock } from '../../src/core/clock.ts';
import { messageOf } from '../../src/core/errors.ts';
import {
  createArena,
  createGuardedArena,
  createKeptArena,
  createLargeArena,
} from '../../src/media/native/arena-memory.ts';
import { type Libc, loadLibc } from '../../src/media/native/libc.ts';
import {
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE_ANONYMOUS_NORESERVE,
  PROT_READ_WRITE,
} from '../../src/media/native/linux-abi.ts';
import { hugePageBytes, lowMemory, wipe } from '../../src/media/native/low-memory.ts';
import { MemoryRecord } from '../../src/media/packet-io/memory-record.ts';
import { openPacketIo } from '../../src/media/packet-io/open-packet-io.ts';
import { driverNames, packetTailroomBytes } from '../../src/media/packet-io/packet-io.ts';
import { packetSlotBytes } from '../../src/media/packet-io/packet-io-base.ts';
import { PacketSlots } from '../../src/media/packet-io/packet-slots.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { openDriver } from './support/drivers.ts';
import { play } from './support/script.ts';

const misdeeds = [
  'write-by-one',
  'native-read-by-one',
  'native-write-by-one',
  'use-after-release',
  'packet-overrun',
  'write-before-kept-memory',
  'write-behind-kept-memory',
] as const;
type Misdeed = (typeof misdeeds)[number];

const fences: readonly NativeCase[] = misdeeds.map((misdeed) => ({
  name: `the process ends at: ${misdeed}`,
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

const hugePages: NativeCase = {
  name: 'an arena has huge pages where it fills one, and is no more than a page larger than asked for where it does not',
  run: () => {
    const libc = loadLibc();
    checkEqual(createLargeArena(libc, 100_000).sizeBytes, 102_400, 'a small one');
    const large = createLargeArena(libc, hugePageBytes + 1);
    const first = large.allocate(hugePageBytes + 1, 1);
    checkEqual(large.address(first, 1) % hugePageBytes, 0, 'where a large one begins');
  },
};

const mostAddress = 2 ** 31;
const wanted = 3_000_000;
const slotsWanted = 1024;

const keptMemory: readonly NativeCase[] = [
  {
    name: 'kept memory lies below 2^31, where an address is no object of V8',
    run: () => {
      const arena = createKeptArena(loadLibc(), wanted, new MemoryRecord(), () => 0);
      check(arena.freeBytes >= wanted - 64, `${arena.freeBytes} B are free`);
      check(arena.address(arena.sizeBytes - 1, 1) < mostAddress, `it ends at ${arena.address(arena.sizeBytes, 0)}`);
    },
  },
  {
    name: 'who has the record next has the same memory, with nothing in it',
    run: () => {
      const libc = loadLibc();
      const { buffer } = new MemoryRecord();
      const first = createKeptArena(libc, wanted, new MemoryRecord(buffer), () => 7);
      const key = first.allocate(64);
      first.bytes.fill(0x5a, key, key + 64);
      const base = first.address(64, 1);
      const next = createKeptArena(libc, wanted, new MemoryRecord(buffer), () => 0);
      checkEqual(next.address(64, 1), base, 'its address');
      check(
        next.bytes.every((byte) => byte === 0),
        'something of the one before is left',
      );
    },
  },
  {
    name: 'memory is wiped on demand, and stays where it is',
    run: () => {
      const libc = loadLibc();
      const record = new MemoryRecord();
      const arena = createKeptArena(libc, wanted, record, () => 0);
      arena.bytes.fill(1);
      check(record.mapping !== undefined && wipe(libc, record.mapping), 'the kernel refused');
      check(
        arena.bytes.every((byte) => byte === 0),
        'something is left',
      );
    },
  },
  {
    name: 'packet slots have their pages before there are packets',
    run: () => {
      const record = new MemoryRecord();
      const arena = createKeptArena(loadLibc(), wanted, record, () => 0);
      check(residentAt(record) < slotsWanted * packetSlotBytes, 'pages are there before anything is touched');
      new PacketSlots(arena, slotsWanted, packetSlotBytes, false);
      const resident = residentAt(record);
      check(resident >= slotsWanted * packetSlotBytes, `${resident} B are resident`);
    },
  },
  {
    name: 'two records never have memory in common, wherever they want it',
    run: () => {
      const libc = loadLibc();
      const mappings = Array.from({ length: 8 }, () => lowMemory(libc, wanted, new MemoryRecord(), () => 3));
      const starts = mappings.map((mapping) => mapping?.address ?? 0).toSorted((a, b) => a - b);
      const distances = starts.slice(1).map((start, at) => start - (starts[at] ?? 0));
      check(starts[0] !== 0 && distances.every((distance) => distance > wanted), `they start at ${starts.join(', ')}`);
    },
  },
  {
    name: 'nobody else can have the pages before and behind kept memory',
    run: () => {
      const libc = loadLibc();
      const mapping = lowMemory(libc, wanted, new MemoryRecord(), () => 0);
      if (mapping === undefined) throw new Error('there is none');
      const flags = MAP_PRIVATE_ANONYMOUS_NORESERVE | MAP_FIXED_NOREPLACE;
      for (const address of [mapping.address - 4096, mapping.address + mapping.length]) {
        check(libc.mmap(address, 4096, PROT_READ_WRITE, flags, -1, 0) < 0, `${address} was free`);
      }
    },
  },
  {
    name: 'memory that is too small for the next one is wiped and stays where it is, and that one has memory of V8',
    run: () => {
      const libc = loadLibc();
      const record = new MemoryRecord();
      const small = createKeptArena(libc, 4096, record, () => 0);
      const { mapping } = record;
      small.bytes.fill(0x5a);
      const large = createKeptArena(libc, small.sizeBytes + 1, record, () => 0);
      checkEqual(record.mapping, mapping, 'the record');
      check(
        small.bytes.every((byte) => byte === 0),
        'something of the one before is left',
      );
      check(large.address(64, 1) >= mostAddress, 'it got the memory of before');
    },
  },
  {
    name: 'where no place below 2^31 is to be had, memory is of V8, and nothing stays mapped',
    run: () => {
      const real = loadLibc();
      const refusing: readonly Partial<Libc>[] = [
        { mmap: () => -1 },
        { mprotect: () => -1 },
        // A kernel that takes the address for a wish.
        { mmap: (_hint, ...others) => real.mmap(0, ...others) },
      ];
      for (const changes of refusing) {
        let mapped = 0;
        const mmap = changes.mmap ?? real.mmap;
        const libc: Libc = {
          ...real,
          ...changes,
          mmap: (...parameters) => {
            const address = mmap(...parameters);
            if (address > 0) mapped += 1;
            return address;
          },
          munmap: (...parameters) => {
            mapped -= 1;
            return real.munmap(...parameters);
          },
        };
        const record = new MemoryRecord();
        const arena = createKeptArena(libc, wanted, record, () => 0);
        checkEqual([mapped, record.mapping], [0, undefined], 'what is mapped, and recorded');
        check(arena.freeBytes >= wanted - 64 && arena.address(64, 1) > 0, 'there is no memory');
      }
    },
  },
];

/** Bytes of a record's memory that have pages, by /proc/self/smaps. */
function residentAt({ mapping }: MemoryRecord): number {
  const start = (mapping?.address ?? 0).toString(16).padStart(8, '0');
  const area = readFileSync('/proc/self/smaps', 'utf8').split(`\n${start}-`)[1];
  return 1024 * Number(/^Rss: +([0-9]+) kB$/m.exec(area ?? '')?.[1]);
}

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

export const cases = [...fences, inBounds, nativeSeesArena, hugePages, ...keptMemory, ...canaries];

const [misdeed] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) await commit(misdeeds.find((name) => name === misdeed));

async function commit(deed: Misdeed | undefined): Promise<void> {
  const libc = loadLibc();
  const arena = createGuardedArena(libc, 1 << 20);
  const offset = arena.allocate(64, 4);
  const kept = lowMemory(libc, wanted, new MemoryRecord(), () => 0);
  if (kept === undefined) throw new Error('there is no memory below 2^31');
  memset(kept.address, 1, kept.length);
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
  if (deed === 'write-before-kept-memory') memset(kept.address - 1, 1, 1);
  if (deed === 'write-behind-kept-memory') memset(kept.address + kept.length, 1, 1);
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
