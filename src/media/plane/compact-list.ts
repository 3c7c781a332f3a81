// Plain values one after the other, as messages between the threads of the plane are written: a list of them is cloned several times as
// fast as objects with names. Whoever reads asks for them in the order in which they were written.
import { SbcError } from '../../core/errors.ts';

export type CompactValue = number | string | boolean | undefined | Uint8Array;
export type CompactList = readonly CompactValue[];

export function isCompactList(message: unknown): message is CompactList {
  return Array.isArray(message);
}

/** Every method throws `SbcError` where another kind of value stands: writer and reader do not agree. */
export class CompactReader {
  readonly #values: CompactList;
  #at = 0;

  constructor(values: CompactList) {
    this.#values = values;
  }

  number(): number {
    const value = this.#next();
    return typeof value === 'number' ? value : mismatch('a number', value);
  }

  optionalNumber(): number | undefined {
    const value = this.#next();
    return value === undefined || typeof value === 'number' ? value : mismatch('a number or nothing', value);
  }

  text(): string {
    const value = this.#next();
    return typeof value === 'string' ? value : mismatch('text', value);
  }

  optionalText(): string | undefined {
    const value = this.#next();
    return value === undefined || typeof value === 'string' ? value : mismatch('text or nothing', value);
  }

  flag(): boolean {
    const value = this.#next();
    return typeof value === 'boolean' ? value : mismatch('a flag', value);
  }

  bytes(): Uint8Array {
    const value = this.#next();
    return value instanceof Uint8Array ? value : mismatch('bytes', value);
  }

  #next(): CompactValue {
    this.#at += 1;
    return this.#values[this.#at - 1];
  }
}

/** Never with the value, which may be a key. */
function mismatch(expected: string, value: CompactValue): never {
  throw new SbcError('media-compact-list', `expected ${expected}, got ${typeof value}`);
}
