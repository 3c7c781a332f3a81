// Chooses a packet driver: the first of io_uring, epoll and dgram that works here, or the one that the configuration forces.
// "Works" is tried out, with two sockets and a datagram, because a kernel may accept a ring and refuse its requests.
import type { Clock } from '../../core/clock.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { Arena } from '../native/arena.ts';
import type { DescriptorLedger } from './descriptor-ledger.ts';
import { DgramIo } from './dgram-io.ts';
import { trialOf } from './driver-trial.ts';
import type { MemoryRecord } from './memory-record.ts';
import { type DriverName, driverNames, type PacketIo, socketAddressBytes } from './packet-io.ts';
import { type DriverSettings, packetSlotBytes } from './packet-io-base.ts';

export type DriverChoice = 'auto' | DriverName;

/** `guarded` puts a page that may not be touched behind every allocation; `canaries` finds overwrites later and cheaper. */
export type MemorySafety = 'plain' | 'canaries' | 'guarded';

export interface PacketIoOptions {
  readonly clock: Clock;
  /** Sockets at a time; the descriptor limit must allow them. */
  readonly maxSockets: number;
  /** Bytes of the arena that are left for the caller. */
  readonly callerBytes: number;
  /** Addresses that the caller may hold at a time; two for each socket unless said otherwise. */
  readonly addressSlots?: number | undefined;
  /** A power of two. */
  readonly packetSlots?: number | undefined;
  readonly ownSlots?: number | undefined;
  readonly safety?: MemorySafety | undefined;
  /** From the thread that started this one; it has places for `maxSockets`. */
  readonly ledger?: DescriptorLedger | undefined;
  /** From there too: what the memory is kept in, below 2^31. Without one it is V8's. */
  readonly memory?: MemoryRecord | undefined;
  readonly completionEntries?: number | undefined;
}

export interface DriverProbe {
  readonly driver: DriverName;
  readonly usable: boolean;
  /** Why not. */
  readonly reason?: string | undefined;
}

export interface OpenedPacketIo {
  readonly io: PacketIo;
  /** The driver's memory, for state that native code works on too. */
  readonly arena: Arena;
  /** False where koffi does not load: the arena then has no addresses. */
  readonly hasNative: boolean;
  readonly probes: readonly DriverProbe[];
  /** Empties memory that outlives this thread, keys and packets. When the driver and all who have a piece of the arena are done. */
  wipe(): void;
}

/** Throws `SbcError` when no driver, or not the forced one, is usable; `context` has the reasons. */
export async function openPacketIo(choice: DriverChoice, options: PacketIoOptions): Promise<OpenedPacketIo> {
  const native = await loadNative();
  const probes: DriverProbe[] = [];
  for (const driver of choice === 'auto' ? driverNames : [choice]) {
    const probe = await probeDriver(driver, native, options);
    const built = probe.usable ? tryBuild(driver, native, options) : err(probe.reason);
    probes.push(built.ok ? probe : { driver, usable: false, reason: built.error });
    const wipe = (): void => wipeMemory(native, options.memory);
    if (built.ok) return { ...built.value, hasNative: native.kind === 'loaded', probes, wipe };
  }
  const reasons = Object.fromEntries(probes.map(({ driver, reason }) => [driver, reason]));
  throw new SbcError('packet-io-unavailable', `no usable packet driver (asked for: ${choice})`, reasons);
}

/** Tries every driver, for `doctor` and the log of a start. */
export async function probeDrivers(clock: Clock): Promise<readonly DriverProbe[]> {
  const native = await loadNative();
  const probes: DriverProbe[] = [];
  for (const driver of driverNames)
    probes.push(await probeDriver(driver, native, { clock, maxSockets: 2, callerBytes: 0 }));
  return probes;
}

const defaultPacketSlots = 1024;
const defaultOwnSlots = 128;
const probePacketSlots = 8;
const otherBytes = 256 * 1024;

interface Built {
  readonly io: PacketIo;
  readonly arena: Arena;
}

type Native = Awaited<ReturnType<typeof loadNative>>;

