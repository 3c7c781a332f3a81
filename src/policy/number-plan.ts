// One canonical form for what was dialled, before anything routes or decides on it: `+44…`, `0044…`, `%2B44…`, `tel:`,
// `user=phone` and visual separators (RFC 3966 §5.1.1) must not be different numbers to policy.
import { err, ok, type Result } from '../core/result.ts';

/** What a Request-URI asks for. `canonical` is what rules match on; for a name it is the name itself. */
export interface Dialled {
  readonly kind: 'number' | 'name';
  readonly canonical: string;
}

/** An international number has 15 digits at most (E.164 §6.2.1); longer strings of digits are refused. */
export const maxNumberDigits = 32;
export const maxNameLength = 64;

/**
 * Canonical form of the user part of a SIP URI (percent-escapes decoded) or of the number of a tel URI.
 * `context` is a `phone-context` parameter: a `+` prefix is put before local digits. Errors are for the log.
 */
export function canonicalise(user: string, context?: string): Result<Dialled, string> {
  const parameters = user.indexOf(';');
  const bare = parameters < 0 ? user : user.slice(0, parameters);
  if (bare === '') return err('the user part is empty');
  const digits = withoutSeparators(bare);
  if (isNumber(digits)) return canonicalNumber(digits, context ?? contextOf(user));
  if (bare.length > maxNameLength) return err(`a name of ${bare.length} characters exceeds ${maxNameLength}`);
  if (!isName(bare)) return err('the user part holds characters that no number and no name has');
  return ok({ kind: 'name', canonical: bare });
}

function canonicalNumber(digits: string, context: string | undefined): Result<Dialled, string> {
  const international = internationalForm(digits, context);
  if (international.length > maxNumberDigits) {
    return err(`a number of ${international.length} digits exceeds ${maxNumberDigits}`);
  }
  if (
    international.startsWith('+') &&
    (international.length > 16 || international.length < 4 || international[1] === '0')
  ) {
    return err('an international number has 3 to 15 digits and no leading zero');
  }
  return ok({ kind: 'number', canonical: international });
}

function internationalForm(digits: string, context: string | undefined): string {
  if (digits.startsWith('+')) return digits;
  if (digits.startsWith('00') && digits.length > 6) return `+${digits.slice(2)}`;
  if (context === undefined || !context.startsWith('+')) return digits;
  return `${withoutSeparators(context)}${digits}`;
}

/** `phone-context` may stand inside the user part of a SIP URI that was made from a tel URI (RFC 3261 §19.1.6). */
function contextOf(user: string): string | undefined {
  for (const parameter of user.split(';').slice(1)) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).toLowerCase() === 'phone-context') return parameter.slice(equals + 1);
  }
  return undefined;
}

const separators = new Set(['-', '.', '(', ')', ' ']);

function withoutSeparators(text: string): string {
  let kept = '';
  for (const character of text) if (!separators.has(character)) kept += character;
  return kept;
}

/** Digits, `*` and `#`, with one `+` in front at most. */
function isNumber(text: string): boolean {
  const start = text.startsWith('+') ? 1 : 0;
  if (text.length === start) return false;
  for (let index = start; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && (start === 1 || (code !== 0x2a && code !== 0x23))) return false;
  }
  return true;
}

/** Letters, digits and the marks that account names are made of; nothing that a shell, a log or a URI reads as its own. */
function isName(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLetter && !isDigit && !nameMarks.has(text.charAt(index))) return false;
  }
  return true;
}

const nameMarks = new Set(['-', '_', '.', '+', '~', '*', '#', '!']);
