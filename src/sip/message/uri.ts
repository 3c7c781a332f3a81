// SIP, SIPS and tel URIs, and others as opaque text: RFC 3261 §19.1 and §25.1, RFC 3966. Comparison: §19.1.4.
import { assertNever } from '../../core/assert-never.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { codeAt, indexIn, isAt, OPAQUE, PARAMETER, PASSWORD, skipClass, USER } from './characters.ts';
import { formatHostPort, readHostPort } from './host.ts';
import { parameterName } from './parameter-names.ts';
import { escapeUri, readUnescaped, unescapeUri } from './percent-encoding.ts';
import { Source } from './source.ts';

/** Names in lower case; values unescaped; undefined for a parameter without a value. */
export type Parameters = ReadonlyMap<string, string | undefined>;

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Unescaped, so it may hold any character. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Lower case; IPv6 canonical and without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly parameters: Parameters;
  /** What follows the question mark, as it came. */
  readonly headers?: string | undefined;
}

export interface TelUri {
  readonly scheme: 'tel';
  /** With a leading `+` when global; visual separators as they came. */
  readonly number: string;
  readonly parameters: Parameters;
}

/** `urn:service:sos`, `mailto:…`: carried, compared and refused as text. */
export interface OtherUri {
  readonly scheme: 'other';
  /** The real scheme in lower case. */
  readonly name: string;
  /** The whole URI, scheme included. */
  readonly text: string;
}

export type Uri = SipUri | TelUri | OtherUri;

export const noParameters: Parameters = new Map();

/** Reads a URI. The error says what was expected and where. */
export function parseUri(text: string): Result<Uri, string> {
  return readUri(new Source(text), 0, text.length);
}

/** Reads the URI in [start, end). */
export function readUri(source: Source, start: number, end: number): Result<Uri, string> {
  const { codes, text } = source;
  if (isAt(sipColon, codes, start, end)) return readSipUri('sip', source, start + sipColon.length, end);
  const colon = skipScheme(codes, start, end);
  if (colon === start || codeAt(codes, colon, end) !== COLON) return err('expected a scheme and a colon');
  const scheme = text.slice(start, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return readSipUri(scheme, source, colon + 1, end);
  if (scheme === 'tel') return readTelUri(source, colon + 1, end);
  const stop = skipClass(OPAQUE, codes, colon + 1, end);
  if (stop === colon + 1 || stop < end) return unexpected(stop);
  return ok({ scheme: 'other', name: scheme, text: text.slice(start, end) });
}

/** The text of a URI; what must be escaped is. */
export function formatUri(uri: Uri): string {
  switch (uri.scheme) {
    case 'other':
      return uri.text;
    case 'tel':
      return `tel:${uri.number}${formatParameters(uri.parameters)}`;
    case 'sip':
    case 'sips': {
      const password = uri.password === undefined ? '' : `:${escapeUri(uri.password, PASSWORD)}`;
      const user = uri.user === undefined ? '' : `${escapeUri(uri.user, USER, '#')}${password}@`;
      const host = formatHostPort(uri.host, uri.port, '%25');
      const headers = uri.headers === undefined ? '' : `?${uri.headers}`;
      return `${uri.scheme}:${user}${host}${formatParameters(uri.parameters)}${headers}`;
    }
    default:
      return assertNever(uri);
  }
}

/** Whether the URIs are equivalent (RFC 3261 §19.1.4; tel: RFC 3966 §4; others: the same text). A sip and a sips URI never are, nor an absent port and 5060. */
export function sameUri(a: Uri, b: Uri): boolean {
  if (a.scheme === 'other') return b.scheme === 'other' && a.text === b.text;
  if (a.scheme === 'tel') return b.scheme === 'tel' && sameTelUri(a, b);
  if (b.scheme === 'other' || b.scheme === 'tel') return false;
  return (
    a.scheme === b.scheme &&
    a.user === b.user &&
    a.password === b.password &&
    a.host === b.host &&
    a.port === b.port &&
    sameSipParameters(a.parameters, b.parameters) &&
    sameHeaders(a.headers, b.headers)
  );
}

const PLUS = 0x2b;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUESTION = 0x3f;
const AT = 0x40;
const sipColon = Buffer.from('sip:');

/** The index after the letters, digits, "+", "-" and "." at `start`, the first of which is a letter. */
function skipScheme(codes: Buffer, start: number, end: number): number {
  for (let index = start; index < end; index += 1) {
    const code = codes[index] ?? 0;
    const lower = code | 0x20;
    if (lower >= 0x61 && lower <= 0x7a) continue;
    const isOther = (code >= 0x30 && code <= 0x39) || code === PLUS || code === 0x2d || code === 0x2e;
    if (!isOther || index === start) return index;
  }
  return end;
}

function readSipUri(scheme: 'sip' | 'sips', source: Source, start: number, end: number): Result<SipUri, string> {
  const { codes } = source;
  let user: string | undefined;
  let password: string | undefined;
  let hostStart = start;
  const userEnd = skipClass(USER, codes, start, end);
  const at = codeAt(codes, userEnd, end) === COLON ? skipClass(PASSWORD, codes, userEnd + 1, end) : userEnd;
  // Without "@" what was skipped is the host, its port and some parameters.
  if (codeAt(codes, at, end) === AT) {
    if (userEnd === start) return err('expected a user before "@"');
    user = readUnescaped(source, start, userEnd);
    if (user === undefined) return err('broken escape in the user');
    password = userEnd === at ? undefined : readUnescaped(source, userEnd + 1, at);
    if (userEnd < at && password === undefined) return err('broken escape in the password');
    hostStart = at + 1;
  }
  const hostPort = readHostPort(source, hostStart, end);
  if (hostPort === undefined) return err('expected a host name or address and perhaps a port');
  const { host, port } = hostPort;
  const question = indexIn(QUESTION, codes, hostPort.end, end);
  const parameters = readParameters(source, hostPort.end, question);
  if (parameters === undefined) return err('malformed or repeated parameter');
  if (question === end) return ok({ scheme, user, password, host, port, parameters, headers: undefined });
  const stop = skipClass(OPAQUE, codes, question + 1, end);
  if (stop < end) return unexpected(stop);
  // sip:a?b@c is user "a?b" to one reader and host "a" to another, so nobody gets to read it.
  if (user === undefined && indexIn(AT, codes, question, end) < end) return err('"@" in the headers part');
  return ok({ scheme, user, password, host, port, parameters, headers: source.text.slice(question + 1, end) });
}

function readTelUri(source: Source, start: number, end: number): Result<TelUri, string> {
  const { codes, text } = source;
  const stop = indexIn(SEMICOLON, codes, start, end);
  let hasDigit = false;
  for (let index = codeAt(codes, start, stop) === PLUS ? start + 1 : start; index < stop; index += 1) {
    const character = text.charAt(index);
    if (telDigits.includes(character)) hasDigit = true;
    else if (!visualSeparators.includes(character)) return unexpected(index);
  }
  if (!hasDigit) return err('expected a telephone number');
  const parameters = readParameters(source, stop, end);
  if (parameters === undefined) return err('malformed or repeated parameter');
  return ok({ scheme: 'tel', number: text.slice(start, stop), parameters });
}

const telDigits = '0123456789abcdefABCDEF*#';
/** RFC 3966 §5.1.1: they may stand in a number and mean nothing. */
const visualSeparators = '-.()';

/** Reads `*(";" name ["=" value])`. A last semicolon may have nothing behind it; no name may repeat (§19.1.1). */
function readParameters(source: Source, start: number, end: number): Parameters | undefined {
  if (start === end) return noParameters;
  const { codes } = source;
  const parameters = new Map<string, string | undefined>();
  let count = 0;
  for (let index = start; index < end; ) {
    if (codes[index] !== SEMICOLON) return undefined;
    const nameStart = index + 1;
    index = skipClass(PARAMETER, codes, nameStart, end);
    const name = readName(source, nameStart, index);
    if (name === undefined) return undefined;
    let value: string | undefined;
    if (codeAt(codes, index, end) === EQUALS) {
      const valueStart = index + 1;
      index = skipClass(PARAMETER, codes, valueStart, end);
      value = readUnescaped(source, valueStart, index);
      if (value === undefined || name === '') return undefined;
    }
    if (name === '' && index === end) break;
    if (name === '') return undefined;
    parameters.set(name, value);
    count += 1;
  }
  return parameters.size === count ? parameters : undefined;
}

function readName(source: Source, start: number, end: number): string | undefined {
  if (indexIn(PERCENT, source.codes, start, end) === end) return parameterName(source, start, end);
  return readUnescaped(source, start, end)?.toLowerCase();
}

const PERCENT = 0x25;

function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) {
    text += `;${escapeUri(name, PARAMETER)}`;
    if (value !== undefined) text += `=${escapeUri(value, PARAMETER)}`;
  }
  return text;
}

