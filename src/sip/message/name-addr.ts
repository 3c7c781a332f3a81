// `["Display name"] <uri>;parameters` and `uri;parameters`: From, To, Contact, Route … (RFC 3261 §20.10, §20.20, §25.1).
import { err, ok, type Result } from '../../core/result.ts';
import { codeAt, indexIn, skipSpace, trimEnd } from './characters.ts';
import { formatParameters, quote, quotedEnd, readParameters, unquote } from './parameters.ts';
import { Source } from './source.ts';
import { formatUri, type Parameters, readUri, type Uri } from './uri.ts';

export interface NameAddr {
  /** Unquoted; '' when it came as `""`. */
  readonly displayName?: string | undefined;
  readonly uri: Uri;
  /** The URI as it came. */
  readonly uriText: string;
  /** The header's parameters (tag, expires, q …), not those of the URI; names in lower case. */
  readonly parameters: Parameters;
}

/** Reads one value; the error says what was expected. */
export function parseNameAddr(text: string): Result<NameAddr, string> {
  return readNameAddr(new Source(text), 0, text.length);
}

/** Reads the one value in [from, end). Without brackets, what follows a semicolon is the header's (RFC 3261 §20.10). */
export function readNameAddr(source: Source, from: number, end: number): Result<NameAddr, string> {
  const { codes, text } = source;
  const start = skipSpace(codes, from, end);
  if (start === end) return err('expected an address, got nothing');
  if (codes[start] === QUOTE) {
    const quoteEnd = quotedEnd(codes, start, end);
    if (quoteEnd < 0) return err('expected the end of a quoted string');
    const bracket = skipSpace(codes, quoteEnd, end);
    if (codeAt(codes, bracket, end) !== LESS) return err('expected "<" after a quoted string');
    return readBracketed(source, unquote(text, start, quoteEnd), bracket, end);
  }
  const bracket = skipUnquoted(codes, start, end);
  // A quote before the bracket opens a parameter's value: sip:a@b;+sip.instance="<urn:…>".
  if (codeAt(codes, bracket, end) !== LESS) return readBare(source, start, end);
  for (let index = start; index < bracket; index += 1) {
    if (isStray(codes[index] ?? 0)) return err(`unexpected character at ${index}`);
  }
  const name = text.slice(start, trimEnd(codes, start, bracket));
  return readBracketed(source, name === '' ? undefined : name, bracket, end);
}

/** The text of a value, always with angle brackets; `uriText`, when there, stands for the URI. */
export function formatNameAddr(address: Omit<NameAddr, 'uriText'> & { readonly uriText?: string | undefined }): string {
  const { displayName, uriText, uri, parameters } = address;
  const name = displayName === undefined || displayName === '' ? '' : `${quote(displayName)} `;
  return `${name}<${uriText ?? formatUri(uri)}>${formatParameters(parameters)}`;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const LESS = 0x3c;
const GREATER = 0x3e;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;

/** The index of the first `<` or `"`, else `end`. */
function skipUnquoted(codes: Buffer, start: number, end: number): number {
  let index = start;
  while (index < end && codes[index] !== LESS && codes[index] !== QUOTE) index += 1;
  return index;
}

/** What cannot be in a display name without quotes; what else is no token there is commonly sent and harms nobody. */
function isStray(code: number): boolean {
  return code === COMMA || code === SEMICOLON || code === GREATER || code === BACKSLASH;
}

function readBracketed(
  source: Source,
  displayName: string | undefined,
  bracket: number,
  end: number,
): Result<NameAddr, string> {
  const close = indexIn(GREATER, source.codes, bracket, end);
  if (close === end) return err('expected ">" after "<"');
  return finish(source, displayName, bracket + 1, close, close + 1, end);
}

function readBare(source: Source, start: number, end: number): Result<NameAddr, string> {
  const { codes } = source;
  let stop = start;
  for (; stop < end && codes[stop] !== SEMICOLON; stop += 1) {
    if (codes[stop] === COMMA || codes[stop] === QUESTION) {
      return err(`expected a URI with "," or "?" to be in angle brackets, at ${stop}`);
    }
  }
  return finish(source, undefined, start, trimEnd(codes, start, stop), stop, end);
}

function finish(
  source: Source,
  displayName: string | undefined,
  uriStart: number,
  uriEnd: number,
  parametersStart: number,
  end: number,
): Result<NameAddr, string> {
  const uri = readUri(source, uriStart, uriEnd);
  if (!uri.ok) return err(`URI: ${uri.error}`);
  const parameters = readParameters(source, parametersStart, end);
  if (parameters === undefined) return err('malformed or repeated parameter');
  return ok({ displayName, uri: uri.value, uriText: source.text.slice(uriStart, uriEnd), parameters });
}
