// Opens drivers for tests, and makes one case of a test for each of them.
import { systemClock } from '../../../src/core/clock.ts';
import { messageOf } from '../../../src/core/errors.ts';
import {
  type MemorySafety,
  type OpenedPacketIo,
  openPacketIo,
  type PacketIoOptions,
} from '../../../src/media/packet-io/open-packet-io.ts';
import { type DriverName, driverNames } from '../../../src/media/packet-io/packet-io.ts';
import { type NativeCase, Skipped } from '../case.ts';
import { play, type Script } from './script.ts';

const smallOptions: PacketIoOptions = {
  clock: systemClock,
  maxSockets: 64,
  callerBytes: 1 << 20,
  packetSlots: 64,
  ownSlots: 64,
};

/** A driver with little of everything in guarded memory. Throws `Skipped` where the kernel does not have it. */
export async function openDriver(driver: DriverName, options: Partial<PacketIoOptions> = {}): Promise<OpenedPacketIo> {
  try {
    return await openPacketIo(driver, { ...smallOptions, safety: 'guarded', ...options });
  } catch (thrown) {
    const context = typeof thrown === 'object' && thrown !== null && 'context' in thrown ? thrown.context : {};
    throw new Skipped(`${driver}: ${messageOf(thrown)} ${JSON.stringify(context)}`);
  }
}

/** One case for each driver, in memory where an overrun is a fault. */
export function forEachDriver(
  name: string,
  script: (driver: DriverName) => Script,
  options: Partial<PacketIoOptions> = {},
): readonly NativeCase[] {
  return driverNames.map((driver) => scripted(`${driver} ${name}`, driver, script(driver), options));
}

/** The same for those drivers that ask the kernel to filter. */
export function forNativeDrivers(
  name: string,
  script: (driver: DriverName) => Script,
  options: Partial<PacketIoOptions> = {},
): readonly NativeCase[] {
  const drivers: readonly DriverName[] = ['io_uring', 'epoll'];
  return drivers.map((driver) => scripted(`${driver} ${name}`, driver, script(driver), options));
}

export function scripted(
  name: string,
  driver: DriverName,
  script: Script,
  options: Partial<PacketIoOptions> = {},
): NativeCase {
  return {
    name,
    run: async () => {
      const { io } = await openDriver(driver, options);
      await play(io, script);
      io.dispose();
    },
  };
}

export const safeties: readonly MemorySafety[] = ['canaries', 'guarded'];
