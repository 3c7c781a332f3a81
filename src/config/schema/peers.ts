// Whom the SBC speaks to, and which of them a call goes to: PBXs and trunks.
import * as z from 'zod';
import { ownLimits, ownMediaLimits } from './accounts.ts';
import { callerIdRule, numberRules } from './routes.ts';
import { addressList, codecs, domainName, duration, headerText, keying, name, sipUri, text } from './values.ts';

/** What becomes of a signed Identity (RFC 8224) on the way there. */
const signedIdentity = z.enum(['drop', 'pass']).default('drop');

const peerCredentials = {
  username: z.string().max(255).default(''),
  password_env: z.string().max(255).default(''),
  realm: headerText.min(1).optional(),
};

const shortestSilence = 500;
/** 64·T1: a transaction ends by itself (RFC 3261 §17.1.1.2). */
const longestSilence = 32_000;

/** How long an INVITE may hear nothing, not even 100. */
const responseTimeout = duration
  .refine((value) => value >= shortestSilence && value <= longestSilence, 'expected 500ms to 32s')
  .optional();

/** OPTIONS pings, and how many outcomes in a row it takes to believe them. */
const pings = {
  probe: duration.optional(),
  probe_down_after: z.int().min(1).max(100).default(2),
  probe_up_after: z.int().min(1).max(100).default(2),
};

export const pbx = z.strictObject({
  name,
  listener: name,
  uri: sipUri.optional(),
  embedded: z.boolean().default(false),
  accept_from: addressList.default([]),
  registrations: z.enum(['local', 'forward']).default('local'),
  forward_by: z.enum(['contact', 'path']).default('contact'),
  forward_expires: duration.prefault('1h'),
  domains: z.array(domainName).default([]),
  certificate_name: text.optional(),
  signed_identity: signedIdentity,
  sips_without_tls: z.boolean().default(false),
  response_timeout: responseTimeout,
  ...pings,
  ...numberRules,
  codecs: codecs.optional(),
  video: z.boolean().optional(),
  ...ownMediaLimits,
  ...peerCredentials,
});

export const trunk = z.strictObject({
  name,
  listener: name,
  uri: sipUri.optional(),
  accept_from: addressList.default([]),
  certificate_name: text.optional(),
  allow_unauthenticated_udp: z.boolean().default(false),
  challenge: z.boolean().default(false),
  registers: z.boolean().default(false),
  bulk_numbers: z.boolean().default(false),
  register_expires: duration.prefault('1h'),
  trust_identity: z.boolean().default(false),
  picks_up: z.boolean().default(false),
  keying: keying.optional(),
  signed_identity: signedIdentity,
  response_timeout: responseTimeout,
  ...pings,
  ...numberRules,
  caller_id: callerIdRule,
  codecs: codecs.optional(),
  video: z.boolean().optional(),
  ...ownMediaLimits,
  ...peerCredentials,
  ...ownLimits,
});

const member = z.strictObject({
  via: z.string().refine((value) => /^(pbx|trunk):[\w.-]+$/.test(value), 'expected "trunk:NAME" or "pbx:NAME"'),
  priority: z.int().min(0).max(65_535).default(1),
  weight: z.int().min(0).max(65_535).default(1),
});

export const trunkGroup = z.strictObject({ name, members: z.array(member).min(1).max(32) });
