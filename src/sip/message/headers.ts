// The header fields of one message: an immutable ordered list (RFC 3261 §7.3). Names are stored in their canonical
// spelling, values unfolded and trimmed. No value holds CR, LF or NUL, so that what is serialised cannot grow fields.
import { SbcError } from '../../core/errors.ts';
import { isMadeOf, TOKEN, trimSpace } from './characters.ts';
import { canonicalName, headerName } from './header-names.ts';
import { Source } from './source.ts';
import { splitCommas } from './split.ts';

/** One field. Its value stands in [start, end), trimmed and unfolded; a parsed one in the whole header section. */
export interface HeaderField {
  /** Canonical. */
  readonly name: string;
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

type Reader<T> = (headers: Headers) => T;
/** Reads what stands in [start, end). */
type FieldReader<T> = (source: Source, start: number, end: number) => T;

export class Headers {
  static readonly empty: Headers = new Headers([]);

  readonly #fields: readonly HeaderField[];
  /** Readers and what they returned, in turn; a message has few, so that a scan beats a Map. */
  #memo: unknown[] | undefined;

  private constructor(fields: readonly HeaderField[]) {
    this.#fields = fields;
  }

  /** Fields of our own making. Throws SbcError when a name is no token or a value holds CR, LF or NUL. */
  static of(...fields: readonly (readonly [name: string, value: string])[]): Headers {
    return new Headers(fields.map(([name, value]) => fieldOf(safeName(name), value)));
  }

  /** For the parser only: names are canonical, values clean, and the array is handed over. */
  static fromParsed(fields: readonly HeaderField[]): Headers {
    return new Headers(fields);
  }

  /** How many header fields there are. */
  get size(): number {
    return this.#fields.length;
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const field = this.#fields[this.indexOf(canonicalName(name), 0)];
    return field === undefined ? undefined : fieldValue(field);
  }

  /** The value of each field of that name, commas and all. */
  all(name: string): readonly string[] {
    const canonical = canonicalName(name);
    const values: string[] = [];
    for (const field of this.#fields) if (field.name === canonical) values.push(fieldValue(field));
    return values;
  }

  /** Each value of a comma-separated header; of the names whose commas are text (Authorization, Date …), each field whole. */
  values(name: string): readonly string[] {
    const { canonical, isCommaSeparated } = headerName(name);
    const fields = this.all(canonical);
    return isCommaSeparated ? fields.flatMap(splitCommas) : fields;
  }

  has(name: string): boolean {
    return this.indexOf(canonicalName(name), 0) >= 0;
  }

  /** How many fields of that name there are. */
  count(name: string): number {
    const canonical = canonicalName(name);
    let count = 0;
    for (const field of this.#fields) if (field.name === canonical) count += 1;
    return count;
  }

  /** The name of each field in order; a repeated one repeats. */
  names(): Iterable<string> {
    return this.#fields.map((field) => field.name);
  }

  entries(): Iterable<readonly [name: string, value: string]> {
    return this;
  }

  /** Also what makes two Headers comparable in tests, where private fields are invisible. */
  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (const field of this.#fields) yield [field.name, fieldValue(field)];
  }

  /** Calls `visit` for each field in order. */
  forEach(visit: (name: string, value: string) => void): void {
    for (const field of this.#fields) visit(field.name, fieldValue(field));
  }

  /** All fields of that name replaced by these, at the first one's place, else at the end. */
  with(name: string, ...values: readonly string[]): Headers {
    const canonical = safeName(name);
    const first = this.indexOf(canonical, 0);
    const kept = this.#fields.filter((field) => field.name !== canonical);
    const added = values.map((value) => fieldOf(canonical, value));
    return new Headers(kept.toSpliced(first < 0 ? kept.length : first, 0, ...added));
  }

  /** The field at an index that `indexOf` gave with another value; the others are shared. */
  replaced(index: number, value: string): Headers {
    return new Headers(this.#fields.with(index, fieldOf(this.at(index).name, value)));
  }

  /** A field more, at the end. */
  append(name: string, value: string): Headers {
    return new Headers([...this.#fields, fieldOf(safeName(name), value)]);
  }

  /** A field more, above the first of that name, else at the top. */
  prepend(name: string, value: string): Headers {
    const canonical = safeName(name);
    return new Headers(this.#fields.toSpliced(Math.max(0, this.indexOf(canonical, 0)), 0, fieldOf(canonical, value)));
  }

  without(name: string): Headers {
    const canonical = canonicalName(name);
    return new Headers(this.#fields.filter((field) => field.name !== canonical));
  }

  /** What `read` makes of the first field of that name, which is spelled canonically. */
  readFirst<T>(name: string, read: FieldReader<T>): T | undefined {
    const fields = this.#fields;
    for (let index = 0; index < fields.length; index += 1) {
      const field = fields[index];
      if (field !== undefined && field.name === name) return read(field.source, field.start, field.end);
    }
    return undefined;
  }

  /** The index, `from` or later, of a field of that name, which is spelled canonically, else -1. */
  indexOf(name: string, from: number): number {
    const fields = this.#fields;
    for (let index = from; index < fields.length; index += 1) if (fields[index]?.name === name) return index;
    return -1;
  }

  /** The field at an index that `indexOf` gave. */
  at(index: number): HeaderField {
    return this.#fields[index] ?? noField;
  }

  /** What `read` makes of these fields, computed once. `read` is a module-level function: its identity is the key. */
  once<T>(read: Reader<T>): T {
    const memo = this.#memo;
    if (memo !== undefined) {
      for (let index = 0; index < memo.length; index += 2) {
        // The slot after a reader holds what that same reader returned.
        if (memo[index] === read) return memo[index + 1] as T;
      }
    }
    const value = read(this);
    this.remember(read, value);
    return value;
  }

  /** What `read` would make of these fields is known already, and was not asked for yet. */
  remember<T>(read: Reader<T>, value: T): void {
    if (this.#memo === undefined) this.#memo = [read, value];
    else this.#memo.push(read, value);
  }
}

const noField: HeaderField = { name: '', source: new Source(''), start: 0, end: 0 };

function fieldValue({ source, start, end }: HeaderField): string {
  return source.text.slice(start, end);
}

function fieldOf(name: string, value: string): HeaderField {
  if (value.includes('\r') || value.includes('\n') || value.includes('\0')) {
    throw new SbcError('sip-header-value-unsafe', 'a header value must not hold CR, LF or NUL', { name });
  }
  const text = trimSpace(value);
  return { name, source: new Source(text), start: 0, end: text.length };
}

function safeName(name: string): string {
  if (!isMadeOf(TOKEN, name)) throw new SbcError('sip-header-name-unsafe', 'a header name must be a token', { name });
  return canonicalName(name);
}
