// What the machine tells of itself. Read from a root, so that a test gives a tree of its own; what a system does not have is absent.
import { X509Certificate } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMillis } from '../../core/clock.ts';

export interface HostFacts {
  readonly sensors: readonly Sensor[];
  /** Undefined where there are no user ids. */
  readonly uid: number | undefined;
  readonly nodeVersion: string;
  readonly opensslVersion: string;
  readonly files: readonly FileFact[];
  readonly certificates: readonly { readonly file: string; readonly validUntil: EpochMillis }[];
  /** Of the disk that holds the state. */
  readonly disk: { readonly path: string; readonly freeBytes: number; readonly totalBytes: number } | undefined;
  /** Soft limit of open files; Infinity for none, undefined where the system does not tell. */
  readonly descriptors: number | undefined;
  /** As the kernel says it: 0 for everyone, 1 for a group, 2 for nobody. */
  readonly ioUringDisabled: number | undefined;
}

export interface FileFact {
  readonly path: string;
  /** A key or secret: nobody but its owner may read it. Else others may not, the group may. */
  readonly isSecret: boolean;
  /** It is root's, and of the group of whoever runs the SBC, which then may read it: so nobody changes it from there. */
  readonly isLent?: boolean;
  readonly mode: number;
}

/** Temperatures in degrees Celsius, fans in revolutions a minute. */
export type Sensor =
  | {
      readonly kind: 'temperature';
      readonly name: string;
      readonly value: number;
      readonly max: number | undefined;
      readonly critical: number | undefined;
      readonly isAlarm: boolean;
    }
  | {
      readonly kind: 'fan';
      readonly name: string;
      readonly value: number;
      readonly min: number | undefined;
      readonly isAlarm: boolean;
    }
  | { readonly kind: 'intrusion'; readonly name: string; readonly isAlarm: boolean };

export interface HostPlaces {
  /** `/`, or where a test has its tree. */
  readonly root: string;
  readonly files: readonly Pick<FileFact, 'path' | 'isSecret'>[];
  readonly certificates: readonly string[];
  readonly stateDirectory: string;
}

/** Waits for no disk on the thread that calls it. */
export async function gatherHostFacts({ root, files, certificates, stateDirectory }: HostPlaces): Promise<HostFacts> {
  const [sensors, modes, validities, disk, state, limits, ioUringDisabled] = await Promise.all([
    readSensors(root),
    Promise.all(files.map(async (file) => ({ file, status: await statusOf(file.path) }))),
    Promise.all(certificates.map(async (file) => ({ file, validUntil: await validityOf(file) }))),
    diskOf(stateDirectory),
    statusOf(stateDirectory),
    textOf(join(root, 'proc/self/limits')),
    numberOf(join(root, 'proc/sys/kernel/io_uring_disabled')),
  ]);
  return {
    sensors,
    uid: process.geteuid?.(),
    nodeVersion: process.versions.node,
    opensslVersion: process.versions.openssl ?? '',
    files: modes.flatMap(({ file, status }) => (status === undefined ? [] : [fileFact(file, status, state?.gid)])),
    certificates: validities.flatMap(({ file, validUntil }) =>
      validUntil === undefined ? [] : [{ file, validUntil }],
    ),
    disk,
    descriptors: descriptorLimit(limits),
    ioUringDisabled,
  };
}

function fileFact(file: Pick<FileFact, 'path' | 'isSecret'>, { mode, uid, gid }: Stats, group?: number): FileFact {
  return { ...file, isLent: uid === 0 && gid !== 0 && gid === group, mode: mode & 0o777 };
}

/** The sensors of Linux hwmon (Documentation/hwmon/sysfs-interface): one folder a chip, one file a value. */
export async function readSensors(root: string): Promise<readonly Sensor[]> {
  const folder = join(root, 'sys/class/hwmon');
  const chips = await Promise.all(
    (await namesIn(folder)).map(async (chip) => {
      const path = join(folder, chip);
      const found = (await namesIn(path)).map((file) => sensorOf(path, chip, file));
      return (await Promise.all(found)).filter((sensor) => sensor !== undefined);
    }),
  );
  return chips.flat();
}

async function sensorOf(path: string, chip: string, file: string): Promise<Sensor | undefined> {
  const [, input = '', intrusion] = /^(?:(temp\d+|fan\d+)_input|(intrusion\d+)_alarm)$/.exec(file) ?? [];
  const read = (attribute: string): Promise<number | undefined> => numberOf(join(path, `${input}_${attribute}`));
  const isAlarm = async (...names: readonly string[]): Promise<boolean> => {
    return (await Promise.all(names.map(read))).includes(1);
  };
  if (intrusion !== undefined) {
    return { kind: 'intrusion', name: `${chip}/${intrusion}`, isAlarm: (await numberOf(join(path, file))) === 1 };
  }
  const value = input === '' ? undefined : await read('input');
  if (value === undefined) return undefined;
  const name = `${chip}/${input}`;
  if (input.startsWith('fan')) {
    const alarm = await isAlarm('alarm', 'min_alarm', 'fault');
    return { kind: 'fan', name, value, min: await read('min'), isAlarm: alarm };
  }
  const [max, critical] = [degrees(await read('max')), degrees(await read('crit'))];
  return { kind: 'temperature', name, value: value / 1_000, max, critical, isAlarm: await isAlarm('crit_alarm') };
}

function degrees(millidegrees: number | undefined): number | undefined {
  return millidegrees === undefined ? undefined : millidegrees / 1_000;
}

/** Of `/proc/self/limits`. */
function descriptorLimit(limits: string | undefined): number | undefined {
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft);
}

function diskOf(path: string): Promise<HostFacts['disk']> {
  return tried(async () => {
    const { bavail, blocks, bsize } = await statfs(path);
    return { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  });
}

function validityOf(file: string): Promise<EpochMillis | undefined> {
  return tried(async () => new X509Certificate(await readFile(file)).validToDate.getTime());
}

function statusOf(path: string): Promise<Stats | undefined> {
  return tried(() => stat(path));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await tried(async () => (await readdir(folder)).toSorted())) ?? [];
}

async function numberOf(file: string): Promise<number | undefined> {
  const text = (await textOf(file))?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

function textOf(file: string): Promise<string | undefined> {
  return tried(() => readFile(file, 'utf8'));
}

/** A machine without it, or a sensor that gives an error today, is nothing to be said. */
async function tried<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
