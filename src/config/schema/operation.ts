// How it is operated: logs, call records, the admin interface.
import * as z from 'zod';
import { duration, size, sizeOrNone, socketAddress, text } from './values.ts';

export const log = z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') });

export const cdr = z.strictObject({
  rotate_size: size.prefault('64MB'),
  keep_files: z.int().min(1).max(10_000).default(30),
  fsync: z.enum(['never', 'rotation', 'batch']).default('never'),
  database: z.boolean().default(true),
  keep_for: duration.prefault('90d'),
  keep_rows: z.int().min(1_000).max(100_000_000).default(1_000_000),
});

/** The latest SIP messages in memory, for `portcullis trace`. `0B` keeps none. */
export const trace = z.strictObject({
  memory: sizeOrNone.prefault('16MB'),
  media_packets: z.int().min(0).max(1_000).default(20),
});

/** Whether files that change are applied without being asked to. */
export const reload = z.strictObject({
  watch: z.boolean().default(false),
  interval: duration
    .prefault('2s')
    .refine((millis) => millis >= 100 && millis <= 3_600_000, 'expected a duration from "100ms" to "1h"'),
});

/** SIP to Homer, by HEP3. */
export const hep = z.strictObject({
  address: socketAddress,
  transport: z.enum(['udp', 'tcp']).default('udp'),
  capture_id: z.int().min(0).max(4_294_967_295).default(1),
  password_env: z.string().max(255).default(''),
  queue: size.prefault('8MB'),
  secrets: z.boolean().default(false),
});

/** The dashboard. Without a certificate it is for the loopback alone (`admin-checks.ts`). */
const web = z.strictObject({
  address: socketAddress,
  certificate: text.optional(),
  key: text.optional(),
  idle_timeout: duration.prefault('15m'),
  session_lifetime: duration.prefault('8h'),
});

export const admin = z.strictObject({
  address: socketAddress.optional(),
  socket: text.default('var/admin.sock'),
  web: web.optional(),
});
