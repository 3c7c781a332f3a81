// Who may call, and how much: limits that are inherited, registrations, groups and users.
import * as z from 'zod';
import { algorithm, bitRate, domainName, duration, keying, name } from './values.ts';

const countedDirection = z.enum(['both', 'out', 'in']);

/** Limits that group, user and trunk may set for themselves. */
export const ownLimits = {
  concurrent_calls: z.int().min(1).max(100_000).optional(),
  max_call_duration: duration.optional(),
  ring_timeout: duration.optional(),
  early_media_timeout: duration.optional(),
  direction: countedDirection.optional(),
};

const packetsPerSecond = z.int().min(10).max(100_000);

/** What a peer may send on each media line: for networks, and for whoever is at the other end. */
export const ownMediaLimits = {
  media_packets_per_second: packetsPerSecond.optional(),
  media_bandwidth: bitRate.optional(),
  media_limit_by_codec: z.boolean().optional(),
};

export const limits = z.strictObject({
  concurrent_calls: z.int().min(1).max(100_000).default(2),
  stage_timeout: duration.prefault('20s'),
  identical_setups: z.int().min(2).max(100_000).default(50),
  progress_timeout: duration.prefault('3m'),
  total_calls: z.int().min(1).max(1_000_000).default(2_000),
  max_call_duration: duration.prefault('2h'),
  ring_timeout: duration.prefault('3m'),
  early_media_timeout: duration.prefault('1m'),
  direction: countedDirection.default('both'),
  source_requests_per_second: z.int().min(1).max(100_000).default(100),
  media_packets_per_second: packetsPerSecond.default(1_000),
  media_bandwidth: bitRate.prefault('8Mbit'),
  media_limit_by_codec: z.boolean().default(true),
});

export const registrations = z.strictObject({
  min_expires: duration.prefault('60s'),
  max_expires: duration.prefault('1h'),
  expires_spread: z.number().min(0).max(0.5).default(0.1),
  contacts_per_user: z.int().min(1).max(100).default(10),
});

/** From where a user may register and call, and with what beside the password. */
const ownAccess = {
  zones: z.array(name).min(1).max(100).optional(),
  second_factor: z.enum(['off', 'device', 'device-and-network']).optional(),
};

export const group = z.strictObject({
  name,
  keying: keying.optional(),
  ...ownAccess,
  ...ownLimits,
  ...ownMediaLimits,
});

/** The user part of an address of record: what is dialled to reach it must come out as the very same (policy/number-plan). */
const accountName = z
  .string()
  .max(64)
  .refine((value) => /^[A-Za-z0-9_~!.+*#-]+$/.test(value), 'expected letters, digits or one of - _ . + ~ * # !')
  .refine(
    (value) => (!value.startsWith('+') && !/^[0-9.+*#-]*$/.test(value)) || isDialled(value),
    'expected a name with letters, an extension in digits, or "+" and an international number',
  );

const ha1 = z.strictObject({
  'SHA-512-256': z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
  'SHA-256': z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
  MD5: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, 'expected 32 hexadecimal digits')
    .optional(),
});

/** One user, key by key. */
export const userTable = z.strictObject({
  name: accountName,
  domain: domainName.optional(),
  group: name.optional(),
  keying: keying.optional(),
  password: z.string().min(1).max(255).optional(),
  password_env: z.string().max(255).optional(),
  ha1: ha1.optional(),
  algorithms: z.array(algorithm).min(1).optional(),
  ...ownAccess,
  ...ownLimits,
  ...ownMediaLimits,
});

/**
 * There may be ten thousand, and most of them say two of some twenty things. So a user is read by the keys that it has: what may be absent, and
 * is, says nothing. Where that finds a mistake, the whole table is what finds it again, and tells.
 */
export const user = z.withParser(userTable, (input) => {
  const read = typeof input === 'object' && input !== null ? tableOf(input)?.safeParse(input) : undefined;
  return read?.success === true ? read.data : z.INVALID;
});

const userTables = new Map<string, typeof userTable>();
const userKeys = userTable.keyof().options;
/** So many sets of keys have a table of their own. */
const mostUserTables = 64;

/** What a user of these keys must be; undefined when there are too many such tables already. */
function tableOf(input: object): typeof userTable | undefined {
  const kind = Object.keys(input).join();
  const known = userTables.get(kind);
  if (known !== undefined || userTables.size >= mostUserTables) return known;
  const present: { [K in (typeof userKeys)[number]]?: true } = {};
  for (const key of userKeys) {
    if (key in input || !(userTable.shape[key] instanceof z.ZodOptional)) present[key] = true;
  }
  const table = userTable.pick(present);
  userTables.set(kind, table);
  return table;
}

function isDialled(value: string): boolean {
  return /^(?!00[0-9]{5})[0-9*#]{1,32}$/.test(value) || /^\+[1-9][0-9]{2,14}$/.test(value);
}
