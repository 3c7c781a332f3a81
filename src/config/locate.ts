// Where a key stands in a TOML file: line and column of each path, so that an error of the schema points at the text.
// It reads only what it must to know where keys and values begin; the TOML parser has already accepted the file.

export interface Position {
  /** Both from 1; a column counts UTF-16 units, as editors do. */
  readonly line: number;
  readonly column: number;
}

export type Path = readonly (string | number)[];

/** Finds the position of the longest known beginning of a path: a key, an element of an array, or the header of a table. */
export class KeyPositions {
  readonly #positions = new Map<string, Position>();

  constructor(source: string) {
    new Scanner(source, (path, position) => {
      const key = textOf(path);
      if (!this.#positions.has(key)) this.#positions.set(key, position);
    }).run();
  }

  find(path: Path): Position {
    for (let length = path.length; length > 0; length -= 1) {
      const position = this.#positions.get(textOf(path.slice(0, length)));
      if (position !== undefined) return position;
    }
    return { line: 1, column: 1 };
  }
}

class Scanner {
  readonly #source: string;
  readonly #onKey: (path: Path, position: Position) => void;
  /** How many tables each array of tables has had so far. */
  readonly #counts = new Map<string, number>();
  #index = 0;
  /** Of the last position that was told; the way from there is counted when the next one is. */
  #counted = { index: 0, line: 1, lineStart: 0 };
  #table: Path = [];

  constructor(source: string, onKey: (path: Path, position: Position) => void) {
    this.#source = source;
    this.#onKey = onKey;
  }

  run(): void {
    for (this.#skipBlank(); this.#index < this.#source.length; this.#skipBlank()) {
      const before = this.#index;
      if (this.#character === '[') this.#header();
      else this.#assignment(this.#table);
      // What no parser accepts must not keep us here.
      if (this.#index === before) return;
    }
  }

  get #character(): string {
    return this.#source.charAt(this.#index);
  }

  #header(): void {
    const position = this.#position();
    const isArray = this.#source.startsWith('[[', this.#index);
    this.#index += isArray ? 2 : 1;
    this.#table = this.#resolve(this.#key(), isArray);
    this.#onKey(this.#table, position);
    this.#index += isArray ? 2 : 1;
  }

  /** Names of arrays of tables stand for their last table; the header of an array opens another one. */
  #resolve(names: readonly string[], opensTable: boolean): Path {
    const path: (string | number)[] = [];
    for (const [order, name] of names.entries()) {
      path.push(name);
      const count = this.#counts.get(textOf(path));
      const isLast = order === names.length - 1;
      if (isLast && opensTable) {
        this.#counts.set(textOf(path), (count ?? 0) + 1);
        path.push(count ?? 0);
      } else if (count !== undefined) {
        path.push(count - 1);
      }
    }
    return path;
  }

  #assignment(table: Path): void {
    const position = this.#position();
    const names = this.#key();
    const path = [...table, ...names];
    // `a.b = 1` begins the table `a` as well.
    for (let length = table.length + 1; length <= path.length; length += 1) {
      this.#onKey(path.slice(0, length), position);
    }
    this.#index += 1;
    this.#skipBlank();
    this.#value(path);
  }

  /** Bare, quoted and dotted parts; stops at the `=` or `]` behind them. */
  #key(): readonly string[] {
    const parts: string[] = [];
    for (;;) {
      this.#skipBlank();
      const start = this.#index;
      if (this.#character === '"' || this.#character === "'") parts.push(this.#quotedKey());
      else {
        while (isBare(this.#character)) this.#index += 1;
        parts.push(this.#source.slice(start, this.#index));
      }
      this.#skipBlank();
      if (this.#character !== '.') return parts;
      this.#index += 1;
    }
  }

  #quotedKey(): string {
    const start = this.#index;
    this.#skipString();
    const inner = this.#source.slice(start + 1, this.#index - 1);
    return this.#source[start] === '"' ? unescaped(inner) : inner;
  }

  /** Leaves the index behind the value. */
  #value(path: Path): void {
    switch (this.#character) {
      case '[':
        this.#items(']', (order) => {
          this.#onKey([...path, order], this.#position());
          this.#value([...path, order]);
        });
        break;
      case '{':
        this.#items('}', () => this.#assignment(path));
        break;
      case '"':
      case "'":
        this.#skipString();
        break;
      default:
        while (this.#index < this.#source.length && !endsScalar.has(this.#character)) this.#index += 1;
    }
  }

  /** What stands between brackets, separated by commas. */
  #items(close: string, item: (order: number) => void): void {
    this.#index += 1;
    for (let order = 0; ; order += 1) {
      this.#skipBlank();
      if (this.#index >= this.#source.length || this.#character === close) break;
      const before = this.#index;
      item(order);
      this.#skipBlank();
      if (this.#character === ',') this.#index += 1;
      else if (this.#index === before) break;
    }
    this.#index += 1;
  }

  #skipString(): void {
    const quote = this.#character;
    const end = this.#source.startsWith(quote.repeat(3), this.#index) ? quote.repeat(3) : quote;
    this.#index += end.length;
    while (this.#index < this.#source.length && !this.#source.startsWith(end, this.#index)) {
      this.#index += quote === '"' && this.#character === '\\' ? 2 : 1;
    }
    this.#index += end.length;
    // A long string may end in one or two quotes of its own.
    while (end.length === 3 && this.#character === quote) this.#index += 1;
  }

  #skipBlank(): void {
    for (;;) {
      while (blank.has(this.#character)) this.#index += 1;
      if (this.#character !== '#') return;
      const end = this.#source.indexOf('\n', this.#index);
      this.#index = end < 0 ? this.#source.length : end;
    }
  }

  #position(): Position {
    let { index, line, lineStart } = this.#counted;
    for (let next = this.#nextLine(index); next >= 0 && next < this.#index; next = this.#nextLine(index)) {
      index = next + 1;
      line += 1;
      lineStart = index;
    }
    this.#counted = { index, line, lineStart };
    return { line, column: this.#index - lineStart + 1 };
  }

  #nextLine(from: number): number {
    return this.#source.indexOf('\n', from);
  }
}

const blank: ReadonlySet<string> = new Set([' ', '\t', '\r', '\n']);
const endsScalar: ReadonlySet<string> = new Set([',', ']', '}', '#', '\r', '\n']);

function isBare(character: string): boolean {
  return /^[A-Za-z0-9_-]$/.test(character);
}

/** The escapes that a key may hold; JSON has nearly the same ones. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g,
    (_, ...groups: unknown[]) => {
      const [short, long, byte, letter] = groups.map((group) => (typeof group === 'string' ? group : ''));
      const digits = `${short}${long}${byte}`;
      if (digits === '') return letters.get(letter ?? '') ?? letter ?? '';
      const code = Number.parseInt(digits, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    },
  );
}

const letters: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['t', '\t'],
  ['n', '\n'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\u001b'],
]);

function textOf(path: Path): string {
  return JSON.stringify(path);
}
