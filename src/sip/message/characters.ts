// Character classes of the SIP grammar (RFC 3261 §25.1) and the scans over them. All ranges are [start, end).

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const mark = "-_.!~*'()";

export const TOKEN = 1;
/** The user part of a URI, escapes included. */
export const USER = 2;
export const PASSWORD = 4;
/** A parameter of a URI, escapes included. */
export const PARAMETER = 8;
export const HOST = 16;
/** Any visible ASCII character but `"`, `<` and `>`. */
export const OPAQUE = 32;
/** An unquoted value of a header parameter: tokens and hosts, and what is commonly sent without quotes. */
export const VALUE = 64;
/** Any visible ASCII character. */
export const VISIBLE = 128;

const visible = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index)).join('');
const classes = new Uint8Array(256);
add(`${alphanumeric}-.!%*_+\`'~`, TOKEN);
// '#' must be escaped in a user part, yet star codes such as *21# are commonly sent as they are dialled.
add(`${alphanumeric}${mark}&=+$,;?/#%`, USER);
add(`${alphanumeric}${mark}&=+$,%`, PASSWORD);
add(`${alphanumeric}${mark}[]/:&+$%`, PARAMETER);
// '_' is no host character, yet names of internal machines have it.
add(`${alphanumeric}-._`, HOST);
add(visible, VISIBLE);
add(without(visible, '"<>'), OPAQUE);
add(without(visible, '",;<=>\\'), VALUE);

function add(characters: string, bit: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    classes[code] = (classes[code] ?? 0) | bit;
  }
}

function without(characters: string, excluded: string): string {
  return [...characters].filter((character) => !excluded.includes(character)).join('');
}

/** Whether the character code (0 to 255) belongs to `characterClass`, one of the constants above. */
export function isIn(characterClass: number, code: number): boolean {
  return ((classes[code] ?? 0) & characterClass) !== 0;
}

/** The code at `index`, or -1 outside the range. */
export function codeAt(codes: Buffer, index: number, end: number): number {
  return index < end ? (codes[index] ?? -1) : -1;
}

/** The first index whose character is outside the class, else `end`. */
export function skipClass(characterClass: number, codes: Buffer, start: number, end: number): number {
  let index = start;
  while (index < end && isIn(characterClass, codes[index] ?? 0)) index += 1;
  return index;
}

/** The first index that is no decimal digit, else `end`. */
export function skipDigits(codes: Buffer, start: number, end: number): number {
  let index = start;
  while (index < end && isDigit(codes[index] ?? 0)) index += 1;
  return index;
}

/** The first index that is not SP or HTAB, else `end`. */
export function skipSpace(codes: Buffer, start: number, end: number): number {
  let index = start;
  while (index < end && isSpace(codes[index] ?? 0)) index += 1;
  return index;
}

/** The end of the range without the SP and HTAB at its end. */
export function trimEnd(codes: Buffer, start: number, end: number): number {
  let index = end;
  while (index > start && isSpace(codes[index - 1] ?? 0)) index -= 1;
  return index;
}

/** The index of the first such character, else `end`. */
export function indexIn(code: number, codes: Buffer, start: number, end: number): number {
  let index = start;
  while (index < end && codes[index] !== code) index += 1;
  return index;
}

/** Whether `expected` stands at `start`, letter for letter. */
export function isAt(expected: Buffer, codes: Buffer, start: number, end: number): boolean {
  const { length } = expected;
  if (end - start < length) return false;
  for (let index = 0; index < length; index += 1) if (codes[start + index] !== expected[index]) return false;
  return true;
}

/** The number that the decimal digits spell, or undefined; anything above `ceiling` reads as `ceiling`. */
export function readDigits(codes: Buffer, start: number, end: number, ceiling: number): number | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const code = codes[index] ?? 0;
    if (!isDigit(code)) return undefined;
    value = Math.min(value * 10 + code - ZERO, ceiling);
  }
  return value;
}

/** As `readDigits`, of a whole text. */
export function parseDigits(text: string, ceiling: number): number | undefined {
  let value = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (!isDigit(code)) return undefined;
    value = Math.min(value * 10 + code - ZERO, ceiling);
  }
  return text === '' ? undefined : value;
}

/** Whether all characters of the text, and at least one, are in the class. */
export function isMadeOf(characterClass: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f || !isIn(characterClass, code)) return false;
  }
  return text !== '';
}

/** The text without SP and HTAB at either end; other white space is text (`String.trim` would drop NBSP too). */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

const ZERO = 0x30;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
