// How the site dials: what policy/site-numbers makes one canonical number of.
import * as z from 'zod';

const digits = z.string().regex(/^[0-9]{2,8}$/, 'expected two to eight digits');

export const country = z.string().regex(/^[A-Z]{2}$/, 'expected an ISO 3166 country such as "GB"');

export const emergency = z.strictObject({
  /** In place of those of the country. */
  numbers: z.array(digits).min(1).max(50).optional(),
  via: z
    .string()
    .refine((value) => /^(pbx|trunk):[\w.-]+$/.test(value), 'expected "pbx:NAME" or "trunk:NAME"')
    .optional(),
  reserve_calls: z.int().min(0).max(10_000).default(10),
});

export const numbers = z.strictObject({
  country: country.optional(),
  outside_prefix: z
    .string()
    .regex(/^[0-9*#]{1,4}$/, 'expected one to four digits')
    .optional(),
  extensions: z
    .array(z.string().regex(/^[0-9x]{1,10}$/, 'expected digits, with "x" for any of them'))
    .max(1_000)
    .default([]),
});