/** koffi is an optional ground: where its binary does not load, importing it throws. */
async function loadNative() {
  try {
    const { loadLibc } = await import('../native/libc.ts');
    const { createLargeArena, createKeptArena, createGuardedArena } = await import('../native/arena-memory.ts');
    const { wipe } = await import('../native/low-memory.ts');
    const { UringIo } = await import('./uring-io.ts');
    const { EpollIo } = await import('./epoll-io.ts');
    const memories = { createLargeArena, createKeptArena, createGuardedArena, wipe };
    return { kind: 'loaded', libc: loadLibc(), ...memories, UringIo, EpollIo } as const;
  } catch (thrown) {
    return { kind: 'missing', reason: messageOf(thrown) } as const;
  }
}

async function probeDriver(driver: DriverName, native: Native, options: PacketIoOptions): Promise<DriverProbe> {
  if (native.kind === 'missing' && driver !== 'dgram') return { driver, usable: false, reason: native.reason };
  try {
    const size = { maxSockets: 2, callerBytes: 0, packetSlots: probePacketSlots, ownSlots: 2, addressSlots: 8 };
    const { io } = build(driver, native, { clock: options.clock, ...size });
    const reason = await trialOf(io, options.clock);
    return reason === undefined ? { driver, usable: true } : { driver, usable: false, reason };
  } catch (thrown) {
    return { driver, usable: false, reason: messageOf(thrown) };
  }
}

/** What works small may be refused in full size: a file table over the descriptor limit, memory that may not be locked. */
function tryBuild(driver: DriverName, native: Native, options: PacketIoOptions): Result<Built, string | undefined> {
  try {
    return ok(build(driver, native, options));
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

function build(driver: DriverName, native: Native, options: PacketIoOptions): Built {
  const addressSlots = options.addressSlots ?? 2 * options.maxSockets;
  const settings: Omit<DriverSettings, 'arena'> = {
    clock: options.clock,
    maxSockets: options.maxSockets,
    packetSlots: options.packetSlots ?? defaultPacketSlots,
    ownSlots: options.ownSlots ?? defaultOwnSlots,
    // A dgram socket keeps two addresses for itself.
    addressSlots: driver === 'dgram' ? addressSlots + 2 * options.maxSockets : addressSlots,
    hasCanaries: options.safety === 'canaries',
    completionEntries: options.completionEntries,
    ledger: options.ledger,
  };
  const arena = createMemory(native, settings, options);
  if (driver === 'dgram') return { io: new DgramIo({ ...settings, arena }), arena };
  if (native.kind === 'missing') throw new SbcError('native-missing', native.reason);
  const { libc, UringIo, EpollIo } = native;
  const io =
    driver === 'io_uring' ? new UringIo(libc, { ...settings, arena }) : new EpollIo(libc, { ...settings, arena });
  return { io, arena };
}

function createMemory(native: Native, settings: Omit<DriverSettings, 'arena'>, options: PacketIoOptions): Arena {
  const slots = settings.packetSlots + settings.ownSlots + 1;
  const tables = (2 * settings.maxSockets + settings.addressSlots) * socketAddressBytes;
  const sizeBytes = slots * (packetSlotBytes + 64) + tables + otherBytes + options.callerBytes;
  if (native.kind === 'missing') return new Arena(new ArrayBuffer(sizeBytes), 0);
  const { libc, createLargeArena, createKeptArena, createGuardedArena } = native;
  if (options.safety === 'guarded') return createGuardedArena(libc, sizeBytes * guardedFactor);
  if (options.memory === undefined) return createLargeArena(libc, sizeBytes);
  // One of at most 511 places (two megabytes each below 2^31): less to guess than with mmap, and the pages around it end the process of who misses.
  return createKeptArena(libc, sizeBytes, options.memory, (limit) => systemRandom.below(limit));
}

function wipeMemory(native: Native, memory: MemoryRecord | undefined): void {
  if (native.kind === 'loaded' && memory?.mapping !== undefined) native.wipe(native.libc, memory.mapping);
}

/** Every guarded allocation takes at least two pages. */
const guardedFactor = 16;
