// What is served beside calls and registrations, off until it is asked for since it is one more way in; and session timers.
import * as z from 'zod';
import { duration } from './values.ts';

const contentType = z
  .string()
  .max(127)
  .transform((value) => value.toLowerCase())
  .refine((value) => /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(value), 'expected a type such as "text/plain"');

const second = 1_000;
/** RFC 4028 §4. */
const leastInterval = 90 * second;
const longestInterval = 86_400 * second;

const interval = duration.refine(
  (value) => value % second === 0 && value >= leastInterval && value <= longestInterval,
  'expected whole seconds from "90s" to "24h" (RFC 4028)',
);

export const sessionTimers = z
  .strictObject({
    enabled: z.boolean().default(true),
    expires: interval.prefault('30m'),
    min_se: interval.prefault('90s'),
  })
  .refine(({ expires, min_se: least }) => expires >= least, {
    path: ['expires'],
    message: 'expected at least min_se',
  });

export const transfers = z.strictObject({ refer: z.enum(['refuse', 'handle']).default('refuse') });

/** A redirect is a new decision each time, and a loop ends with the count at the latest. */
export const redirects = z.strictObject({ limit: z.int().min(0).max(10).default(0) });

export const messages = z.strictObject({
  relay: z.boolean().default(false),
  max_bytes: z.int().min(1).max(16_384).default(1_300),
  content_types: z.array(contentType).min(1).default(['text/plain', 'message/cpim', 'application/im-iscomposing+xml']),
  info: z.array(contentType).default([]),
});

/** Whole seconds, as the wire has them. */
const seconds = duration.refine((value) => value % second === 0, 'expected whole seconds');

export const subscriptions = z
  .strictObject({
    relay: z.boolean().default(false),
    packages: z
      .array(z.enum(['message-summary', 'dialog', 'presence']))
      .min(1)
      .default(['message-summary', 'dialog', 'presence']),
    pbx: z.string().optional(),
    min_expires: seconds.prefault('60s'),
    max_expires: seconds.prefault('1h'),
    per_user: z.int().min(1).max(10_000).default(100),
    total: z.int().min(1).max(1_000_000).default(10_000),
    max_bytes: z.int().min(256).max(60_000).default(16_384),
    unsolicited: z.boolean().default(false),
  })
  // A notifier may not call an hour too brief (RFC 6665 §4.2.1.1).
  .refine(({ min_expires: least }) => least <= 3_600 * second, {
    path: ['min_expires'],
    message: 'expected at most an hour (RFC 6665)',
  })
  .refine(({ min_expires: least, max_expires: most }) => least <= most, {
    path: ['max_expires'],
    message: 'expected at least min_expires',
  });
