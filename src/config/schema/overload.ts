// From which load on new work is turned away with 503.
import { z } from 'zod';
import { duration } from './values.ts';

export const overload = z.strictObject({
  loop_lag: duration.prefault('500ms'),
  look_ups: z.int().min(1).max(2_000).default(1_000),
  transactions: z.int().min(1).max(30_000).default(20_000),
});
