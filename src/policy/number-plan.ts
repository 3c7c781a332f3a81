// One canonical form for what was dialled, before anything routes or decides on it: `+44…`, `0044…`, `%2B44…`, `tel:`,
// `user=phone` and visual separators (RFC 3966 §5.1.1) must not be different numbers to policy.
import { err, ok, type Result } from '../core/result.ts';

/** What a Request-URI asks for. `canonical` is what rules match on and what is dialled; for a name it is the name itself. */
export interface Dialled {
  readonly kind: 'number' | 'name';
  readonly canonical: string;
}

/** Of a local number: service codes and extensions may be longer than international numbers, but not by much. */
export const maxLocalDigits = 32;
/** E.164 §6.2.1. */
export const maxInternationalDigits = 15;
export const minInternationalDigits = 3;
export const maxNameLength = 64;

/**
 * Canonical form of the user part of a SIP URI (percent-escapes decoded) or of the number of a tel URI. `context` is the
 * URI's `phone-context` parameter: one that is a `+` prefix is put before local digits. Errors are for the log.
 */
export function canonicalise(user: string, context?: string): Result<Dialled, string> {
  const [bare = '', ...parameters] = user.split(';');
  if (bare === '') return err('the user part is empty');
  const digits = withoutSeparators(bare);
  if (isNumber(digits)) {
    const prefix = prefixOf(parameters, context);
    return prefix.ok ? canonicalNumber(digits, prefix.value) : prefix;
  }
  // What only looks like a number would be one to whoever reads it more generously than we do.
  if (digits.startsWith('+') || isMadeOf(digits, isDialSign)) {
    return err('expected digits with one "+" in front at most, or digits, "*" and "#"');
  }
  if (bare.length > maxNameLength) return err(`a name of ${bare.length} characters exceeds ${maxNameLength}`);
  if (!isMadeOf(bare, isNameCharacter)) return err('the user part holds characters that no number and no name has');
  return ok({ kind: 'name', canonical: bare });
}

/** The digits of a text that is nothing but digits and separators. */
export function digitsIn(text: string): string | undefined {
  const digits = withoutSeparators(text);
  return digits !== '' && isMadeOf(digits, isDigit) ? digits : undefined;
}

function canonicalNumber(digits: string, prefix: string): Result<Dialled, string> {
  const number = internationalForm(digits, prefix);
  if (!number.startsWith('+')) {
    if (number.length <= maxLocalDigits) return ok({ kind: 'number', canonical: number });
    return err(`a number of ${number.length} digits exceeds ${maxLocalDigits}`);
  }
  const length = number.length - 1;
  if (length < minInternationalDigits || length > maxInternationalDigits || number[1] === '0') {
    return err(
      `an international number has ${minInternationalDigits} to ${maxInternationalDigits} digits and no leading zero`,
    );
  }
  return ok({ kind: 'number', canonical: number });
}

/** A code with `*` or `#` belongs to the switch that it is dialled at, in whatever context. */
function internationalForm(digits: string, prefix: string): string {
  if (digits.startsWith('+') || !isMadeOf(digits, isDigit)) return digits;
  return digits.startsWith('00') && digits.length > 6 ? `+${digits.slice(2)}` : `${prefix}${digits}`;
}

/**
 * The `+` prefix that local digits are to be read with, '' without one. `phone-context` may stand in the URI or inside the
 * user part of a SIP URI that was made from a tel URI (RFC 3261 §19.1.6); a domain as context says nothing about digits.
 */
function prefixOf(parameters: readonly string[], context: string | undefined): Result<string, string> {
  const contexts = new Set(context === undefined ? [] : [context]);
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=', 2);
    if (name.toLowerCase() === 'phone-context') contexts.add(value);
  }
  if (contexts.size > 1) return err('there are several phone-contexts');
  const [only = ''] = contexts;
  if (!only.startsWith('+')) return ok('');
  const prefix = withoutSeparators(only);
  return isNumber(prefix) ? ok(prefix) : err('expected digits after the "+" of a phone-context');
}

const separators: ReadonlySet<string> = new Set(['-', '.', '(', ')', ' ']);

function withoutSeparators(text: string): string {
  let kept = '';
  for (const character of text) if (!separators.has(character)) kept += character;
  return kept;
}

/** `+` and digits, or digits, `*` and `#`. */
function isNumber(text: string): boolean {
  if (text.startsWith('+')) return text.length > 1 && isMadeOf(text.slice(1), isDigit);
  return text !== '' && isMadeOf(text, (code) => isDialSign(code) && code !== PLUS);
}

function isMadeOf(text: string, belongs: (code: number) => boolean): boolean {
  for (let index = 0; index < text.length; index += 1) if (!belongs(text.charCodeAt(index))) return false;
  return true;
}

const PLUS = 0x2b;

/** Of ASCII only: digits of other scripts are refused, not read. */
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isDialSign(code: number): boolean {
  return isDigit(code) || code === PLUS || code === 0x2a || code === 0x23;
}

/** Letters, digits and the marks that account names are made of; nothing that a log or a URI reads as its own. */
function isNameCharacter(code: number): boolean {
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isLetter || isDigit(code) || nameMarks.has(String.fromCharCode(code));
}

const nameMarks: ReadonlySet<string> = new Set(['-', '_', '.', '+', '~', '*', '#', '!']);
