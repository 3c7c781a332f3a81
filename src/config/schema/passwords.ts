// What users' passwords must be, and how long they last.
import * as z from 'zod';
import { duration } from './values.ts';

const day = 86_400_000;

const wholeDays = duration.refine((value) => value >= day, 'expected at least one day, such as "90d"');

export const passwords = z.strictObject({
  min_length: z.int().min(12).max(64).default(12),
  max_age: wholeDays.optional(),
  warn_before: duration.prefault('14d'),
  history: z.int().min(0).max(24).default(5),
  audit_age: wholeDays.prefault('90d'),
});
