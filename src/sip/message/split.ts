// Cuts a header value at its commas, but not inside a quoted string or angle brackets (RFC 3261 §7.3.1, §20).
import { trimSpace } from './characters.ts';
import { Source } from './source.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const LESS = 0x3c;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;

/** The values of one field, trimmed, the empty ones left out. An open quote or bracket reaches to the end. */
export function splitCommas(value: string): readonly string[] {
  if (!value.includes(',')) return value === '' ? [] : [value];
  const source = new Source(value);
  const values: string[] = [];
  for (let from = 0; from < value.length; ) {
    const comma = nextComma(source, from, value.length);
    const part = trimSpace(value.slice(from, comma));
    if (part !== '') values.push(part);
    from = comma + 1;
  }
  return values;
}

/** The index of the next comma at top level in [start, end), else `end`. */
export function nextComma({ codes, text }: Source, start: number, end: number): number {
  // Most values stand alone, and looking for one character is memchr.
  const first = text.indexOf(',', start);
  return first < 0 || first >= end ? end : nextTopComma(codes, start, end);
}

function nextTopComma(codes: Buffer, start: number, end: number): number {
  let isQuoted = false;
  let isBracketed = false;
  for (let index = start; index < end; index += 1) {
    const code = codes[index];
    if (isQuoted) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) isQuoted = false;
    } else if (isBracketed) {
      if (code === GREATER) isBracketed = false;
    } else if (code === COMMA) return index;
    else if (code === QUOTE) isQuoted = true;
    else if (code === LESS) isBracketed = true;
  }
  return end;
}
