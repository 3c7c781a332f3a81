// Where lines and header fields end: at a CRLF that SP or HTAB does not follow (RFC 3261 §7.3.1). The parser, the framer
// and the answer to a bad request all cut here, so that no two of them can disagree on what is a field.
import { codeAt, isSpace, skipClass, skipSpace, TOKEN, trimEnd, trimSpace } from './characters.ts';
import type { HeaderField } from './headers.ts';
import { Source } from './source.ts';

const COLON = 0x3a;

/** A header field, folds and all. */
export interface FieldLine {
  /** The index after the name; that of the field's start when it has none. */
  readonly nameEnd: number;
  /** The index after the colon, which spaces may precede; -1 when there is none. */
  readonly valueStart: number;
  /** The index of the CRLF that ends the field. */
  readonly end: number;
  /** No lone CR and no lone LF in it, and a CRLF at its end. */
  readonly isClean: boolean;
  readonly isFolded: boolean;
}

/** The field that starts at `start` of a header section, which ends in CRLF. (`indexOf` is memchr: faster than a loop.) */
export function scanField({ codes, text }: Source, start: number): FieldLine {
  const { length } = text;
  const nameEnd = skipClass(TOKEN, codes, start, length);
  const colon = skipSpace(codes, nameEnd, length);
  const valueStart = codeAt(codes, colon, length) === COLON ? colon + 1 : -1;
  let isFolded = false;
  for (let from = nameEnd; ; ) {
    const end = text.indexOf('\r', from);
    const lineFeed = text.indexOf('\n', from);
    if (end < 0 || lineFeed !== end + 1) return spoiled(text, start, nameEnd, valueStart);
    if (!isSpace(codeAt(codes, lineFeed + 1, length))) return { nameEnd, valueStart, end, isClean: true, isFolded };
    isFolded = true;
    from = lineFeed + 1;
  }
}

/** A field with a lone CR or LF reaches to the next whole CRLF; what folds it or not is of no interest any more. */
function spoiled(text: string, start: number, nameEnd: number, valueStart: number): FieldLine {
  const end = text.indexOf('\r\n', start);
  return { nameEnd, valueStart, end: end < 0 ? text.length : end, isClean: false, isFolded: false };
}

/** The index of the CRLF that ends the first line, or -1 when a lone CR or LF stands before it. */
export function firstLineEnd(text: string): number {
  const end = text.indexOf('\r');
  return end >= 0 && text.indexOf('\n') === end + 1 ? end : -1;
}

/** The field called `name` that was found at `line`: its value trimmed and unfolded. */
export function fieldOf(name: string, source: Source, line: FieldLine): HeaderField {
  const { codes, text } = source;
  const start = skipSpace(codes, line.valueStart, line.end);
  const end = trimEnd(codes, start, line.end);
  if (!line.isFolded) return { name, source, start, end };
  const value = unfold(text.slice(start, end));
  return { name, source: new Source(value), start: 0, end: value.length };
}

/** Each fold as one space, also inside a quoted string (RFC 3261 §25.1, LWS). */
function unfold(value: string): string {
  return value
    .split('\r\n')
    .map(trimSpace)
    .filter((line) => line !== '')
    .join(' ');
}
