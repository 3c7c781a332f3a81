// The shape of the TOML file: names, types, units and defaults. What fits together with what is `cross-checks.ts`.
import { z } from 'zod';
import { parseCidr } from '../core/cidr.ts';
import { ipVersion } from '../core/ip-address.ts';
import { parseSocketAddress } from '../core/socket-address.ts';
import { isLabel, isSipTarget, parseHostPort, parsePort } from './host.ts';
import { parseDuration, parseSize } from './units.ts';

const name = z
  .string()
  .max(64)
  .refine((text) => isLabel(text), 'expected a name of letters, digits, "-", "_" or "."');
const text = z.string().min(1).max(1024);

/** What goes into a header as it is: no quotes, no escapes, no line ends. */
const headerText = z
  .string()
  .max(255)
  .refine((value) => /^[ !#-[\]-~]*$/.test(value), 'expected printable ASCII without quotes and "\\"');

const duration = z.string().transform((value, context) => {
  const parsed = parseDuration(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a duration such as "30s", "5m" or "2h", got "${value}"`);
  return z.NEVER;
});

const size = z.string().transform((value, context) => {
  const parsed = parseSize(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a size such as "64MB", got "${value}"`);
  return z.NEVER;
});

const ipAddress = z.string().refine((value) => ipVersion(value) !== undefined, 'expected an IP address');

const socketAddress = z.string().transform((value, context) => {
  const parsed = parseSocketAddress(value);
  if (parsed.ok) return parsed.value;
  context.addIssue(`expected ADDRESS:PORT such as "10.0.0.1:5060" or "[::1]:5060", got "${value}"`);
  return z.NEVER;
});

/** A host name or address with a port, as peers shall see it. */
const hostPort = z.string().transform((value, context) => {
  const parsed = parseHostPort(value);
  if (parsed?.port !== undefined) return { address: parsed.address, port: parsed.port };
  context.addIssue(`expected HOST:PORT such as "sbc.example.com:5061", got "${value}"`);
  return z.NEVER;
});

const addressList = z.array(
  z.string().refine((value) => parseCidr(value).ok, 'expected an IP address or a block such as "198.51.100.0/24"'),
);

const portRange = z.string().transform((value, context) => {
  const [first, last, ...rest] = value.split('-').map(parsePort);
  if (first !== undefined && last !== undefined && rest.length === 0 && first >= 1024 && last - first >= 3) {
    return { first, last };
  }
  context.addIssue(`expected a range of ports from 1024 to 65535 such as "20000-39999", got "${value}"`);
  return z.NEVER;
});

const sipUri = z
  .string()
  .refine(isSipTarget, 'expected "sip:HOST[:PORT]" or "sips:HOST[:PORT]", IPv6 addresses in brackets');

const countedDirection = z.enum(['both', 'out', 'in']);
const encryption = z.enum(['required', 'opportunistic', 'off']);
const algorithm = z.enum(['SHA-512-256', 'SHA-256', 'MD5']);

/** Limits that group, user and trunk may set for themselves. */
const ownLimits = {
  concurrent_calls: z.int().min(1).max(100_000).optional(),
  max_call_duration: duration.optional(),
  ring_timeout: duration.optional(),
  early_media_timeout: duration.optional(),
  direction: countedDirection.optional(),
};

const peerCredentials = {
  username: z.string().max(255).default(''),
  password_env: z.string().max(255).default(''),
  realm: headerText.min(1).optional(),
};

const sbc = z.strictObject({
  name: name.default('portcullis'),
  state_dir: text.default('var'),
  drain_timeout: duration.prefault('60s'),
});

/** Host names are compared in lower case (RFC 3261 §19.1.4). */
const domainName = name.transform((value) => value.toLowerCase());

const domain = z.strictObject({ name: domainName, realm: headerText.min(1).optional() });

const network = z.strictObject({
  name,
  media: z.array(z.strictObject({ address: ipAddress, advertise: ipAddress.optional() })).min(1),
  encryption: encryption.default('required'),
  allow_loopback_media: z.boolean().default(false),
  latch_window: duration.optional(),
});

const listener = z.strictObject({
  name,
  network: name,
  transport: z.enum(['tls', 'tcp', 'udp']),
  address: socketAddress,
  advertise: hostPort.optional(),
  certificate: text.optional(),
  key: text.optional(),
  client_ca: text.optional(),
  client_certificate: z.enum(['off', 'optional', 'required']).default('off'),
  server_ca: text.optional(),
  algorithms: z.array(algorithm).min(1).default(['SHA-256', 'MD5']),
});

const pbx = z.strictObject({
  name,
  listener: name,
  uri: sipUri.optional(),
  embedded: z.boolean().default(false),
  accept_from: addressList.default([]),
  registrations: z.enum(['local']).default('local'),
  certificate_name: text.optional(),
  ...peerCredentials,
});

const trunk = z.strictObject({
  name,
  listener: name,
  uri: sipUri.optional(),
  accept_from: addressList.default([]),
  certificate_name: text.optional(),
  allow_unauthenticated_udp: z.boolean().default(false),
  challenge: z.boolean().default(false),
  trust_identity: z.boolean().default(false),
  ...peerCredentials,
  ...ownLimits,
});

const media = z.strictObject({
  ports: portRange.prefault('20000-39999'),
  workers: z.int().min(0).max(64).default(0),
  driver: z.enum(['auto', 'io_uring', 'epoll', 'dgram']).default('auto'),
  timeout: duration.prefault('30s'),
  port_quarantine: duration.prefault('10s'),
});

const limits = z.strictObject({
  concurrent_calls: z.int().min(1).max(100_000).default(2),
  total_calls: z.int().min(1).max(1_000_000).default(2_000),
  max_call_duration: duration.prefault('2h'),
  ring_timeout: duration.prefault('3m'),
  early_media_timeout: duration.prefault('1m'),
  direction: countedDirection.default('both'),
  source_requests_per_second: z.int().min(1).max(100_000).default(100),
});

const registrations = z.strictObject({
  min_expires: duration.prefault('60s'),
  max_expires: duration.prefault('1h'),
  contacts_per_user: z.int().min(1).max(100).default(10),
});

const group = z.strictObject({ name, ...ownLimits });

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

const user = z.strictObject({
  name: accountName,
  domain: domainName.optional(),
  group: name.optional(),
  password: z.string().min(1).max(255).optional(),
  password_env: z.string().max(255).optional(),
  ha1: ha1.optional(),
  algorithms: z.array(algorithm).min(1).optional(),
  ...ownLimits,
});

const route = z.strictObject({
  from: z.enum(['user', 'trunk', 'pbx']),
  to: text.default('*'),
  via: z
    .string()
    .refine((value) => /^(users|(pbx|trunk):[\w.-]+)$/.test(value), 'expected "users", "pbx:NAME" or "trunk:NAME"'),
});

const log = z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') });

const cdr = z.strictObject({ rotate_size: size.prefault('64MB'), keep_files: z.int().min(1).max(10_000).default(30) });

const admin = z.strictObject({ address: socketAddress.optional(), socket: text.default('var/admin.sock') });

const tables = {
  sbc: sbc.prefault({}),
  domain: z.array(domain).min(1),
  network: z.array(network).min(1),
  listener: z.array(listener).min(1),
  pbx: z.array(pbx).default([]),
  trunk: z.array(trunk).default([]),
  media: media.prefault({}),
  limits: limits.prefault({}),
  registrations: registrations.prefault({}),
  group: z.array(group).default([]),
  user: z.array(user).default([]),
  route: z.array(route).default([]),
  log: log.prefault({}),
  cdr: cdr.prefault({}),
  admin: admin.prefault({}),
};

export const schema = z.strictObject(tables);

/** The tables that can be read, where others cannot: an unreadable one is undefined. */
export const readableTables = z.object({
  domain: tables.domain.optional().catch(undefined),
  network: tables.network.optional().catch(undefined),
  listener: tables.listener.optional().catch(undefined),
  pbx: tables.pbx.optional().catch(undefined),
  trunk: tables.trunk.optional().catch(undefined),
  registrations: tables.registrations.optional().catch(undefined),
  group: tables.group.optional().catch(undefined),
  user: tables.user.optional().catch(undefined),
  route: tables.route.optional().catch(undefined),
});

/** A `Config` is one in which everything could be read. */
export type ReadableTables = z.output<typeof readableTables>;

/** The configuration with defaults filled in and units read; names are those of the file. */
export type Config = z.output<typeof schema>;
export type ListenerConfig = Config['listener'][number];
export type NetworkConfig = Config['network'][number];
export type PbxConfig = Config['pbx'][number];
export type TrunkConfig = Config['trunk'][number];
export type UserConfig = Config['user'][number];

function isDialled(value: string): boolean {
  return /^(?!00[0-9]{5})[0-9*#]{1,32}$/.test(value) || /^\+[1-9][0-9]{2,14}$/.test(value);
}
