// The values of the configuration: names, addresses, durations and sizes, each with the message of a mistake.
import * as z from 'zod';
import { parseCidr } from '../../core/cidr.ts';
import { ipVersion } from '../../core/ip-address.ts';
import { parseSocketAddress } from '../../core/socket-address.ts';
import { isLabel, isSipTarget, parseHostPort, parsePort } from '../host.ts';
import { parseBitRate, parseDuration, parseSize, parseSizeOrNone } from '../units.ts';

export const name = z
  .string()
  .max(64)
  .refine((text) => isLabel(text), 'expected a name of letters, digits, "-", "_" or "."');
export const text = z.string().min(1).max(1024);

/** What goes into a header as it is: no quotes, no escapes, no line ends. */
export const headerText = z
  .string()
  .max(255)
  .refine((value) => /^[ !#-[\]-~]*$/.test(value), 'expected printable ASCII without quotes and "\\"');

export const duration = z.string().transform((value, context) => {
  const parsed = parseDuration(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a duration such as "30s", "5m" or "2h", got "${value}"`);
  return z.NEVER;
});

export const bitRate = z.string().transform((value, context) => {
  const parsed = parseBitRate(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a rate such as "8Mbit", got "${value}"`);
  return z.NEVER;
});

export const size = z.string().transform((value, context) => {
  const parsed = parseSize(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a size such as "64MB", got "${value}"`);
  return z.NEVER;
});

/** `0B`: none. */
export const sizeOrNone = z.string().transform((value, context) => {
  const parsed = parseSizeOrNone(value);
  if (parsed !== undefined) return parsed;
  context.addIssue(`expected a size such as "64MB", or "0B" for none, got "${value}"`);
  return z.NEVER;
});

export const ipAddress = z.string().refine((value) => ipVersion(value) !== undefined, 'expected an IP address');

export const socketAddress = z.string().transform((value, context) => {
  const parsed = parseSocketAddress(value);
  if (parsed.ok) return parsed.value;
  context.addIssue(`expected ADDRESS:PORT such as "10.0.0.1:5060" or "[::1]:5060", got "${value}"`);
  return z.NEVER;
});

/** A host name or address with a port, as peers shall see it. */
export const hostPort = z.string().transform((value, context) => {
  const parsed = parseHostPort(value);
  if (parsed?.port !== undefined) return { address: parsed.address, port: parsed.port };
  context.addIssue(`expected HOST:PORT such as "sbc.example.com:5061", got "${value}"`);
  return z.NEVER;
});

export const addressList = z.array(
  z.string().refine((value) => parseCidr(value).ok, 'expected an IP address or a block such as "198.51.100.0/24"'),
);

export const portRange = z.string().transform((value, context) => {
  const [first, last, ...rest] = value.split('-').map(parsePort);
  if (first !== undefined && last !== undefined && rest.length === 0 && first >= 1024 && last - first >= 3) {
    return { first, last };
  }
  context.addIssue(`expected a range of ports from 1024 to 65535 such as "20000-39999", got "${value}"`);
  return z.NEVER;
});

export const sipUri = z
  .string()
  .refine(isSipTarget, 'expected "sip:HOST[:PORT]" or "sips:HOST[:PORT]", IPv6 addresses in brackets');

/** Host names are compared in lower case (RFC 3261 §19.1.4). */
export const domainName = name.transform((value) => value.toLowerCase());

/** As a certificate names a host: `*.` stands for one label. */
export const dnsName = z
  .string()
  .max(253)
  .refine(
    (value) => /^(\*\.)?[A-Za-z0-9.-]+$/.test(value),
    'expected a host name such as "sip.example.com" or "*.example.com"',
  );

/** Where SRTP keys come from, in order of preference. */
export const keying = z
  .array(z.enum(['sdes', 'dtls']))
  .min(1)
  .refine((kinds) => new Set(kinds).size === kinds.length, 'expected "sdes", "dtls" or both, each once');

/** Suites of SRTP by SDES, in order of preference (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1). */
export const suites = z
  .array(
    z.enum([
      'AES_CM_128_HMAC_SHA1_80',
      'AES_CM_128_HMAC_SHA1_32',
      'AES_256_CM_HMAC_SHA1_80',
      'AES_256_CM_HMAC_SHA1_32',
      'AEAD_AES_128_GCM',
      'AEAD_AES_256_GCM',
    ]),
  )
  .min(1)
  .refine((names) => new Set(names).size === names.length, 'expected each suite once');

/** A codec by name, or with its clock rate and channels (RFC 8866 §6.6). */
export const codecs = z
  .array(
    z.string().regex(/^[A-Za-z0-9._-]{1,32}(\/[0-9]{1,6}){0,2}$/, 'expected a codec such as "PCMA" or "opus/48000/2"'),
  )
  .min(1)
  .max(32);

export const algorithm = z.enum(['SHA-512-256', 'SHA-256', 'MD5']);
