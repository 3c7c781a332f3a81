// SIP, SIPS and tel URIs, and others as opaque text: RFC 3261 §19.1 and §25.1, RFC 3966. Comparison: §19.1.4.
import { err, ok, type Result } from '../../core/result.ts';
import { isIn, OPAQUE, PARAMETER, PASSWORD, skipClass, USER } from './characters.ts';
import { formatHostPort, parseHostPort } from './host.ts';
import { escapeUri, unescapeUri } from './percent-encoding.ts';

/** Names in lower case; values unescaped; undefined for a parameter without a value. */
export type Parameters = ReadonlyMap<string, string | undefined>;

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Unescaped, so it may hold any character. */
  readonly user?: string;
  readonly password?: string;
  /** Lower case; IPv6 canonical and without brackets. */
  readonly host: string;
  readonly port?: number;
  readonly parameters: Parameters;
  /** What follows the question mark, as it came. */
  readonly headers?: string;
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
  const colon = text.indexOf(':');
  if (colon <= 0) return err('expected a scheme and a colon');
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(scheme, text, colon + 1);
  if (scheme === 'tel') return parseTelUri(text, colon + 1);
  if (!isScheme(scheme)) return err('expected a scheme of letters, digits, "+", "-" and "."');
  const end = skipClass(OPAQUE, text, colon + 1, text.length);
  if (end === colon + 1 || end < text.length) return err(`unexpected character at ${end}`);
  return ok({ scheme: 'other', name: scheme, text });
}

