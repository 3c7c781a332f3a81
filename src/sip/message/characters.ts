// Character classes of the SIP grammar (RFC 3261 §25.1) as one table lookup a character.

const alphanumeric = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const mark = "-_.!~*'()";

export const TOKEN = 1;
export const USER = 2;
export const PASSWORD = 4;
export const PARAMETER = 8;
export const HOST = 16;
/** Any visible ASCII character but `"`, `<` and `>`. */
export const OPAQUE = 32;

const classes = new Uint8Array(128);
add(`${alphanumeric}-.!%*_+\`'~`, TOKEN);
// '#' must be escaped in a user part, yet star codes such as *21# are commonly sent as they are dialled.
add(`${alphanumeric}${mark}&=+$,;?/#`, USER);
add(`${alphanumeric}${mark}&=+$,`, PASSWORD);
add(`${alphanumeric}${mark}[]/:&+$`, PARAMETER);
// '_' is no host character, yet names of internal machines have it.
add(`${alphanumeric}-._`, HOST);
for (let code = 0x21; code < 0x7f; code += 1) {
  if (code !== 0x22 && code !== 0x3c && code !== 0x3e) add(String.fromCharCode(code), OPAQUE);
}

function add(characters: string, bit: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    classes[code] = (classes[code] ?? 0) | bit;
  }
}

/** Whether the character code belongs to `characterClass` (one of the constants above). */
export function isIn(characterClass: number, code: number): boolean {
  return code < 128 && ((classes[code] ?? 0) & characterClass) !== 0;
}

/** The first index in [start, end) whose character is outside the class, else `end`. */
export function skipClass(characterClass: number, text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isIn(characterClass, text.charCodeAt(index))) index += 1;
  return index;
}

/** One or more token characters (RFC 3261 §25.1). */
export function isToken(text: string): boolean {
  return text.length > 0 && skipClass(TOKEN, text, 0, text.length) === text.length;
}

/** Visible ASCII only, at least one: what an identifier such as a Call-ID or a tag may hold here. */
export function isVisible(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text.length > 0;
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** The first index in [start, end) that is not SP or HTAB, else `end`. */
export function skipSpace(text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

/** The end of [start, end) without the SP and HTAB at its end. */
export function trimEnd(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && isSpace(text.charCodeAt(index - 1))) index -= 1;
  return index;
}

/** The number that the decimal digits in [start, end) spell, or undefined; anything above `ceiling` reads as `ceiling`. */
export function parseDigits(text: string, start: number, end: number, ceiling: number): number | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = Math.min(value * 10 + digit, ceiling);
  }
  return value;
}
