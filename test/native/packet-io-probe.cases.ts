// Which driver is chosen where the kernel forbids something, as container runtimes do by seccomp. The filter is installed in this
// process, which is the case's own.
import koffi from 'koffi';
import { systemClock } from '../../src/core/clock.ts';
import { SbcError } from '../../src/core/errors.ts';
import { createArena } from '../../src/media/native/arena-memory.ts';
import { type Libc, loadLibc } from '../../src/media/native/libc.ts';
import { openPacketIo, probeDrivers } from '../../src/media/packet-io/open-packet-io.ts';
import { UringIo } from '../../src/media/packet-io/uring-io.ts';
import { check, checkEqual, type NativeCase, Skipped } from './case.ts';
import { play } from './support/script.ts';

const EPERM = 1;
const EINVAL = 22;
const ENOSYS = 38;
const IO_URING_SETUP = 425;
const IO_URING_REGISTER = 427;
/** x64 only; the io_uring numbers are the same everywhere. */
const EPOLL_WAIT = 232;
const EVENTFD2 = 290;

const options = { clock: systemClock, maxSockets: 8, callerBytes: 4096, packetSlots: 8 };

/** Makes one system call fail with `errno` in this thread and all that it starts. */
function forbid(systemCall: number, errno: number): void {
  const library = koffi.load(null);
  const prctl = library.func('prctl', 'int', ['int', 'int64', 'int64', 'int64', 'int64']);
  //  struct sock_filter (8):  code u16 | jt u8 | jf u8 | k u32
  const filter = new DataView(new ArrayBuffer(128));
  const instructions = [
    [0x20, 0, 0, 0], // load the number of the system call
    [0x15, 0, 1, systemCall],
    [0x06, 0, 0, 0x0005_0000 | errno],
    [0x06, 0, 0, 0x7fff_0000],
  ] as const;
  for (const [index, [code, yes, no, value]] of instructions.entries()) {
    filter.setUint16(8 * index, code, true);
    filter.setUint8(8 * index + 2, yes);
    filter.setUint8(8 * index + 3, no);
    filter.setUint32(8 * index + 4, value, true);
  }
  //  struct sock_fprog (16):  len u16 | filter u64
  const program = new DataView(new ArrayBuffer(128));
  program.setUint16(0, instructions.length, true);
  program.setBigUint64(8, koffi.address(filter.buffer), true);
  const isForbidden = prctl(38, 1, 0, 0, 0) === 0 && prctl(22, 2, Number(koffi.address(program.buffer)), 0, 0) === 0;
  if (!isForbidden) throw new Skipped('seccomp filters are not allowed here');
}

async function hello(choice: 'auto' | 'io_uring'): Promise<readonly [string, readonly (string | undefined)[]]> {
  const { io, probes } = await openPacketIo(choice, options);
  await play(io, function* (stage) {
    const [sender, receiver] = [yield* stage.open(), yield* stage.open()];
    stage.send(sender, stage.addressOf(receiver), 'hello');
    yield* stage.arrival(receiver);
  });
  io.dispose();
  return [io.driver, probes.map(({ reason }) => reason)];
}

const refusedSetup: readonly NativeCase[] = (
  [
    [EPERM, 'EPERM'],
    [ENOSYS, 'ENOSYS'],
  ] as const
).map(([errno, name]) => ({
  name: `auto takes epoll where io_uring_setup answers ${name}`,
  run: async () => {
    forbid(IO_URING_SETUP, errno);
    checkEqual(await hello('auto'), ['epoll', [`io_uring_setup: ${name}`, undefined]], 'driver and reasons');
  },
}));

const refusedRegister: NativeCase = {
  name: 'auto takes epoll where a ring may be made but nothing registered',
  run: async () => {
    forbid(IO_URING_REGISTER, EPERM);
    const [driver, [reason]] = await hello('auto');
    checkEqual(driver, 'epoll', 'driver');
    check(reason?.includes('EPERM') === true, `the reason does not name EPERM: ${reason}`);
  },
};

const onlyDgram: NativeCase = {
  name: 'auto takes dgram where nothing else may be had',
  run: async () => {
    if (process.arch !== 'x64') throw new Skipped('the numbers are those of x64');
    forbid(EVENTFD2, EPERM);
    checkEqual((await hello('auto'))[0], 'dgram', 'driver');
  },
};

const forced: NativeCase = {
  name: 'a forced driver that does not work is an error with the reason, never another driver',
  run: async () => {
    forbid(IO_URING_SETUP, EPERM);
    const thrown = await hello('io_uring').catch((reason: unknown) => reason);
    check(thrown instanceof SbcError, `expected an SbcError, got ${String(thrown)}`);
    checkEqual(thrown.context, { io_uring: 'io_uring_setup: EPERM' }, 'context');
  },
};

const loudFailure: NativeCase = {
  name: 'a wait that fails for good ends the loop instead of spinning',
  run: async () => {
    if (process.arch !== 'x64') throw new Skipped('the numbers are those of x64');
    const { io } = await openPacketIo('epoll', options);
    forbid(EPOLL_WAIT, EPERM);
    const run = io.run({ onPacket: () => {}, onControl: () => {}, onDeadline: (now) => now + 1 });
    const thrown = await run.catch((reason: unknown) => reason);
    check(thrown instanceof SbcError && thrown.code === 'epoll-wait', `expected epoll-wait, got ${String(thrown)}`);
  },
};

const olderKernel: NativeCase = {
  name: 'io_uring works on a kernel before 6.6, which wants an index array in its ring',
  run: async () => {
    const libc = loadLibc();
    let setups = 0;
    const older: Libc = {
      ...libc,
      ioUringSetup: (entries, parameters) => {
        setups += 1;
        return setups === 1 ? -1 : libc.ioUringSetup(entries, parameters);
      },
      errno: () => (setups === 1 ? EINVAL : libc.errno()),
    };
    const settings = { ...options, ownSlots: 8, addressSlots: 8, hasCanaries: true, arena: createArena(1 << 20) };
    const io = new UringIo(older, settings);
    await play(io, function* (stage) {
      const [sender, receiver] = [yield* stage.open(), yield* stage.open()];
      const to = stage.addressOf(receiver);
      for (let count = 1; count <= 100; count += 1) {
        stage.send(sender, to, `${count}`);
        yield* stage.arrival(receiver, count);
      }
    });
    checkEqual(setups, 2, 'calls of io_uring_setup');
    io.dispose();
  },
};

const report: NativeCase = {
  name: 'every driver is probed, with a reason where it is not usable',
  run: async () => {
    const probes = await probeDrivers(systemClock);
    checkEqual(
      probes.map(({ driver }) => driver),
      ['io_uring', 'epoll', 'dgram'],
      'drivers',
    );
    for (const { driver, usable, reason } of probes) {
      check(usable === (reason === undefined), `${driver}: usable ${usable}, reason ${reason}`);
    }
  },
};

export const cases = [...refusedSetup, refusedRegister, onlyDgram, forced, loudFailure, olderKernel, report];
