// Who is turned away for what was tried, and for how long.
import * as z from 'zod';
import { addressList, duration } from './values.ts';

export const bans = z.strictObject({
  enabled: z.boolean().default(true),
  first: duration.prefault('5m'),
  longest: duration.prefault('24h'),
  half_life: duration.prefault('5m'),
  failures_per_account: z.int().min(3).max(1_000).default(10),
  accounts_per_source: z.int().min(2).max(1_000).default(5),
  unanswered_challenges: z.int().min(10).max(100_000).default(60),
  malformed_messages: z.int().min(5).max(100_000).default(20),
  known_for: duration.prefault('24h'),
  allow: addressList.default([]),
  nft_set: z
    .string()
    .regex(
      /^(ip|ip6|inet) [A-Za-z_][A-Za-z0-9_]{0,31} [A-Za-z_][A-Za-z0-9_]{0,31}$/,
      'expected "FAMILY TABLE SET", such as "inet filter banned"',
    )
    .optional(),
});
