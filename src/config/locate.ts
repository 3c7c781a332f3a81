// Where a key stands in a TOML file: line and column of each path, so that an error of the schema points at the text.
// It reads only keys and table headers; the TOML parser has already accepted the file.

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export type Path = readonly (string | number)[];

/** Finds the position of the longest known beginning of a path. */
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
  #line = 1;
  #lineStart = 0;
  #table: Path = [];

  constructor(source: string, onKey: (path: Path, position: Position) => void) {
    this.#source = source;
    this.#onKey = onKey;
  }

  run(): void {
    while (this.#index < this.#source.length) {
      this.#skipBlank();
      const character = this.#source[this.#index];
      if (character === undefined) return;
      if (character === '[') this.#header();
      else this.#assignment();
    }
  }

  #header(): void {
    const position = this.#position();
    const isArray = this.#source.startsWith('[[', this.#index);
    this.#index += isArray ? 2 : 1;
    const path = this.#resolve(this.#key(']'), isArray);
    this.#table = path;
    this.#onKey(path, position);
    this.#skipLine();
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

  #assignment(): void {
    const position = this.#position();
    const path = [...this.#table, ...this.#key('=')];
    this.#onKey(path, position);
    this.#value(path);
  }

  /** Dotted and quoted parts up to `end`, which is passed over. */
  #key(end: string): readonly string[] {
    const parts: string[] = [];
    let part = '';
    for (; this.#index < this.#source.length; this.#index += 1) {
      const character = this.#source.charAt(this.#index);
      if (character === end || character === '\n') break;
      if (character === '.') {
        parts.push(part.trim());
        part = '';
      } else if (character === '"' || character === "'") {
        const close = this.#source.indexOf(character, this.#index + 1);
        part = this.#source.slice(this.#index + 1, close);
        this.#index = close;
      } else {
        part += character;
      }
    }
    this.#index += 1;
    return [...parts, part.trim()];
  }

  /** Passes over a value; elements of an array get the position where they begin. */
  #value(path: Path): void {
    let depth = 0;
    let element = 0;
    let expectsElement = false;
    for (; this.#index < this.#source.length; this.#index += 1) {
      const character = this.#source.charAt(this.#index);
      if (character === '\n') {
        this.#newLine();
        if (depth === 0) {
          this.#index += 1;
          return;
        }
        continue;
      }
      if (character === '#') {
        this.#index = this.#endOfLine() - 1;
        continue;
      }
      if (character === ']' || character === '}') depth -= 1;
      else if (expectsElement && depth === 1 && character.trim() !== '' && character !== ',') {
        this.#onKey([...path, element], this.#position());
        expectsElement = false;
      }
      if (character === '[' || character === '{') {
        depth += 1;
        if (depth === 1 && character === '[') expectsElement = true;
      } else if (character === ',' && depth === 1) {
        element += 1;
        expectsElement = true;
      } else if (character === '"' || character === "'") {
        this.#string(character);
      }
    }
  }

  /** Leaves the index on the last quote. */
  #string(quote: string): void {
    const triple = quote.repeat(3);
    const isLong = this.#source.startsWith(triple, this.#index);
    const end = isLong ? triple : quote;
    this.#index += end.length;
    while (this.#index < this.#source.length && !this.#source.startsWith(end, this.#index)) {
      if (this.#source[this.#index] === '\\' && quote === '"') this.#index += 1;
      if (this.#source[this.#index] === '\n') this.#newLine();
      this.#index += 1;
    }
    this.#index += end.length - 1;
  }

  #skipBlank(): void {
    for (; this.#index < this.#source.length; this.#index += 1) {
      const character = this.#source.charAt(this.#index);
      if (character === '\n') this.#newLine();
      else if (character === '#') this.#index = this.#endOfLine() - 1;
      else if (character.trim() !== '') return;
    }
  }

  #skipLine(): void {
    this.#index = this.#endOfLine();
  }

  #endOfLine(): number {
    const end = this.#source.indexOf('\n', this.#index);
    return end < 0 ? this.#source.length : end;
  }

  #newLine(): void {
    this.#line += 1;
    this.#lineStart = this.#index + 1;
  }

  #position(): Position {
    return { line: this.#line, column: this.#index - this.#lineStart + 1 };
  }
}

function textOf(path: Path): string {
  return JSON.stringify(path);
}
