// Text in columns of a terminal: what a peer sent is made harmless, and everything is as wide as it is meant to be.
import { printable } from '../printable.ts';

/** Columns that a text takes: none for marks that combine, two for wide letters (Unicode, East Asian Width W and F). */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

/** Exactly `width` columns: cut with a `~`, or filled with blanks. */
export function fitted(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = clipped(printable(text), width);
  const blanks = ' '.repeat(Math.max(0, width - widthOf(shown)));
  return align === 'left' ? shown + blanks : blanks + shown;
}

/** At most `width` columns. */
export function clipped(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let used = 0;
  for (const character of text) {
    const more = widthOfCharacter(character);
    if (used + more > width - 1) break;
    kept += character;
    used += more;
  }
  return `${kept}~`;
}

function widthOfCharacter(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (/\p{M}/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
