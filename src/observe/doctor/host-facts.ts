// What the machine tells of itself. Read from a root, so that a test gives a tree of its own; what a system does not have is absent.
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, type Stats, statfsSync, statSync } from 'node:fs';
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

export function gatherHostFacts({ root, files, certificates, stateDirectory }: HostPlaces): HostFacts {
  return {
    sensors: readSensors(root),
    uid: process.geteuid?.(),
    nodeVersion: process.versions.node,
    opensslVersion: process.versions.openssl ?? '',
    files: files.flatMap((file) => {
      const status = statusOf(file.path);
      return status === undefined ? [] : [{ ...file, mode: status.mode & 0o777 }];
    }),
    certificates: certificates.flatMap((file) => {
      const validUntil = validityOf(file);
      return validUntil === undefined ? [] : [{ file, validUntil }];
    }),
    disk: diskOf(stateDirectory),
    descriptors: descriptorLimit(textOf(join(root, 'proc/self/limits'))),
    ioUringDisabled: numberOf(join(root, 'proc/sys/kernel/io_uring_disabled')),
  };
}

/** The sensors of Linux hwmon (Documentation/hwmon/sysfs-interface): one folder a chip, one file a value. */
export function readSensors(root: string): readonly Sensor[] {
  const folder = join(root, 'sys/class/hwmon');
  return namesIn(folder).flatMap((chip) => {
    const path = join(folder, chip);
    return namesIn(path).flatMap((file) => sensorOf(path, chip, file));
  });
}

function sensorOf(path: string, chip: string, file: string): readonly Sensor[] {
  const [, input = '', intrusion] = /^(?:(temp\d+|fan\d+)_input|(intrusion\d+)_alarm)$/.exec(file) ?? [];
  const read = (attribute: string): number | undefined => numberOf(join(path, `${input}_${attribute}`));
  const isAlarm = (...names: readonly string[]): boolean => names.some((name) => read(name) === 1);
  if (intrusion !== undefined) {
    return [{ kind: 'intrusion', name: `${chip}/${intrusion}`, isAlarm: numberOf(join(path, file)) === 1 }];
  }
  const value = input === '' ? undefined : read('input');
  if (value === undefined) return [];
  const name = `${chip}/${input}`;
  if (input.startsWith('fan')) {
    return [{ kind: 'fan', name, value, min: read('min'), isAlarm: isAlarm('alarm', 'min_alarm', 'fault') }];
  }
  const [max, critical] = [degrees(read('max')), degrees(read('crit'))];
  return [{ kind: 'temperature', name, value: value / 1_000, max, critical, isAlarm: isAlarm('crit_alarm') }];
}

function degrees(millidegrees: number | undefined): number | undefined {
  return millidegrees === undefined ? undefined : millidegrees / 1_000;
}

/** Of `/proc/self/limits`. */
function descriptorLimit(limits: string | undefined): number | undefined {
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits ?? '')?.[1];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft);
}

function diskOf(path: string): HostFacts['disk'] {
  return tried(() => {
    const { bavail, blocks, bsize } = statfsSync(path);
    return { path, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  });
}

function validityOf(file: string): EpochMillis | undefined {
  return tried(() => new X509Certificate(readFileSync(file)).validToDate.getTime());
}

function statusOf(path: string): Stats | undefined {
  return tried(() => statSync(path));
}

function namesIn(folder: string): readonly string[] {
  return tried(() => readdirSync(folder).toSorted()) ?? [];
}

function numberOf(file: string): number | undefined {
  const text = textOf(file)?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

function textOf(file: string): string | undefined {
  return tried(() => readFileSync(file, 'utf8'));
}

/** A machine without it, or a sensor that gives an error today, is nothing to be said. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
