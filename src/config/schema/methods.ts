// What is served beside calls and registrations. Everything here is off until it is asked for: it is one more way in.
import { z } from 'zod';

const contentType = z
  .string()
  .max(127)
  .transform((value) => value.toLowerCase())
  .refine((value) => /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(value), 'expected a type such as "text/plain"');

export const transfers = z.strictObject({ refer: z.enum(['refuse', 'handle']).default('refuse') });

export const messages = z.strictObject({
  relay: z.boolean().default(false),
  max_bytes: z.int().min(1).max(16_384).default(1_300),
  content_types: z.array(contentType).min(1).default(['text/plain', 'message/cpim', 'application/im-iscomposing+xml']),
  info: z.array(contentType).default([]),
});
