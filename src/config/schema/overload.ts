// From which load on new work waits, or is turned away with 503.
import * as z from 'zod';
import { duration } from './values.ts';

/** Whoever sent a request other than INVITE gives up after 32 s (RFC 3261 §17.1.2.2). */
const longestWait = 30_000;

export const overload = z.strictObject({
  loop_lag: duration.prefault('500ms'),
  look_ups: z.int().min(1).max(2_000).default(1_000),
  transactions: z.int().min(1).max(30_000).default(20_000),
  waiting: z.int().min(1).max(200_000).default(30_000),
  waiting_time: duration.refine((time) => time <= longestWait, 'expected at most "30s"').prefault('20s'),
});
