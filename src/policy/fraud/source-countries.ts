// Which country the network of an address is in, by a table that the operator gives. Kept as sorted numbers: some hundred thousand
// blocks in a few megabytes. Of IPv6 the upper 64 bits count, as for every other count of sources.
import { type Cidr, parseCidr } from '../../core/cidr.ts';
import { err, ok, type Result } from '../../core/result.ts';

/** Blocks of a file; more are a mistake. */
export const maxBlocks = 1_000_000;

interface Block {
  readonly first: bigint;
  readonly last: bigint;
  readonly country: string;
}

export class SourceCountries {
  readonly #v4: BlockTable;
  readonly #v6: BlockTable;

  private constructor(v4: BlockTable, v6: BlockTable) {
    this.#v4 = v4;
    this.#v6 = v6;
  }

  /** Reads lines of `ADDRESS/LENGTH,COUNTRY` (ISO 3166), in any order. Errors name the line. */
  static parse(text: string): Result<SourceCountries, string> {
    const blocks: Record<4 | 6, Block[]> = { 4: [], 6: [] };
    let number = 0;
    let count = 0;
    for (let begin = 0; begin < text.length; ) {
      const newline = text.indexOf('\n', begin);
      const end = newline < 0 ? text.length : newline;
      const line = text.slice(begin, end).trim();
      begin = end + 1;
      number += 1;
      if (line === '' || line.startsWith('#')) continue;
      count += 1;
      if (count > maxBlocks) return err(`line ${number}: more than ${maxBlocks} networks`);
      const comma = line.indexOf(',');
      const country = line.slice(comma + 1).trim();
      const cidr = parseCidr(line.slice(0, Math.max(0, comma)).trim());
      if (!cidr.ok || !/^[A-Z]{2}$/.test(country)) {
        return err(`line ${number}: expected "ADDRESS/LENGTH,COUNTRY", got "${line.slice(0, 60)}"`);
      }
      blocks[cidr.value.family].push({ ...spanOf(cidr.value), country });
    }
    const v4 = BlockTable.of(blocks[4]);
    const v6 = BlockTable.of(blocks[6]);
    return v4 === undefined || v6 === undefined
      ? err('two networks overlap: each address must be in one')
      : ok(new SourceCountries(v4, v6));
  }

  /** Undefined for an address that is in no block. */
  of(address: string): string | undefined {
    const cidr = parseCidr(address);
    if (!cidr.ok) return undefined;
    return (cidr.value.family === 4 ? this.#v4 : this.#v6).find(spanOf(cidr.value).first);
  }
}

class BlockTable {
  readonly #firsts: BigUint64Array;
  readonly #lasts: BigUint64Array;
  readonly #countries: readonly string[];

  constructor(firsts: BigUint64Array, lasts: BigUint64Array, countries: readonly string[]) {
    this.#firsts = firsts;
    this.#lasts = lasts;
    this.#countries = countries;
  }

  /** Undefined when two overlap. */
  static of(blocks: readonly Block[]): BlockTable | undefined {
    const sorted = blocks.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
    const overlaps = sorted.some(({ first }, index) => {
      const before = sorted[index - 1];
      return before !== undefined && before.last >= first;
    });
    if (overlaps) return undefined;
    return new BlockTable(
      BigUint64Array.from(sorted, ({ first }) => first),
      BigUint64Array.from(sorted, ({ last }) => last),
      sorted.map(({ country }) => country),
    );
  }

  find(address: bigint): string | undefined {
    let low = 0;
    let high = this.#firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#firsts[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const last = this.#lasts[low - 1];
    return last === undefined || address > last ? undefined : this.#countries[low - 1];
  }
}

function spanOf({ family, bits, length }: Cidr): Pick<Block, 'first' | 'last'> {
  if (family === 4) return { first: bits, last: bits | ((1n << BigInt(32 - length)) - 1n) };
  const upper = bits >> 64n;
  return { first: upper, last: upper | ((1n << BigInt(Math.max(0, 64 - length))) - 1n) };
}
