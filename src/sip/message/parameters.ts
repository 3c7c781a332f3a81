// Header parameters: `*(SEMI name [EQUAL (token / host / quoted-string)])` (RFC 3261 §25.1, generic-param).
import { isIn, isToken, isVisible, skipClass, skipSpace, TOKEN, trimEnd } from './characters.ts';
import { noParameters, type Parameters } from './uri.ts';

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * Reads the parameters that start at `start` (a semicolon or spaces before it) up to `end`. Names come in lower case,
 * quoted values without quotes. Undefined when malformed or when a name repeats: two tags must not mean two things.
 */
export function parseParameters(text: string, start: number, end: number): Parameters | undefined {
  let index = skipSpace(text, start, end);
  if (index === end) return noParameters;
  const parameters = new Map<string, string | undefined>();
  while (index < end) {
    if (text.charCodeAt(index) !== SEMICOLON) return undefined;
    index = skipSpace(text, index + 1, end);
    const nameEnd = skipClass(TOKEN, text, index, end);
    const name = text.slice(index, nameEnd).toLowerCase();
    index = skipSpace(text, nameEnd, end);
    const hasValue = index < end && text.charCodeAt(index) === EQUALS;
    if (name === '') {
      if (hasValue) return undefined;
      continue;
    }
    if (parameters.has(name)) return undefined;
    if (!hasValue) {
      parameters.set(name, undefined);
      continue;
    }
    index = skipSpace(text, index + 1, end);
    const valueEnd = text.charCodeAt(index) === QUOTE ? quotedEnd(text, index, end) : plainEnd(text, index, end);
    if (valueEnd <= index) return undefined;
    parameters.set(
      name,
      text.charCodeAt(index) === QUOTE ? unquote(text, index, valueEnd) : text.slice(index, valueEnd),
    );
    index = skipSpace(text, valueEnd, end);
  }
  return parameters;
}

/** `;name=value` of each; a value that is no token or host is quoted, and a feature tag's always (RFC 3840 §9). */
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
export function quotedEnd(text: string, start: number, end: number): number {
  for (let index = start + 1; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) return index + 1;
    if (code === BACKSLASH) index += 1;
  }
  return -1;
}

/** Visible ASCII up to the next delimiter: hosts and sloppy values pass (an unquoted IPv6 address in `received`). */
function plainEnd(text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isPlainCode(text.charCodeAt(index))) index += 1;
  return trimEnd(text, start, index);
}

function isPlainCode(code: number): boolean {
  return isIn(TOKEN, code) || (code > 0x20 && code < 0x7f && !delimiters.has(code));
}

// " , ; < = > and backslash end a value or make it ambiguous.
const delimiters: ReadonlySet<number> = new Set([0x22, 0x2c, 0x3b, 0x3c, 0x3d, 0x3e, 0x5c]);

function isPlain(value: string): boolean {
  return (
    isToken(value) || (isVisible(value) && plainEnd(value, 0, value.length) === value.length && value.startsWith('['))
  );
}
