// The shape of the TOML file: names, types, units and defaults. What fits together with what is `cross-checks.ts`.
import { z } from 'zod';
import { parseCidr } from '../core/cidr.ts';
import { ipVersion } from '../core/ip-address.ts';
import { parseSocketAddress } from '../core/socket-address.ts';
import { parseDuration, parseSize } from './units.ts';

const name = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => isLabel(text), 'expected letters, digits, "-", "_" or "."');
const text = z.string().min(1).max(1024);

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
  const colon = value.lastIndexOf(':');
  const host = value.slice(0, colon).replace('[', '').replace(']', '');
  const port = Number(value.slice(colon + 1));
  if (colon > 0 && host !== '' && Number.isInteger(port) && port > 0 && port < 65_536) return { address: host, port };
  context.addIssue(`expected HOST:PORT such as "sbc.example.com:5061", got "${value}"`);
  return z.NEVER;
});

const addressList = z.array(
  z.string().refine((value) => parseCidr(value).ok, 'expected an IP address or a block such as "198.51.100.0/24"'),
);

const portRange = z.string().transform((value, context) => {
  const [first, last, ...rest] = value.split('-').map(Number);
  const valid = first !== undefined && last !== undefined && rest.length === 0;
  if (
    valid &&
    Number.isInteger(first) &&
    Number.isInteger(last) &&
    first >= 1024 &&
    last < 65_536 &&
    last - first >= 3
  ) {
    return { first, last };
  }
  context.addIssue(`expected a range of ports from 1024 to 65535 such as "20000-39999", got "${value}"`);
  return z.NEVER;
});

const sipUri = z
  .string()
  .refine((value) => /^sips?:[^\s@;?]+$/.test(value), 'expected "sip:HOST[:PORT]" or "sips:HOST[:PORT]"');

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
  realm: text.optional(),
};

const sbc = z.strictObject({
  name: name.default('portcullis'),
  state_dir: text.default('var'),
  drain_timeout: duration.prefault('60s'),
  user_agent: z.string().max(64).default(''),
});

/** Host names are compared in lower case (RFC 3261 §19.1.4). */
const domainName = name.transform((value) => value.toLowerCase());

const domain = z.strictObject({ name: domainName, realm: text.optional() });

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

const user = z.strictObject({
  name: z.string().min(1).max(64),
  domain: domainName.optional(),
  group: name.optional(),
  password: z.string().min(1).max(255).optional(),
  password_env: z.string().max(255).optional(),
  ha1: z.partialRecord(algorithm, z.string()).optional(),
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

export const schema = z.strictObject({
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
});

/** The configuration with defaults filled in and units read; names are those of the file. */
export type Config = z.output<typeof schema>;
export type ListenerConfig = Config['listener'][number];
export type NetworkConfig = Config['network'][number];
export type PbxConfig = Config['pbx'][number];
export type TrunkConfig = Config['trunk'][number];
export type UserConfig = Config['user'][number];

function isLabel(value: string): boolean {
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLetter && !isDigit && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}
