// Escaped characters in URIs: `%` and two hexadecimal digits an octet, octets being UTF-8 (RFC 3261 §19.1.2, §25.1).
import { isIn } from './characters.ts';

/** The text without escapes, or undefined when one is broken or the octets are no UTF-8. */
export function unescapeUri(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // decodeURIComponent has no other way to say "malformed"; undefined says it here.
    return undefined;
  }
}

/** Escapes all but the characters of the class. */
export function escapeUri(text: string, characterClass: number, except = ''): string {
  if (isClean(text, characterClass, except)) return text;
  let escaped = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(octet);
    const isKept = isIn(characterClass, octet) && !except.includes(character);
    escaped += isKept ? character : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}

function isClean(text: string, characterClass: number, except: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (!isIn(characterClass, text.charCodeAt(index))) return false;
  }
  for (const character of except) if (text.includes(character)) return false;
  return true;
}