function unexpected(index: number): Result<never, string> {
  return err(`unexpected character at ${index}`);
}

/** These differ when only one URI has them; any other parameter only counts when both have it. */
const distinguishing: readonly string[] = ['user', 'ttl', 'method', 'maddr', 'transport'];

function sameSipParameters(a: Parameters, b: Parameters): boolean {
  for (const name of distinguishing) if (a.has(name) !== b.has(name)) return false;
  for (const [name, value] of a) if (b.has(name) && !sameIgnoringCase(value, b.get(name))) return false;
  return true;
}

function sameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  const [left, right] = [headerPairs(a), headerPairs(b)];
  return left.length === right.length && left.every((pair, index) => pair === right[index]);
}

/** `name=value` of each header component, unescaped, in a fixed order. */
function headerPairs(headers: string | undefined): readonly string[] {
  if (headers === undefined) return [];
  return headers
    .split('&')
    .map((header) => {
      const equals = header.indexOf('=');
      const [name, value] = equals < 0 ? [header, ''] : [header.slice(0, equals), header.slice(equals + 1)];
      return `${(unescapeUri(name) ?? name).toLowerCase()}=${unescapeUri(value) ?? value}`;
    })
    .sort();
}

function sameTelUri(a: TelUri, b: TelUri): boolean {
  if (dialled(a.number) !== dialled(b.number) || a.parameters.size !== b.parameters.size) return false;
  for (const [name, value] of a.parameters) {
    if (!b.parameters.has(name)) return false;
    const other = b.parameters.get(name);
    // A phone-context may be a global number, with visual separators that mean nothing.
    const isNumber = name === 'phone-context' && value?.startsWith('+') === true && other?.startsWith('+') === true;
    if (isNumber ? dialled(value) !== dialled(other) : !sameIgnoringCase(value, other)) return false;
  }
  return true;
}

function dialled(number: string): string {
  return [...number.toLowerCase()].filter((character) => !visualSeparators.includes(character)).join('');
}

function sameIgnoringCase(a: string | undefined, b: string | undefined): boolean {
  return a?.toLowerCase() === b?.toLowerCase();
}
