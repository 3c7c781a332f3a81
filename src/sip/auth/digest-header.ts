// Digest header fields, in and out: Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate
// (RFC 7616 §3.3, §3.4; RFC 3261 §20.7, §20.44, §25.1). Reading is strict: what two readers could read in two ways is refused.
import { err, ok, type Result } from '../../core/result.ts';
import { isIn, TOKEN } from '../message/characters.ts';
import { type DigestAlgorithm, digestLength, parseAlgorithm } from './digest.ts';

/** Why credentials cannot even be checked. Stable, for logs and metrics. */
export type CredentialsError =
  | 'malformed'
  | 'duplicate-parameter'
  | 'parameter-missing'
  | 'qop-missing'
  | 'qop-unsupported'
  | 'nc-malformed'
  | 'response-malformed'
  | 'too-long';

export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  /** Undefined: one that is not spoken here. */
  readonly algorithm: DigestAlgorithm | undefined;
  readonly cnonce: string;
  /** As written, since the response covers it, and as a number. */
  readonly nc: string;
  readonly ncValue: number;
}

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly stale: boolean;
  readonly algorithm: DigestAlgorithm | undefined;
  /** Undefined: the challenge has no qop parameter. */
  readonly qop: readonly string[] | undefined;
}

/** Credentials for one realm that an Authorization header names, before their other parameters are looked at. */
export interface RawCredentials {
  readonly realm: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longest header that is looked at, in characters; a complete one with long names has about 600. */
export const longestDigestHeader = 4096;
const mostParameters = 32;
const longestUsername = 255;
const longestCnonce = 512;

/** The realm and parameters of one header; `undefined` where the scheme is not Digest. */
export function parseRawCredentials(value: string): Result<RawCredentials | undefined, CredentialsError> {
  const parsed = parseDigest(value);
  if (!parsed.ok) return parsed;
  if (parsed.value === undefined) return ok(undefined);
  const realm = parsed.value.get('realm');
  return realm === undefined ? err('parameter-missing') : ok({ realm, parameters: parsed.value });
}

/** True for the empty credentials that some phones send before they were ever challenged. */
export function isPlaceholder({ parameters }: RawCredentials): boolean {
  return (parameters.get('nonce') ?? '') === '' && (parameters.get('response') ?? '') === '';
}

/** The complete credentials; qop=auth with nc and cnonce is required (RFC 7616 §3.4, RFC 8760 §2.5). */
export function readCredentials({ realm, parameters }: RawCredentials): Result<DigestCredentials, CredentialsError> {
  const username = parameters.get('username');
  const nonce = parameters.get('nonce');
  const uri = parameters.get('uri');
  const response = parameters.get('response');
  if (username === undefined || nonce === undefined || uri === undefined || response === undefined) {
    return err('parameter-missing');
  }
  const qop = parameters.get('qop');
  if (qop === undefined) return err('qop-missing');
  if (qop.toLowerCase() !== 'auth') return err('qop-unsupported');
  const nc = parameters.get('nc');
  const cnonce = parameters.get('cnonce');
  if (nc === undefined || cnonce === undefined) return err('parameter-missing');
  if (!/^[0-9A-Fa-f]{8}$/.test(nc)) return err('nc-malformed');
  if (username.length > longestUsername || cnonce.length > longestCnonce) return err('too-long');
  const algorithm = parseAlgorithm(parameters.get('algorithm'));
  if (algorithm !== undefined && !isHash(algorithm, response)) return err('response-malformed');
  return ok({ username, realm, nonce, uri, response, algorithm, cnonce, nc, ncValue: Number.parseInt(nc, 16) });
}

/** Reads a challenge; `undefined` where the scheme is not Digest. */
export function parseChallenge(value: string): Result<DigestChallenge | undefined, CredentialsError> {
  const parsed = parseDigest(value);
  if (!parsed.ok) return parsed;
  if (parsed.value === undefined) return ok(undefined);
  const parameters = parsed.value;
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  if (realm === undefined || nonce === undefined) return err('parameter-missing');
  return ok({
    realm,
    nonce,
    opaque: parameters.get('opaque'),
    stale: parameters.get('stale')?.toLowerCase() === 'true',
    algorithm: parseAlgorithm(parameters.get('algorithm')),
    qop: parameters
      .get('qop')
      ?.split(',')
      .map((option) => option.trim().toLowerCase()),
  });
}

/** A WWW-Authenticate value that offers one algorithm (RFC 8760 §2.3: one header for each). */
export function formatChallenge(realm: string, nonce: string, algorithm: DigestAlgorithm, stale: boolean): string {
  const mark = stale ? ', stale=true' : '';
  return `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, algorithm=${algorithm}, qop="auth"${mark}`;
}

export interface OutgoingDigest {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly opaque: string | undefined;
  /** Undefined: the challenge offered no qop. */
  readonly count: { readonly nc: string; readonly cnonce: string } | undefined;
}

/** An Authorization or Proxy-Authorization value. */
export function formatCredentials(digest: OutgoingDigest): string {
  const { username, realm, nonce, uri, response, algorithm, opaque, count } = digest;
  const fields = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
  ];
  if (count !== undefined) fields.push(`cnonce=${quote(count.cnonce)}`, 'qop=auth', `nc=${count.nc}`);
  if (opaque !== undefined) fields.push(`opaque=${quote(opaque)}`);
  return `Digest ${fields.join(', ')}`;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** These must be quoted (RFC 7616 §3.4); what peers send both ways (qop, nc, algorithm, stale) is taken either way. */
const quotedOnly: ReadonlySet<string> = new Set([
  'username',
  'realm',
  'nonce',
  'uri',
  'response',
  'cnonce',
  'opaque',
  'domain',
]);

/** Parameters by lower-case name, quotes and escapes removed; `undefined` where the scheme is not Digest. */
function parseDigest(value: string): Result<ReadonlyMap<string, string> | undefined, CredentialsError> {
  if (value.length > longestDigestHeader) return err('too-long');
  const schemeEnd = tokenEnd(value, 0);
  const scheme = value.slice(0, schemeEnd).toLowerCase();
  if (scheme === '') return err('malformed');
  if (scheme !== 'digest') return ok(undefined);
  if (!isSpace(value.charCodeAt(schemeEnd))) return err('malformed');

  const parameters = new Map<string, string>();
  let index = schemeEnd;
  for (;;) {
    const parameter = parseParameter(value, index);
    if (parameter === undefined) return err('malformed');
    if (parameters.has(parameter.name)) return err('duplicate-parameter');
    if (parameters.size === mostParameters) return err('too-long');
    parameters.set(parameter.name, parameter.text);
    index = skipSpace(value, parameter.end);
    if (index === value.length) return ok(parameters);
    if (value.charCodeAt(index) !== COMMA) return err('malformed');
    index += 1;
  }
}

interface Parameter {
  readonly name: string;
  readonly text: string;
  readonly end: number;
}

function parseParameter(value: string, from: number): Parameter | undefined {
  const start = skipSpace(value, from);
  const nameEnd = tokenEnd(value, start);
  const name = value.slice(start, nameEnd).toLowerCase();
  const equals = skipSpace(value, nameEnd);
  if (name === '' || value.charCodeAt(equals) !== EQUALS) return undefined;
  const at = skipSpace(value, equals + 1);
  if (value.charCodeAt(at) === QUOTE) return parseQuoted(value, name, at + 1);
  const end = tokenEnd(value, at);
  const text = value.slice(at, end);
  return text !== '' && !quotedOnly.has(name) ? { name, text, end } : undefined;
}

function parseQuoted(value: string, name: string, from: number): Parameter | undefined {
  let text = '';
  let start = from;
  for (let index = from; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code === QUOTE) return { name, text: text + value.slice(start, index), end: index + 1 };
    if (code === BACKSLASH) {
      text += value.slice(start, index);
      start = index + 1;
      index += 1;
    }
  }
  return undefined;
}

function tokenEnd(value: string, start: number): number {
  let index = start;
  while (index < value.length && isIn(TOKEN, value.charCodeAt(index))) index += 1;
  return index;
}

function skipSpace(value: string, start: number): number {
  let index = start;
  while (index < value.length && isSpace(value.charCodeAt(index))) index += 1;
  return index;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isHash(algorithm: DigestAlgorithm, text: string): boolean {
  return text.length === digestLength(algorithm) && /^[0-9a-f]*$/.test(text);
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
