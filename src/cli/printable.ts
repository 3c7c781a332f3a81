// What peers wrote, such as a contact or a User-Agent, as a terminal may be shown it: what it would obey is spelled out, not done.
import type { Terminal } from './command.ts';

/** Of one line: line ends are spelled out too. */
export function printable(text: string): string {
  return text.replaceAll(obeyed, escaped);
}

/** A terminal that is told nothing that it would obey but line ends and tabs, whoever wrote the text. */
export function plainTerminal(terminal: Terminal): Terminal {
  return {
    out: (text) => terminal.out(plain(text)),
    error: (text) => terminal.error(plain(text)),
    askSecret: (question) => terminal.askSecret(question),
    // Who draws makes each text harmless by itself: what moves the cursor would not be left of a frame.
    screen: () => terminal.screen(),
  };
}

function plain(text: string): string {
  return text.replaceAll(obeyed, (character, at: number) => {
    const stays = character === '\n' || character === '\t' || (character === '\r' && text[at + 1] === '\n');
    return stays ? character : escaped(character);
  });
}

/** Control characters (C0, DEL, C1) and formatting that is not seen: directions of writing, joiners, tags. */
const obeyed = /[\p{Cc}\p{Cf}]/gu;

/** As JSON does, in units of UTF-16: a reader of JSON sees the same text. */
function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, unit) => {
    return `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  }).join('');
}
