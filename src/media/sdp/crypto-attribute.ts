// The a=crypto attribute: SRTP keys in SDP (RFC 4568), with the suites of RFC 6188 and RFC 7714.
// A line that asks for what is not done here (MKI, unencrypted SRTCP, an unknown suite or parameter) is dropped, not half-obeyed.
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { profileOf, type SrtpKeying, type SrtpSuite, srtpSuites } from '../srtp/profile.ts';

export interface CryptoAttribute {
  /** As it came: 1 to 9 digits. */
  readonly tag: string;
  readonly suite: SrtpSuite;
  /** Master key, then salt, base64 with padding. A secret. */
  readonly keySalt: string;
}

/** Lines of one m-line that are looked at; a peer that lists more has listed every suite several times. */
const maxCryptoLines = 32;

/** Reads the value of one a=crypto line. The error says why the line must be dropped; it never holds the key. */
export function parseCryptoAttribute(value: string): Result<CryptoAttribute, string> {
  const [tag = '', suiteName = '', keyParameters = '', ...sessionParameters] = value
    .split(' ')
    .filter((word) => word !== '');
  if (!tagPattern.test(tag)) return err('tag is not a decimal number of 1 to 9 digits');
  const suite = srtpSuites.find((name) => name === suiteName);
  if (suite === undefined) return err(`unknown suite (tag ${tag})`);
  if (!sessionParameters.every(isHarmless)) return err(`session parameter that is not supported (tag ${tag})`);
  const keySalt = parseKeyParameters(keyParameters, suite);
  return keySalt.ok ? ok({ tag, suite, keySalt: keySalt.value }) : err(`${keySalt.error} (tag ${tag})`);
}

/** The value of an a=crypto line. */
export function formatCryptoAttribute({ tag, suite, keySalt }: CryptoAttribute): string {
  return `${tag} ${suite} inline:${keySalt}`;
}

/** The usable lines among `values`, in their order; a repeated tag counts once (RFC 4568 §4.1). */
export function usableCryptoAttributes(values: readonly string[]): readonly CryptoAttribute[] {
  const usable: CryptoAttribute[] = [];
  for (const value of values.slice(0, maxCryptoLines)) {
    const parsed = parseCryptoAttribute(value);
    if (!parsed.ok || usable.some((other) => sameTag(other.tag, parsed.value.tag))) continue;
    usable.push(parsed.value);
  }
  return usable;
}

/** The first suite of `preference` that is on offer decides (RFC 4568 §7.1.2). */
export function chooseCrypto(
  offered: readonly CryptoAttribute[],
  preference: readonly SrtpSuite[],
): CryptoAttribute | undefined {
  for (const suite of preference) {
    const match = offered.find((candidate) => candidate.suite === suite);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** A line of our own with a key that was never used before. */
export function freshCrypto(tag: string, suite: SrtpSuite, random: Random): CryptoAttribute {
  const { keyBytes, saltBytes } = profileOf(suite);
  return { tag, suite, keySalt: Buffer.from(random.bytes(keyBytes + saltBytes)).toString('base64') };
}

/** Key and salt as SRTP takes them. */
export function keyingOf({ suite, keySalt }: Pick<CryptoAttribute, 'suite' | 'keySalt'>): SrtpKeying {
  const bytes = Buffer.from(keySalt, 'base64');
  const { keyBytes } = profileOf(suite);
  // Copies: a buffer may share its memory with others, and is wiped there.
  const [masterKey, masterSalt] = [
    Uint8Array.from(bytes.subarray(0, keyBytes)),
    Uint8Array.from(bytes.subarray(keyBytes)),
  ];
  bytes.fill(0);
  return { suite, masterKey, masterSalt };
}

/** Tags are numbers: "01" answers "1". */
export function sameTag(a: string, b: string): boolean {
  return Number(a) === Number(b);
}

const tagPattern = /^[0-9]{1,9}$/;
const digitsPattern = /^[0-9]{1,15}$/;
const powerPattern = /^2\^[0-9]{1,2}$/;
const base64Pattern = /^[A-Za-z0-9+/]{1,128}={0,2}$/;
const longestLifetime = 2 ** 48;

/** The window size hint changes nothing here, and a parameter with "-" may be ignored by definition (RFC 4568 §6.3.7). */
function isHarmless(parameter: string): boolean {
  if (parameter.startsWith('-')) return true;
  const upper = parameter.toUpperCase();
  return upper.startsWith('WSH=') && digitsPattern.test(upper.slice(4));
}

function parseKeyParameters(text: string, suite: SrtpSuite): Result<string, string> {
  if (text.includes(';')) return err('several keys, which need an MKI');
  if (text.slice(0, 7).toLowerCase() !== 'inline:') return err('key method is not inline');
  const [key = '', ...rest] = text.slice(7).split('|');
  if (rest.some((part) => part.includes(':'))) return err('MKI is not supported');
  if (rest.length > 1 || !rest.every(isLifetime)) return err('bad lifetime');
  return parseKeySalt(key, suite);
}

/** SRTP's own limits end a key long before a call does; a lifetime is only checked for being one (RFC 4568 §6.1). */
function isLifetime(text: string): boolean {
  const packets = powerPattern.test(text) ? 2 ** Number(text.slice(2)) : digitsPattern.test(text) ? Number(text) : 0;
  return packets > 0 && packets <= longestLifetime;
}

function parseKeySalt(text: string, suite: SrtpSuite): Result<string, string> {
  const { keyBytes, saltBytes } = profileOf(suite);
  const expected = keyBytes + saltBytes;
  const digits = base64Pattern.test(text) ? text.replaceAll('=', '') : '';
  if (digits.length !== Math.ceil((expected * 4) / 3)) return err(`key and salt are not ${expected} bytes of base64`);
  // Whole groups of three bytes are written in one way only.
  if (expected % 3 === 0) return ok(digits);
  return ok(Buffer.from(digits, 'base64').toString('base64'));
}
