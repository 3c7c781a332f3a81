// What time it is in a zone. Intl is asked once for each quarter of an hour, in which no zone changes its clock; the rest is
// arithmetic.

import type { EpochMillis, Millis } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { LocalTime } from '../../policy/calling-hours.ts';

const quarter: Millis = 900_000;

export class ZoneClock {
  readonly #zones = new Map<string, { readonly format: Intl.DateTimeFormat; quarter: number; offset: Millis }>();

  /** Throws SbcError `zone-unknown`. */
  localTime(zone: string, at: EpochMillis): LocalTime {
    const known = this.#zones.get(zone) ?? { format: formatOf(zone), quarter: Number.NaN, offset: 0 };
    this.#zones.set(zone, known);
    const now = Math.floor(at / quarter);
    if (known.quarter !== now) {
      known.quarter = now;
      known.offset = offsetAt(known.format, now * quarter);
    }
    const local = new Date(at + known.offset);
    return {
      year: local.getUTCFullYear(),
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      weekday: local.getUTCDay(),
      minute: local.getUTCHours() * 60 + local.getUTCMinutes(),
    };
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  try {
    const numeric = 'numeric';
    const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric } as const;
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields });
  } catch (thrown) {
    throw new SbcError('zone-unknown', `there is no time zone "${zone}"`, { zone }, thrown);
  }
}

function offsetAt(format: Intl.DateTimeFormat, at: EpochMillis): Millis {
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: 'year' | 'month' | 'day' | 'hour' | 'minute'): number => parts.get(name) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute')) - at;
}
