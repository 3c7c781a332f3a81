// `["Display name"] <uri>;parameters` and `uri;parameters`: From, To, Contact, Route … (RFC 3261 §20.10, §20.20, §25.1).
import { err, ok, type Result } from '../../core/result.ts';
import { skipSpace, trimEnd } from './characters.ts';
import { formatParameters, parseParameters, quote, quotedEnd, unquote } from './parameters.ts';
import { formatUri, type Parameters, parseUri, type Uri } from './uri.ts';

export interface NameAddr {
  /** Unquoted; '' when it came as `""`. */
  readonly displayName?: string;
  readonly uri: Uri;
  /** The URI as it came. */
  readonly uriText: string;
  /** The header's parameters (tag, expires, q …), not those of the URI; names in lower case. */
  readonly parameters: Parameters;
}

/** Reads one value. Without angle brackets, what follows a semicolon belongs to the header (RFC 3261 §20.10). */
export function parseNameAddr(text: string): Result<NameAddr, string> {
  const start = skipSpace(text, 0, text.length);
  if (start === text.length) return err('expected an address, got nothing');
  if (text.charCodeAt(start) === QUOTE) {
    const end = quotedEnd(text, start, text.length);
    if (end < 0) return err('expected the end of a quoted string');
    const bracket = skipSpace(text, end, text.length);
    if (text.charCodeAt(bracket) !== LESS) return err('expected "<" after a quoted string');
    return parseBracketed(text, unquote(text, start, end), bracket);
  }
  const bracket = text.indexOf('<', start);
  const quoteMark = text.indexOf('"', start);
  // A quote before the bracket opens a parameter's value: sip:a@b;+sip.instance="<urn:…>".
  if (bracket < 0 || (quoteMark >= 0 && quoteMark < bracket)) return parseBare(text, start);
  const nameEnd = trimEnd(text, start, bracket);
  const name = text.slice(start, nameEnd);
  const stray = firstOf(name, '",;>\\');
  if (stray >= 0) return err(`unexpected character at ${start + stray}`);
  return parseBracketed(text, name === '' ? undefined : name, bracket);
}

/** The text of a value, always with angle brackets. */
export function formatNameAddr(address: Omit<NameAddr, 'uriText'> & { readonly uriText?: string | undefined }): string {
  const { displayName, uriText, uri, parameters } = address;
  const name = displayName === undefined || displayName === '' ? '' : `${quote(displayName)} `;
  return `${name}<${uriText ?? formatUri(uri)}>${formatParameters(parameters)}`;
}

const QUOTE = 0x22;
const LESS = 0x3c;

function parseBracketed(text: string, displayName: string | undefined, bracket: number): Result<NameAddr, string> {
  const close = text.indexOf('>', bracket);
  if (close < 0) return err('expected ">" after "<"');
  return finish(text, displayName, bracket + 1, close, close + 1);
}

function parseBare(text: string, start: number): Result<NameAddr, string> {
  const semicolon = text.indexOf(';', start);
  const end = semicolon < 0 ? text.length : semicolon;
  const uriEnd = trimEnd(text, start, end);
  const ambiguous = firstOf(text.slice(start, uriEnd), ',?');
  if (ambiguous >= 0) return err(`expected a URI with "," or "?" in angle brackets, at ${start + ambiguous}`);
  return finish(text, undefined, start, uriEnd, end);
}

function finish(
  text: string,
  displayName: string | undefined,
  uriStart: number,
  uriEnd: number,
  end: number,
): Result<NameAddr, string> {
  const uriText = text.slice(uriStart, uriEnd);
  const uri = parseUri(uriText);
  if (!uri.ok) return err(`URI: ${uri.error}`);
  const parameters = parseParameters(text, end, text.length);
  if (parameters === undefined) return err('malformed or repeated parameter');
  return ok({ ...(displayName !== undefined && { displayName }), uri: uri.value, uriText, parameters });
}

/** The index of the first of `characters` in `text`, else -1. */
function firstOf(text: string, characters: string): number {
  for (let index = 0; index < text.length; index += 1) if (characters.includes(text.charAt(index))) return index;
  return -1;
}
