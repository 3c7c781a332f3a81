// What is wrong with the machine and the files, out of facts alone.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { DoctorFinding } from './finding.ts';
import type { FileFact, HostFacts, Sensor } from './host-facts.ts';

type Disk = NonNullable<HostFacts['disk']>;

const day: Millis = 86_400_000;
/** Certificates are told of so long before they end, and loudly in the last days. */
export const daysBefore = 14;
const lastDays = 3;
/** Of the disk, and bytes: the less of the two. */
const leastFreeShare = 0.05;
const leastFreeBytes = 1_000_000_000;

export function hostFindings(facts: HostFacts, now: EpochMillis): readonly DoctorFinding[] {
  return [
    ...sensorFindings(facts.sensors),
    ...facts.files.flatMap(fileFinding),
    ...facts.certificates.flatMap(({ file, validUntil }) => certificateFinding(file, validUntil, now)),
    ...diskFinding(facts.disk),
    ...rootFinding(facts.uid),
    ...ageFinding('Node.js', facts.nodeVersion, endOfNode(facts.nodeVersion), now),
    ...ageFinding('OpenSSL', facts.opensslVersion, endOfOpenssl(facts.opensslVersion), now),
  ];
}

/** Whole days; negative for a certificate that has ended. */
export function daysLeft(validUntil: EpochMillis, now: EpochMillis): number {
  return Math.floor((validUntil - now) / day);
}

export function isNearlyFull({ freeBytes, totalBytes }: Disk): boolean {
  return freeBytes < Math.min(leastFreeBytes, totalBytes * leastFreeShare);
}

export function sensorFindings(sensors: readonly Sensor[]): readonly DoctorFinding[] {
  return sensors.flatMap((sensor) => {
    const found = troubleOf(sensor);
    return found === undefined ? [] : [{ id: `${sensor.kind} ${sensor.name}`, ...found }];
  });
}

function troubleOf(sensor: Sensor): Omit<DoctorFinding, 'id'> | undefined {
  const { name, isAlarm } = sensor;
  switch (sensor.kind) {
    case 'temperature': {
      const { value, max, critical } = sensor;
      const remedy = 'look at fans, dust and the air that comes in';
      if (isAlarm || (critical !== undefined && critical > 0 && value >= critical)) {
        return {
          severity: 'critical',
          detail: `${name} has ${value} °C, critical is ${critical ?? 'reached'}`,
          remedy,
        };
      }
      if (max === undefined || max <= 0 || value < max) return undefined;
      return { severity: 'warning', detail: `${name} has ${value} °C, ${max} at most`, remedy };
    }
    case 'fan': {
      const { value, min } = sensor;
      if (!isAlarm && (min === undefined || value >= min)) return undefined;
      const detail = `${name} turns ${value} times a minute${min === undefined ? '' : `, ${min} at least`}`;
      return { severity: value === 0 ? 'critical' : 'warning', detail, remedy: 'replace the fan' };
    }
    case 'intrusion': {
      if (!isAlarm) return undefined;
      const remedy = `look who opened it, then write 0 to /sys/class/hwmon/${name}_alarm`;
      return { severity: 'critical', detail: `${name} says that the chassis was opened`, remedy };
    }
    default:
      return sensor satisfies never;
  }
}

function fileFinding({ path, isSecret, isLent = false, mode }: FileFact): readonly DoctorFinding[] {
  const forbidden = isLent ? 0o037 : isSecret ? 0o077 : 0o007;
  if ((mode & forbidden) === 0) return [];
  const who = (mode & 0o007) === 0 ? 'its group' : 'everyone';
  const detail = `${path} may be used by ${who} (mode ${mode.toString(8).padStart(3, '0')})`;
  const remedy = `chmod ${isSecret && !isLent ? '600' : '640'} ${path}`;
  return [{ id: `file ${path}`, severity: isSecret ? 'critical' : 'warning', detail, remedy }];
}

function certificateFinding(file: string, validUntil: EpochMillis, now: EpochMillis): readonly DoctorFinding[] {
  const days = daysLeft(validUntil, now);
  if (days >= daysBefore) return [];
  const detail = days < 0 ? `${file} expired ${-days} days ago` : `${file} expires in ${days} days`;
  const severity = days <= lastDays ? 'critical' : 'warning';
  return [{ id: `certificate ${file}`, severity, detail, remedy: 'renew it, then portcullis reload' }];
}

function diskFinding(disk: HostFacts['disk']): readonly DoctorFinding[] {
  if (disk === undefined || !isNearlyFull(disk)) return [];
  const detail = `${disk.path} has ${disk.freeBytes} bytes left of ${disk.totalBytes}`;
  return [{ id: 'disk', severity: 'critical', detail, remedy: 'make room, or lower cdr.keep_files and cdr.keep_rows' }];
}

function rootFinding(uid: number | undefined): readonly DoctorFinding[] {
  if (uid !== 0) return [];
  const remedy = 'run it as a user of its own; ports below 1024 take CAP_NET_BIND_SERVICE';
  return [{ id: 'root', severity: 'warning', detail: 'this runs as root', remedy }];
}

function ageFinding(
  what: string,
  version: string,
  end: string | undefined,
  now: EpochMillis,
): readonly DoctorFinding[] {
  if (end === undefined || now < Date.parse(end)) return [];
  const detail = `${what} ${version} gets no security fixes since ${end}`;
  return [{ id: `age ${what}`, severity: 'critical', detail, remedy: `install a ${what} that is maintained` }];
}

/** Last day of maintenance (github.com/nodejs/release); what is older than the first line ended before it. */
const nodeEnds: Readonly<Record<number, string>> = {
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30',
};

function endOfNode(version: string): string | undefined {
  const major = Number(version.split('.')[0]);
  return major < 22 ? '2026-04-30' : nodeEnds[major];
}

/** Last day of support (openssl-library.org/policies/releasestrat). */
const opensslEnds: Readonly<Record<string, string>> = {
  '1.1': '2023-09-11',
  '3.0': '2026-09-07',
  '3.1': '2025-03-14',
  '3.2': '2025-11-23',
  '3.3': '2026-04-09',
  '3.4': '2026-10-22',
  '3.5': '2030-04-08',
};

function endOfOpenssl(version: string): string | undefined {
  return opensslEnds[version.split('.').slice(0, 2).join('.')];
}
