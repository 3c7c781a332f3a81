// What a terminal sends, as keys: letters are themselves, the rest has names. Sequences are those of xterm and the VT220.

export type Key = { readonly kind: 'letter'; readonly text: string } | { readonly kind: KeyName };

export type KeyName =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'tab'
  | 'back-tab'
  | 'backspace'
  | 'clear'
  | 'interrupt'
  | 'redraw';

/** The keys of one piece of input. A sequence that nobody knows is no key. */
export function keysOf(input: string): readonly Key[] {
  const keys: Key[] = [];
  let rest = input;
  while (rest !== '') {
    const sequence = rest.startsWith(escapeCode)
      ? /^(?:\[[0-?]*[ -/]*[@-~]|O[A-Za-z])/.exec(rest.slice(1))?.[0]
      : undefined;
    const taken = sequence === undefined ? (Array.from(rest)[0] ?? '') : escapeCode + sequence;
    rest = rest.slice(taken.length);
    const name = names.get(taken);
    if (name !== undefined) keys.push({ kind: name });
    else if (sequence === undefined && /^[^\p{C}]$/u.test(taken)) keys.push({ kind: 'letter', text: taken });
  }
  return keys;
}

const escapeCode = '\u001b';

const names: ReadonlyMap<string, KeyName> = new Map([
  ['\u001b[A', 'up'],
  ['\u001bOA', 'up'],
  ['\u001b[B', 'down'],
  ['\u001bOB', 'down'],
  ['\u001b[C', 'right'],
  ['\u001bOC', 'right'],
  ['\u001b[D', 'left'],
  ['\u001bOD', 'left'],
  ['\u001b[5~', 'page-up'],
  ['\u001b[6~', 'page-down'],
  ['\u001b[H', 'home'],
  ['\u001bOH', 'home'],
  ['\u001b[1~', 'home'],
  ['\u001b[F', 'end'],
  ['\u001bOF', 'end'],
  ['\u001b[4~', 'end'],
  ['\u001b[Z', 'back-tab'],
  ['\u001b', 'escape'],
  ['\r', 'enter'],
  ['\n', 'enter'],
  ['\t', 'tab'],
  ['\u007f', 'backspace'],
  ['\b', 'backspace'],
  ['\u0015', 'clear'],
  ['\u0003', 'interrupt'],
  ['\u000c', 'redraw'],
]);
