// Cuts a header value at its commas, but not inside a quoted string or angle brackets (RFC 3261 §7.3.1, §20).

const QUOTE = 0x22;
const COMMA = 0x2c;
const LESS = 0x3c;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;

/** The values of one field, trimmed, the empty ones left out. An open quote or bracket reaches to the end. */
export function splitCommas(value: string): readonly string[] {
  if (!value.includes(',')) return value === '' ? [] : [value];
  const values: string[] = [];
  let start = 0;
  while (start <= value.length) {
    const end = nextComma(value, start);
    const part = value.slice(start, end).trim();
    if (part !== '') values.push(part);
    start = end + 1;
  }
  return values;
}

/** The index of the next comma at top level from `start`, else the length of the value. */
export function nextComma(value: string, start: number): number {
  let isQuoted = false;
  let isBracketed = false;
  for (let index = start; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (isQuoted) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) isQuoted = false;
    } else if (isBracketed) {
      if (code === GREATER) isBracketed = false;
    } else if (code === COMMA) return index;
    else if (code === QUOTE) isQuoted = true;
    else if (code === LESS) isBracketed = true;
  }
  return value.length;
}
