// Request-Line and Status-Line (RFC 3261 §7.1, §7.2): single spaces, nothing before, nothing after.
import { err, ok, type Result } from '../../core/result.ts';
import { codeAt, isAt, isMadeOf, readDigits, skipClass, TOKEN } from './characters.ts';
import { type MessageError, messageError } from './message-error.ts';
import type { Source } from './source.ts';
import { readUri, type Uri } from './uri.ts';

export type StartLine =
  | { readonly kind: 'request'; readonly method: string; readonly uri: string; readonly parsedUri: Uri }
  | { readonly kind: 'response'; readonly status: number; readonly reason: string };

/**
 * Reads the first line, [0, end), without its CRLF. A version other than SIP/2.0 is a 505; a Request-URI of a scheme
 * that we do not serve is none of our business here, a garbled one is a 400.
 */
export function readStartLine(source: Source, end: number): Result<StartLine, MessageError> {
  const isResponse = codeAt(source.codes, 3, end) === SLASH && startsWithVersion(source.text);
  return isResponse ? readStatusLine(source, end) : readRequestLine(source, end);
}

/** The method of a request line however bad the rest is, or undefined when it does not begin with one. */
export function methodOf(line: string): string | undefined {
  const space = line.indexOf(' ');
  const method = space < 0 ? line : line.slice(0, space);
  return isMadeOf(TOKEN, method) ? method : undefined;
}

const SPACE = 0x20;
const SLASH = 0x2f;
const version = Buffer.from(' SIP/2.0');
const statusStart = 8;
const statusEnd = 11;

function readRequestLine(source: Source, end: number): Result<StartLine, MessageError> {
  const { codes, text } = source;
  const first = skipClass(TOKEN, codes, 0, end);
  const isUsual = isAt(version, codes, Math.max(0, end - version.length), end);
  const last = isUsual ? end - version.length : text.lastIndexOf(' ', end - 1);
  if (first === 0 || last <= first || codeAt(codes, first, end) !== SPACE) {
    return malformed('expected "METHOD URI SIP/2.0"');
  }
  const wrongVersion = isUsual ? undefined : checkVersion(text.slice(last + 1, end));
  if (wrongVersion !== undefined) return err(wrongVersion);
  const uri = readUri(source, first + 1, last);
  if (!uri.ok) return err(messageError('request-uri-malformed', uri.error));
  // §19.1.1: a Request-URI has no headers part; obeying one would let a link write our header fields.
  if ((uri.value.scheme === 'sip' || uri.value.scheme === 'sips') && uri.value.headers !== undefined) {
    return err(messageError('request-uri-malformed', 'headers in a Request-URI'));
  }
  return ok({ kind: 'request', method: text.slice(0, first), uri: text.slice(first + 1, last), parsedUri: uri.value });
}

function checkVersion(text: string): MessageError | undefined {
  if (text === 'SIP/2.0' || text.toUpperCase() === 'SIP/2.0') return undefined;
  if (!startsWithVersion(text)) return messageError('start-line-malformed', `expected SIP/2.0 last, got "${text}"`);
  return messageError('version-unsupported', `expected SIP/2.0, got "${text}"`, 505);
}

function readStatusLine({ codes, text }: Source, end: number): Result<StartLine, MessageError> {
  const wrongVersion = checkVersion(text.slice(0, statusStart - 1));
  if (wrongVersion !== undefined) return err(wrongVersion);
  const status = readDigits(codes, statusStart, statusEnd, 999);
  const isPlaced = codes[statusStart - 1] === SPACE && end >= statusEnd;
  if (!isPlaced || status === undefined || status < 100 || status > 699) {
    return malformed('expected a status from 100 to 699');
  }
  // The space before an empty reason phrase is commonly left out.
  if (end > statusEnd && codes[statusEnd] !== SPACE) return malformed('expected a space after the status');
  return ok({ kind: 'response', status, reason: text.slice(statusEnd + 1, end) });
}

function startsWithVersion(text: string): boolean {
  return text.slice(0, 4).toUpperCase() === 'SIP/';
}

function malformed(detail: string): Result<never, MessageError> {
  return err(messageError('start-line-malformed', detail));
}
