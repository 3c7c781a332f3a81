// Who is told of what must not wait, and how.
import * as z from 'zod';
import { duration, name, socketAddress, text } from './values.ts';

const severity = z.enum(['info', 'warning', 'critical']).default('warning');
const url = z
  .string()
  .refine((value) => /^https?:\/\/[!-~]+$/.test(value) && URL.canParse(value), 'expected an http or https URL');
const mailAddress = z
  .string()
  .max(254)
  .regex(/^[^\s<>,;:"@]+@[^\s<>,;:"@]+$/, 'expected an address such as "ops@example.com"');

const webhook = z.strictObject({ name, url, secret_env: z.string().min(1).max(255), severity });
const syslog = z.strictObject({
  name,
  address: socketAddress,
  transport: z.enum(['udp', 'tcp']).default('udp'),
  severity,
});
const mail = z.strictObject({
  name,
  host: text,
  port: z.int().min(1).max(65_535).default(587),
  encryption: z.enum(['tls', 'starttls', 'none']).default('starttls'),
  username: z.string().max(255).default(''),
  password_env: z.string().max(255).default(''),
  from: mailAddress,
  to: z.array(mailAddress).min(1).max(50),
  severity,
});

export const alerts = z.strictObject({
  gather: duration.prefault('5m'),
  notices_per_minute: z.int().min(1).max(1_000).default(30),
  webhook: z.array(webhook).max(20).default([]),
  syslog: z.array(syslog).max(20).default([]),
  mail: z.array(mail).max(20).default([]),
});
