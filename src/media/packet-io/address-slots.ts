// Socket addresses in packet memory, in the layout that Linux reads and writes, so that the receive path can compare and copy
// them as words.
//
//   sockaddr_in  (16)  | family u16 | port u16 be | IPv4 4 |            zero 8             |
//   sockaddr_in6 (28)  | family u16 | port u16 be | flow 4 |            IPv6 16            | scope 4 |
import { canonicalIPv6, ipVersion } from '../../core/ip-address.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { type Arena, ArenaError } from '../native/arena.ts';
import { AF_INET, AF_INET6 } from '../native/linux-abi.ts';
import { socketAddressBytes } from './packet-io.ts';

export class AddressSlots {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #first: number;
  readonly #count: number;
  readonly #free: Int32Array;
  readonly #taken: Uint8Array;
  #freeCount: number;

  constructor(arena: Arena, count: number) {
    this.#bytes = arena.bytes;
    this.#words = arena.words;
    this.#view = arena.view;
    this.#count = count;
    this.#first = arena.allocateTable(count * socketAddressBytes, socketAddressBytes);
    this.#free = new Int32Array(count);
    for (let index = 0; index < count; index += 1) this.#free[index] = count - 1 - index;
    this.#taken = new Uint8Array(count);
    this.#freeCount = count;
  }

  /** The offset of a zeroed slot. Throws `ArenaError` when none is left. */
  allocate(): number {
    if (this.#freeCount === 0)
      throw new ArenaError('addresses-exhausted', `all ${this.#count} address slots are in use`);
    this.#freeCount -= 1;
    const index = this.#free[this.#freeCount] ?? 0;
    this.#taken[index] = 1;
    const offset = this.#first + index * socketAddressBytes;
    this.#bytes.fill(0, offset, offset + socketAddressBytes);
    return offset;
  }

  /** Throws `ArenaError` for what is not an allocated slot. */
  release(offset: number): void {
    const index = (offset - this.#first) / socketAddressBytes;
    if (this.#taken[index] !== 1) throw new ArenaError('address-release', `no address slot is in use at ${offset}`);
    this.#taken[index] = 0;
    this.#free[this.#freeCount] = index;
    this.#freeCount += 1;
  }

  /** False when the address is not numeric or the port out of range; nothing is written then. */
  write(offset: number, { address, port }: SocketAddress): boolean {
    const version = ipVersion(address);
    if (version === undefined || address.includes('%')) return false;
    if (!Number.isInteger(port) || port < 0 || port > 65535) return false;
    this.#bytes.fill(0, offset, offset + socketAddressBytes);
    this.#view.setUint16(offset, version === 4 ? AF_INET : AF_INET6, true);
    this.#view.setUint16(offset + portAt, port);
    if (version === 4) this.#writeIPv4(offset + ipv4At, address);
    else this.#writeIPv6(offset + ipv6At, address);
    return true;
  }

  /** What stands at `offset`; an unknown family reads as `0.0.0.0:0`. */
  read(offset: number): SocketAddress {
    const port = this.#view.getUint16(offset + portAt);
    const family = this.#view.getUint16(offset, true);
    if (family === AF_INET)
      return { address: this.#bytes.subarray(offset + ipv4At, offset + ipv4At + 4).join('.'), port };
    if (family === AF_INET6) return { address: this.#readIPv6(offset + ipv6At), port };
    return { address: '0.0.0.0', port: 0 };
  }

  /** The same family, address and port. Scope and flow label do not count. */
  same(a: number, b: number): boolean {
    const words = this.#words;
    const left = a >> 2;
    const right = b >> 2;
    const head = words[left] ?? 0;
    if (head !== words[right]) return false;
    if ((head & 0xffff) === AF_INET) return words[left + 1] === words[right + 1];
    return (
      words[left + 2] === words[right + 2] &&
      words[left + 3] === words[right + 3] &&
      words[left + 4] === words[right + 4] &&
      words[left + 5] === words[right + 5]
    );
  }

  copy(from: number, to: number): void {
    this.#bytes.copyWithin(to, from, from + socketAddressBytes);
  }

  /** How many bytes of the slot the kernel is to be shown. */
  lengthAt(offset: number): number {
    return ((this.#words[offset >> 2] ?? 0) & 0xffff) === AF_INET ? sockaddrInBytes : sockaddrIn6Bytes;
  }

  #writeIPv4(offset: number, address: string): void {
    for (const [index, octet] of address.split('.').entries()) this.#bytes[offset + index] = Number(octet);
  }

  /** `address` was validated; a dotted tail becomes two groups, `::` as many zero groups as are missing. */
  #writeIPv6(offset: number, address: string): void {
    const [head = '', tail] = hexadecimal(address).split('::');
    const first = head === '' ? [] : head.split(':');
    const last = tail === undefined || tail === '' ? [] : tail.split(':');
    for (const [index, group] of first.entries()) this.#view.setUint16(offset + 2 * index, Number.parseInt(group, 16));
    const start = offset + 2 * (8 - last.length);
    for (const [index, group] of last.entries()) this.#view.setUint16(start + 2 * index, Number.parseInt(group, 16));
  }

  #readIPv6(offset: number): string {
    const groups = Array.from({ length: 8 }, (_, index) => this.#view.getUint16(offset + 2 * index).toString(16));
    return canonicalIPv6(groups.join(':')) ?? '::';
  }
}

export const sockaddrInBytes = 16;
export const sockaddrIn6Bytes = 28;
const portAt = 2;
const ipv4At = 4;
const ipv6At = 8;

function hexadecimal(address: string): string {
  if (!address.includes('.')) return address;
  const colon = address.lastIndexOf(':');
  const [a = 0, b = 0, c = 0, d = 0] = address
    .slice(colon + 1)
    .split('.')
    .map(Number);
  return `${address.slice(0, colon + 1)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
