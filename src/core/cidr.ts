// Which entries of an address list cover an address: IPv4, IPv6 and IPv4-mapped IPv6 (RFC 4632, RFC 4291 §2.3, §2.5.5.2).
// Fails closed: what is not a numeric address (a name, a zone, garbage) is covered by nothing.
import { canonicalIPv6, isIPv4 } from './ip-address.ts';
import { err, ok, type Result } from './result.ts';

/** A block of addresses: those whose first `length` bits equal those of `bits`. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly length: number;
}

/** Reads `address` or `address/length`. Bits beyond the length are an error: they tell of a typing mistake. */
export function parseCidr(text: string): Result<Cidr, string> {
  const slash = text.indexOf('/');
  const written = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(written);
  if (address === undefined) return err(`expected a numeric address or address/length, got "${text}"`);
  const width = widths[address.family];
  const isMapped = address.family === 4 && written.includes(':');
  const writtenLength = slash < 0 ? (isMapped ? 128 : width) : parseLength(text.slice(slash + 1));
  const length = writtenLength === undefined ? -1 : writtenLength - (isMapped ? 96 : 0);
  if (length < 0 || length > width) {
    return err(`expected a prefix length from ${isMapped ? 96 : 0} to ${isMapped ? 128 : width} in "${text}"`);
  }
  if (prefixOf(address.bits, width, length) !== address.bits) {
    return err(`"${text}" has bits set beyond its prefix length of ${length}`);
  }
  return ok({ ...address, length });
}

/** Values by address block. A lookup returns those of every block that covers the address. */
export class CidrTable<T> {
  /** One table for each prefix length, the longest first. */
  readonly #tables: Readonly<Record<4 | 6, LengthTable<T>[]>> = { 4: [], 6: [] };

  add(cidr: Cidr, value: T): void {
    const tables = this.#tables[cidr.family];
    let table = tables.find(({ length }) => length === cidr.length);
    if (table === undefined) {
      table = { length: cidr.length, byPrefix: new Map() };
      tables.push(table);
      tables.sort((a, b) => b.length - a.length);
    }
    const values = table.byPrefix.get(cidr.bits);
    if (values === undefined) table.byPrefix.set(cidr.bits, [value]);
    else values.push(value);
  }

  /** The most specific block first; in one block, in the order they were added. */
  lookup(text: string): readonly T[] {
    const address = parseAddress(text);
    if (address === undefined) return [];
    const { family, bits } = address;
    return this.#tables[family].flatMap(
      ({ length, byPrefix }) => byPrefix.get(prefixOf(bits, widths[family], length)) ?? [],
    );
  }

  has(text: string): boolean {
    return this.lookup(text).length > 0;
  }
}

interface LengthTable<T> {
  readonly length: number;
  readonly byPrefix: Map<bigint, T[]>;
}

const widths = { 4: 32, 6: 128 } as const;

function prefixOf(bits: bigint, width: number, length: number): bigint {
  const rest = BigInt(width - length);
  return (bits >> rest) << rest;
}

function parseAddress(text: string): { readonly family: 4 | 6; readonly bits: bigint } | undefined {
  if (isIPv4(text)) return { family: 4, bits: bitsOfIPv4(text) };
  const canonical = canonicalIPv6(text);
  if (canonical === undefined || canonical.includes('%')) return undefined;
  // The canonical form keeps dots in IPv4-mapped addresses only, and those are the IPv4 address.
  if (canonical.includes('.')) return { family: 4, bits: bitsOfIPv4(canonical.slice(canonical.lastIndexOf(':') + 1)) };
  const [head = '', tail] = canonical.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...first, ...new Array<string>(8 - first.length - last.length).fill('0'), ...last];
  return { family: 6, bits: groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n) };
}

function bitsOfIPv4(text: string): bigint {
  return BigInt(text.split('.').reduce((bits, octet) => bits * 256 + Number(octet), 0));
}

function parseLength(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : undefined;
}
