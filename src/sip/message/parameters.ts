// Header parameters: `*(SEMI name [EQUAL (token / host / quoted-string)])` (RFC 3261 §25.1, generic-param).
import { codeAt, isMadeOf, skipClass, skipSpace, TOKEN, VALUE } from './characters.ts';
import { parameterName } from './parameter-names.ts';
import type { Source } from './source.ts';
import { noParameters, type Parameters } from './uri.ts';

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * Reads the parameters in [start, end), the first semicolon included. Names come in lower case, quoted values without
 * quotes. Undefined when malformed or when a name repeats: two tags must not mean two things to two readers.
 */
export function readParameters(source: Source, start: number, end: number): Parameters | undefined {
  const { codes, text } = source;
  let index = skipSpace(codes, start, end);
  if (index === end) return noParameters;
  const parameters = new Map<string, string | undefined>();
  let count = 0;
  while (index < end) {
    if (codes[index] !== SEMICOLON) return undefined;
    const nameStart = skipSpace(codes, index + 1, end);
    const nameEnd = skipClass(TOKEN, codes, nameStart, end);
    index = skipSpace(codes, nameEnd, end);
    let value: string | undefined;
    if (codeAt(codes, index, end) === EQUALS) {
      const valueStart = skipSpace(codes, index + 1, end);
      const isQuoted = codeAt(codes, valueStart, end) === QUOTE;
      // A value that is no token passes too: an IPv6 address in `received` has no quotes (§25.1, via-received).
      const valueEnd = isQuoted ? quotedEnd(codes, valueStart, end) : skipClass(VALUE, codes, valueStart, end);
      if (valueEnd <= valueStart || nameEnd === nameStart) return undefined;
      value = isQuoted ? unquote(text, valueStart, valueEnd) : text.slice(valueStart, valueEnd);
      index = skipSpace(codes, valueEnd, end);
    }
    // One semicolon too many at the end is commonly sent and says nothing.
    if (nameEnd === nameStart && index === end) break;
    if (nameEnd === nameStart) return undefined;
    parameters.set(parameterName(source, nameStart, nameEnd), value);
    count += 1;
  }
  return parameters.size === count ? parameters : undefined;
}

/** `;name=value` of each; a value that is no token is quoted, and that of a feature tag always (RFC 3840 §9). */
export function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) {
    if (value === undefined) text += `;${name}`;
    else text += `;${name}=${isPlain(value) && !name.startsWith('+') ? value : quote(value)}`;
  }
  return text;
}

/** A quoted-string with `"` and `\` escaped; what may not stand in a header becomes a space. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    if (character === '"' || character === '\\') quoted += `\\${character}`;
    else quoted += character === '\r' || character === '\n' || character === '\0' ? ' ' : character;
  }
  return `${quoted}"`;
}

/** The text of the quoted-string in [start, end), quotes included, without quotes and backslashes. */
export function unquote(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  if (!inner.includes('\\')) return inner;
  let plain = '';
  for (let index = 0; index < inner.length; index += 1) {
    if (inner.charCodeAt(index) === BACKSLASH) index += 1;
    plain += inner.charAt(index);
  }
  return plain;
}

/** The index after the quoted-string that starts at `start`, or -1 when it does not end before `end`. */
export function quotedEnd(codes: Buffer, start: number, end: number): number {
  for (let index = start + 1; index < end; index += 1) {
    const code = codes[index];
    if (code === QUOTE) return index + 1;
    if (code === BACKSLASH) index += 1;
  }
  return -1;
}

/** Tokens, and addresses: `received=2001:db8::1` and `maddr=[2001:db8::1]` have no quotes. */
function isPlain(value: string): boolean {
  return isMadeOf(TOKEN, value) || (isMadeOf(VALUE, value) && addressCharacters(value));
}

function addressCharacters(value: string): boolean {
  for (const character of value) if (!'0123456789abcdefABCDEF:.[]'.includes(character)) return false;
  return true;
}