/** The text of a URI; what must be escaped is. */
export function formatUri(uri: Uri): string {
  switch (uri.scheme) {
    case 'other':
      return uri.text;
    case 'tel':
      return `tel:${uri.number}${formatParameters(uri.parameters)}`;
    default: {
      const password = uri.password === undefined ? '' : `:${escapeUri(uri.password, PASSWORD)}`;
      const user = uri.user === undefined ? '' : `${escapeUri(uri.user, USER, '#')}${password}@`;
      const headers = uri.headers === undefined ? '' : `?${uri.headers}`;
      return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port, '%25')}${formatParameters(uri.parameters)}${headers}`;
    }
  }
}

/** Equivalence by RFC 3261 §19.1.4 (tel: RFC 3966 §4; other schemes: the same text). */
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
    sameUriHeaders(a.headers, b.headers)
  );
}

function parseSipUri(scheme: 'sip' | 'sips', text: string, start: number): Result<SipUri, string> {
  const at = text.indexOf('@', start);
  let user: string | undefined;
  let password: string | undefined;
  if (at >= 0) {
    const userEnd = skipEscaped(USER, text, start, at);
    if (userEnd === start) return err('expected a user before "@"');
    user = unescapeUri(text.slice(start, userEnd));
    if (user === undefined) return err('broken escape in the user');
    if (userEnd < at) {
      if (text.charCodeAt(userEnd) !== COLON) return err(`unexpected character at ${userEnd}`);
      const passwordEnd = skipEscaped(PASSWORD, text, userEnd + 1, at);
      if (passwordEnd < at) return err(`unexpected character at ${passwordEnd}`);
      password = unescapeUri(text.slice(userEnd + 1, at));
      if (password === undefined) return err('broken escape in the password');
    }
  }
  const hostPort = parseHostPort(text, at < 0 ? start : at + 1, text.length);
  if (hostPort === undefined) return err('expected a host name or address and perhaps a port');
  const { host, port } = hostPort;
  const question = text.indexOf('?', hostPort.end);
  const parametersEnd = question < 0 ? text.length : question;
  const parameters = parseParameters(text, hostPort.end, parametersEnd);
  if (!parameters.ok) return parameters;
  let headers: string | undefined;
  if (question >= 0) {
    const end = skipClass(OPAQUE, text, question + 1, text.length);
    if (end < text.length) return err(`unexpected character at ${end}`);
    headers = text.slice(question + 1);
  }
  return ok({
    scheme,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    host,
    ...(port !== undefined && { port }),
    parameters: parameters.value,
    ...(headers !== undefined && { headers }),
  });
}

const PLUS = 0x2b;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const PERCENT = 0x25;

function parseTelUri(text: string, start: number): Result<TelUri, string> {
  const semicolon = text.indexOf(';', start);
  const end = semicolon < 0 ? text.length : semicolon;
  const digits = text.charCodeAt(start) === PLUS ? start + 1 : start;
  let hasDigit = false;
  for (let index = digits; index < end; index += 1) {
    const character = text.charAt(index);
    if (telDigits.includes(character)) hasDigit = true;
    else if (!visualSeparators.includes(character)) return err(`unexpected character at ${index}`);
  }
  if (!hasDigit) return err('expected a telephone number');
  const parameters = parseParameters(text, end, text.length);
  if (!parameters.ok) return parameters;
  return ok({ scheme: 'tel', number: text.slice(start, end), parameters: parameters.value });
}

const telDigits = '0123456789abcdefABCDEF*#';
const visualSeparators = '-.()';

/** Reads `*(";" name ["=" value])`. An empty parameter is skipped, a repeated one is an error (§19.1.1). */
function parseParameters(text: string, start: number, end: number): Result<Parameters, string> {
  if (start === end) return ok(noParameters);
  const parameters = new Map<string, string | undefined>();
  let index = start;
  while (index < end) {
    if (text.charCodeAt(index) !== SEMICOLON) return err(`unexpected character at ${index}`);
    const nameEnd = skipEscaped(PARAMETER, text, index + 1, end);
    const hasValue = nameEnd < end && text.charCodeAt(nameEnd) === EQUALS;
    const valueEnd = hasValue ? skipEscaped(PARAMETER, text, nameEnd + 1, end) : nameEnd;
    const name = unescapeUri(text.slice(index + 1, nameEnd))?.toLowerCase();
    const value = hasValue ? unescapeUri(text.slice(nameEnd + 1, valueEnd)) : undefined;
    if (name === undefined || (hasValue && value === undefined)) return err('broken escape in a parameter');
    if (name === '' && hasValue) return err(`expected a parameter name at ${index + 1}`);
    if (name !== '') {
      if (parameters.has(name)) return err(`repeated parameter at ${index + 1}`);
      parameters.set(name, value);
    }
    index = valueEnd;
  }
  return ok(parameters);
}

function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) {
    text += `;${escapeUri(name, PARAMETER)}`;
    if (value !== undefined) text += `=${escapeUri(value, PARAMETER)}`;
  }
  return text;
}

/** The first index in [start, end) that is neither of the class nor a percent sign; escapes are checked on decoding. */
function skipEscaped(characterClass: number, text: string, start: number, end: number): number {
  let index = start;
  while (index < end) {
    const code = text.charCodeAt(index);
    if (code !== PERCENT && !isIn(characterClass, code)) break;
    index += 1;
  }
  return index;
}

function isScheme(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    const isLetter = character >= 'a' && character <= 'z';
    if (!isLetter && (index === 0 || !'0123456789+-.'.includes(character))) return false;
  }
  return text.length > 0;
}

/** These differ when only one URI has them; any other parameter only counts when both have it (§19.1.4). */
const distinguishing: readonly string[] = ['user', 'ttl', 'method', 'maddr', 'transport'];

function sameSipParameters(a: Parameters, b: Parameters): boolean {
  for (const name of distinguishing) if (a.has(name) !== b.has(name)) return false;
  for (const [name, value] of a) if (b.has(name) && !sameIgnoringCase(value, b.get(name))) return false;
  return true;
}

function sameUriHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  const [left, right] = [uriHeaders(a), uriHeaders(b)];
  return left.length === right.length && left.every((header, index) => header === right[index]);
}

/** `name=value` of each header component, unescaped, in a fixed order. */
function uriHeaders(headers: string | undefined): readonly string[] {
  if (headers === undefined) return [];
  return headers
    .split('&')
    .map((header) => {
      const [name = '', ...value] = header.split('=');
      return `${(unescapeUri(name) ?? name).toLowerCase()}=${unescapeUri(value.join('=')) ?? value.join('=')}`;
    })
    .sort();
}

function sameTelUri(a: TelUri, b: TelUri): boolean {
  if (dialled(a.number) !== dialled(b.number) || a.parameters.size !== b.parameters.size) return false;
  for (const [name, value] of a.parameters) {
    if (!b.parameters.has(name) || !sameIgnoringCase(value, b.parameters.get(name))) return false;
  }
  return true;
}

function dialled(number: string): string {
  return [...number.toLowerCase()].filter((character) => !visualSeparators.includes(character)).join('');
}

function sameIgnoringCase(a: string | undefined, b: string | undefined): boolean {
  return a?.toLowerCase() === b?.toLowerCase();
}
