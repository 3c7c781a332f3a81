// What may be called, when, and how much: rules, hours and limits beyond those that each user and trunk has.
import * as z from 'zod';
import { parseOpenSpans } from '../../core/weekly-hours.ts';
import { country } from './numbers.ts';
import { duration, name, text } from './values.ts';

export const numberClass = z.enum([
  'emergency',
  'premium-rate',
  'satellite',
  'shared-cost',
  'toll-free',
  'mobile',
  'national',
  'international',
  'internal',
  'unknown',
]);

const pattern = text.refine(
  (value) => !value.slice(0, -1).includes('*') || /^[*#]/.test(value),
  'expected a whole number or name, or a prefix with "*" behind it',
);

const names = z.array(text).max(10_000).default([]);
const patterns = z.array(pattern).max(10_000).default([]);

/** Which calls: every key that is given must hold, by any of its values. */
const selector = {
  users: names,
  groups: names,
  trunks: names,
  to: patterns,
  countries: z.array(country).max(300).default([]),
  classes: z.array(numberClass).default([]),
  caller_ids: patterns,
  direction: z.enum(['both', 'out', 'in']).default('both'),
};

export const rule = z.strictObject({
  name,
  action: z.enum(['allow', 'deny']),
  ...selector,
  hours: name.optional(),
  when: z.enum(['open', 'closed']).default('open'),
});

const zone = text.refine(isZone, { error: ({ input }) => `there is no time zone "${String(input)}"` });

/** As Node knows them (IANA). */
function isZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

const openSpan = z
  .string()
  .refine((value) => parseOpenSpans(value) !== undefined, 'expected a span such as "mon-fri 08:00-18:00"');

const minutes = z.int().min(1).max(1_000_000).optional();

export const limit = z.strictObject({
  name,
  per: z.enum(['user', 'group', 'trunk', 'node']).default('user'),
  ...selector,
  concurrent_calls: z.int().min(1).max(100_000).optional(),
  calls_per_minute: z.int().min(1).max(10_000).optional(),
  minutes_per_day: minutes,
  minutes_per_month: minutes,
  max_call_duration: duration.optional(),
  zone: zone.default('UTC'),
});

export const hours = z.strictObject({
  name,
  zone,
  open: z.array(openSpan).max(100).default([]),
  holidays: z
    .array(
      z.string().regex(/^(?:\d{4}-)?\d\d-\d\d$/, 'expected a date such as "2026-12-25", or "12-25" for every year'),
    )
    .max(1_000)
    .default([]),
});
