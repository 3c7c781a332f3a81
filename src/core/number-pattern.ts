// Patterns of numbers and names in the configuration. One pass over the text and no way back: a pattern is a row of sets of
// characters, open at its end at most, so that no input can make it slow.
//   600        exactly that        +44*     what begins so         200-299   a range of numbers of one length
//   6??        any two characters  [2-9]*   one of a set, then anything  *       everything
// `x` is the letter, as names have it; `*` is a wildcard at the end only, since service codes begin with it.
import { err, ok, type Result } from './result.ts';

export interface NumberPattern {
  readonly text: string;
  /** What the open end stands for ('' without one); undefined when the text does not match. */
  match(text: string): string | undefined;
}

export const maxPatternLength = 128;

/** Errors are for whoever wrote the pattern. */
export function parseNumberPattern(text: string): Result<NumberPattern, string> {
  if (text === '' || text.length > maxPatternLength) return err(`expected 1 to ${maxPatternLength} characters`);
  const range = rangeOf(text);
  if (range !== undefined) return range;
  const isOpen = text.endsWith('*');
  const sets = setsOf(isOpen ? text.slice(0, -1) : text);
  if (!sets.ok) return sets;
  return ok({ text, match: (other) => matchSets(sets.value, isOpen, other) });
}

/** The pattern that matches everything. */
export const anyNumber: NumberPattern = { text: '*', match: (text) => text };

/** First and last code unit of each stretch of a set. */
type CharacterSet = readonly (readonly [first: number, last: number])[];

function matchSets(sets: readonly CharacterSet[], isOpen: boolean, text: string): string | undefined {
  if (text.length < sets.length || (!isOpen && text.length > sets.length)) return undefined;
  for (const [index, set] of sets.entries()) {
    const code = text.charCodeAt(index);
    if (!set.some(([first, last]) => code >= first && code <= last)) return undefined;
  }
  return text.slice(sets.length);
}

function rangeOf(text: string): Result<NumberPattern, string> | undefined {
  const [first = '', last = '', ...rest] = text.split('-');
  if (rest.length > 0 || !isNumber(first) || !isNumber(last)) return undefined;
  if (first.length !== last.length || first > last || first.startsWith('+') !== last.startsWith('+')) {
    return err('expected a range of numbers of the same length, the lower one first, such as "200-299"');
  }
  // Digits of one length are in the order of their text.
  const isIn = (other: string): boolean => other.length === first.length && other >= first && other <= last;
  return ok({ text, match: (other) => (isIn(other) && isNumber(other) ? '' : undefined) });
}

function setsOf(text: string): Result<readonly CharacterSet[], string> {
  const sets: CharacterSet[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (character === ']') return err('there is a "]" without its "["');
    if (character === '?') sets.push([[0, 0xffff]]);
    else if (character === '[') {
      const end = text.indexOf(']', index);
      const set = end < 0 ? undefined : setOf(text.slice(index + 1, end));
      if (set === undefined) return err('expected digits or letters between "[" and "]", such as "[2-9]"');
      sets.push(set);
      index = end;
    } else {
      const code = text.charCodeAt(index);
      sets.push([[code, code]]);
    }
  }
  return ok(sets);
}

function setOf(text: string): CharacterSet | undefined {
  const stretches: (readonly [number, number])[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const isStretch = text[index + 1] === '-' && index + 2 < text.length;
    const first = text.charCodeAt(index);
    const last = isStretch ? text.charCodeAt(index + 2) : first;
    if (!isAlphanumeric(first) || !isAlphanumeric(last) || first > last) return undefined;
    stretches.push([first, last]);
    if (isStretch) index += 2;
  }
  return stretches.length === 0 ? undefined : stretches;
}

/** Digits, with one "+" in front at most. */
function isNumber(text: string): boolean {
  const start = text.startsWith('+') ? 1 : 0;
  for (let index = start; index < text.length; index += 1) if (!isDigit(text.charCodeAt(index))) return false;
  return text.length > start;
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
