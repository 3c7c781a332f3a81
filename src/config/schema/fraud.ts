// What of a user's calls and registrations is told as fraud, and what is done about it.
import * as z from 'zod';
import { numberClass } from './policy.ts';
import { duration, name, text } from './values.ts';

const kind = z.enum([
  'out-of-hours-calls',
  'foreign-calls',
  'new-country',
  'new-source-country',
  'short-calls',
  'sequential-numbers',
  'premium-range',
  'simultaneous-calls',
  'foreign-minutes',
  'spend',
  'refused-attempts',
  'registration-places',
]);

const action = z.enum(['refuse-class', 'refuse-all', 'end-calls', 'lock-user', 'ban-source']);
const threshold = z.number().positive().max(1_000_000).optional();

const fraudRule = z.strictObject({
  name,
  kind,
  warn: threshold,
  act: threshold,
  window: duration.prefault('1h'),
  actions: z.array(action).default([]),
  mode: z.enum(['active', 'shadow']).default('active'),
  hold: duration.prefault('1h'),
  short_call: duration.prefault('6s'),
  classes: z.array(numberClass).default([]),
});

export const fraud = z.strictObject({
  mode: z.enum(['off', 'shadow', 'active']).default('off'),
  hours: name.optional(),
  networks: text.optional(),
  prices: text.optional(),
  price_per_minute: z.number().min(0).max(1_000_000).default(0.3),
  rule: z.array(fraudRule).max(200).default([]),
});
