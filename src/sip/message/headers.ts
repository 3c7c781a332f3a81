// The header fields of one message: an immutable ordered list (RFC 3261 §7.3). Names are stored in their canonical
// spelling, values unfolded and trimmed. No value holds CR, LF or NUL, so that what is serialised cannot grow fields.
import { SbcError } from '../../core/errors.ts';
import { canonicalName, isCommaSeparated, isHeaderName } from './header-names.ts';
import { splitCommas } from './split.ts';

type Reader<T> = (headers: Headers) => T;

export class Headers {
  static readonly empty: Headers = new Headers([], []);

  readonly #names: readonly string[];
  readonly #values: readonly string[];
  /** Readers and what they returned, in turn; a message has few, so that a scan beats a Map. */
  #memo: unknown[] | undefined;

  private constructor(names: readonly string[], values: readonly string[]) {
    this.#names = names;
    this.#values = values;
  }

  /** Fields of our own making. Throws SbcError when a name is no token or a value holds CR, LF or NUL. */
  static of(...fields: readonly (readonly [name: string, value: string])[]): Headers {
    return new Headers(
      fields.map(([name]) => safeName(name)),
      fields.map(([, value]) => safeValue(value)),
    );
  }

  /** For the parser only: names are canonical, values clean, and both arrays are handed over. */
  static fromParsed(names: readonly string[], values: readonly string[]): Headers {
    return new Headers(names, values);
  }

  /** How many header fields there are. */
  get size(): number {
    return this.#names.length;
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const index = this.#names.indexOf(canonicalName(name));
    return index < 0 ? undefined : this.#values[index];
  }

  /** The value of each field of that name, commas and all. */
  all(name: string): readonly string[] {
    const canonical = canonicalName(name);
    return this.#values.filter((_, index) => this.#names[index] === canonical);
  }

  /** Each value of a comma-separated header; of the names whose commas are text (Authorization, Date …), each field whole. */
  values(name: string): readonly string[] {
    const canonical = canonicalName(name);
    const fields = this.all(canonical);
    return isCommaSeparated(canonical) ? fields.flatMap(splitCommas) : fields;
  }

  has(name: string): boolean {
    return this.#names.includes(canonicalName(name));
  }

  /** How many fields of that name there are. */
  count(name: string): number {
    const canonical = canonicalName(name);
    let count = 0;
    for (const each of this.#names) if (each === canonical) count += 1;
    return count;
  }

  /** The name of each field in order; a repeated one repeats. */
  names(): Iterable<string> {
    return this.#names;
  }

  *entries(): Iterable<readonly [name: string, value: string]> {
    for (const [index, name] of this.#names.entries()) yield [name, this.#values[index] ?? ''];
  }

  /** Calls `visit` for each field in order. */
  forEach(visit: (name: string, value: string) => void): void {
    for (let index = 0; index < this.#names.length; index += 1)
      visit(this.#names[index] ?? '', this.#values[index] ?? '');
  }

  /** All fields of that name replaced by these, at the first one's place, else at the end. */
  with(name: string, ...values: readonly string[]): Headers {
    const canonical = safeName(name);
    const first = this.#names.indexOf(canonical);
    const kept = first < 0 ? this : this.without(canonical);
    return kept.#inserted(first < 0 ? kept.size : first, canonical, values);
  }

  /** A field more, at the end. */
  append(name: string, value: string): Headers {
    return this.#inserted(this.size, safeName(name), [value]);
  }

  /** A field more, above the first of that name, else at the top. */
  prepend(name: string, value: string): Headers {
    const canonical = safeName(name);
    return this.#inserted(Math.max(0, this.#names.indexOf(canonical)), canonical, [value]);
  }

  without(name: string): Headers {
    const canonical = canonicalName(name);
    const isKept = (_: string, index: number): boolean => this.#names[index] !== canonical;
    return new Headers(this.#names.filter(isKept), this.#values.filter(isKept));
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
    if (this.#memo === undefined) this.#memo = [read, value];
    else this.#memo.push(read, value);
    return value;
  }

  #inserted(index: number, name: string, values: readonly string[]): Headers {
    return new Headers(
      this.#names.toSpliced(index, 0, ...values.map(() => name)),
      this.#values.toSpliced(index, 0, ...values.map(safeValue)),
    );
  }
}

function safeName(name: string): string {
  if (!isHeaderName(name)) throw new SbcError('sip-header-name-unsafe', 'a header name must be a token', { name });
  return canonicalName(name);
}

function safeValue(value: string): string {
  if (value.includes('\r') || value.includes('\n') || value.includes('\0')) {
    throw new SbcError('sip-header-value-unsafe', 'a header value must not hold CR, LF or NUL');
  }
  return value.trim();
}
