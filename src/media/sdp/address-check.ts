// What an address that a peer names for media is, and whether media may go there.
// RFC 6890 (special-purpose registries), RFC 4291 §2.5, RFC 6598, RFC 6052 §2.1, RFC 8215 and RFC 3056 (IPv4 inside IPv6).
import { canonicalIPv6, isIPv4 } from '../../core/ip-address.ts';
import type { SdpPolicy } from './sdp-policy.ts';

export type AddressClass =
  | 'public'
  | 'private'
  | 'loopback'
  | 'link-local'
  | 'multicast'
  /** Cloud metadata services: whoever reaches one may get credentials. */
  | 'metadata'
  | 'unspecified'
  | 'reserved';

/** What may be done with a media address. `latch`: nothing is sent there before a packet proved the way back. */
export type AddressUse = 'send' | 'latch' | 'refuse';

/** Ports below this one belong to services, never to media. */
export const lowestMediaPort = 1_024;

/** The class of a numeric address without zone; undefined for anything else. */
export function classifyAddress(address: string): AddressClass | undefined {
  if (isIPv4(address)) return classifyIPv4(address.split('.').map(Number));
  const canonical = address.includes('%') ? undefined : canonicalIPv6(address);
  return canonical === undefined ? undefined : classifyIPv6(groupsOf(canonical));
}

/** What `policy` allows towards `address`, which is not the unspecified one of a hold. */
export function addressUse(address: string, policy: SdpPolicy): AddressUse {
  const use = useOfClass(classifyAddress(address), policy.allowedAddresses);
  if (use !== 'send' || policy.provenAddress === undefined) return use;
  return policy.provenAddress === address ? 'send' : 'latch';
}

function useOfClass(addressClass: AddressClass | undefined, allowed: SdpPolicy['allowedAddresses']): AddressUse {
  switch (addressClass) {
    case 'public':
      return 'send';
    case 'private':
      return allowed === 'public' ? 'latch' : 'send';
    case 'loopback':
    case 'link-local':
      return allowed === 'any' ? 'send' : 'refuse';
    default:
      return 'refuse';
  }
}

function classifyIPv4([a = 0, b = 0, c = 0, d = 0]: readonly number[]): AddressClass {
  if (a === 0) return b === 0 && c === 0 && d === 0 ? 'unspecified' : 'reserved';
  if (a === 127) return 'loopback';
  if (a === 169 && b === 254) return (c === 169 && d === 254) || (c === 170 && d === 2) ? 'metadata' : 'link-local';
  if (a === 100 && b === 100 && c === 100 && d === 200) return 'metadata';
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b < 128) return 'private';
  if (a >= 224) return a < 240 ? 'multicast' : 'reserved';
  return 'public';
}

function classifyIPv6(groups: readonly number[]): AddressClass {
  const [first = 0, second = 0, third = 0] = groups;
  const last = groups[7] ?? 0;
  if (groups.slice(0, 7).every(isZero) && last <= 1) return last === 0 ? 'unspecified' : 'loopback';
  if (first >= 0xff00) return 'multicast';
  if (first >= 0xfe80 && first < 0xfec0) return 'link-local';
  if (first === 0xfd00 && second === 0x0ec2 && last === 0x0254) return 'metadata';
  if ((first >= 0xfc00 && first < 0xfe00) || (first >= 0xfec0 && first < 0xff00)) return 'private';
  // A translator would send to the IPv4 address inside: only a public one is what it seems to be.
  if (first === 0x64 && second === 0xff9b) {
    // Under 64:ff9b:1::/48 each network puts the IPv4 address where it likes (RFC 8215): nobody can tell whose it is.
    return groups.slice(2, 6).every(isZero) ? publicOrReserved(octetsAt(groups, 6)) : 'reserved';
  }
  if (first === 0x2002) return publicOrReserved(octetsAt([second, third], 0));
  // 0::/16 holds IPv4 addresses in IPv6 dress (mapped, compatible), 100::/16 the discard prefix.
  return first === 0 || first === 0x100 ? 'reserved' : 'public';
}

function publicOrReserved(octets: readonly number[]): AddressClass {
  return classifyIPv4(octets) === 'public' ? 'public' : 'reserved';
}

function octetsAt(groups: readonly number[], index: number): readonly number[] {
  const high = groups[index] ?? 0;
  const low = groups[index + 1] ?? 0;
  return [high >> 8, high & 255, low >> 8, low & 255];
}

/** The eight groups of an address in canonical form. */
function groupsOf(canonical: string): readonly number[] {
  const [head = '', tail] = canonical.split('::');
  const front = groupList(head);
  if (tail === undefined) return front;
  const back = groupList(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function groupList(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function isZero(group: number): boolean {
  return group === 0;
}
