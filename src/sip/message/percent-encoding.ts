// Escaped characters in URIs: `%` and two hexadecimal digits an octet, octets being UTF-8 (RFC 3261 §19.1.2, §25.1).
import { indexIn, isIn } from './characters.ts';
import type { Source } from './source.ts';

const PERCENT = 0x25;

/** [start, end) without escapes, or undefined when one is broken or the octets are no UTF-8. */
export function readUnescaped({ text, codes }: Source, start: number, end: number): string | undefined {
  const part = text.slice(start, end);
  return indexIn(PERCENT, codes, start, end) === end ? part : unescapeUri(part);
}

/** The text without escapes, or undefined when one is broken or the octets are no UTF-8. */
export function unescapeUri(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // decodeURIComponent has no other way to say "malformed"; undefined says it here.
    return undefined;
  }
}

/** Escapes all but the characters of the class; the percent sign and those in `except` too. */
export function escapeUri(text: string, characterClass: number, except = ''): string {
  let escaped = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(octet);
    const isKept = octet !== PERCENT && isIn(characterClass, octet) && !except.includes(character);
    escaped += isKept ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
