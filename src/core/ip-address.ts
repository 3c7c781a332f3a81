// Textual IP addresses: IPv4 dotted decimal, IPv6 (RFC 4291 §2.2) with an optional zone, in the canonical form of RFC 5952.

/** 4 or 6 for a numeric address (IPv6 without brackets, a zone allowed), else undefined. */
export function ipVersion(text: string): 4 | 6 | undefined {
  if (isIPv4(text)) return 4;
  return canonicalIPv6(text) === undefined ? undefined : 6;
}

/** Four decimal numbers without leading zeros, so that nobody can read one of them as octal. */
export function isIPv4(text: string): boolean {
  const { length } = text;
  if (length < 7 || length > 15) return false;
  let dots = 0;
  let digits = 0;
  let octet = 0;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (digits === 0) return false;
      dots += 1;
      digits = 0;
      octet = 0;
    } else {
      if (code < ZERO || code > NINE || (digits > 0 && octet === 0)) return false;
      octet = octet * 10 + code - ZERO;
      digits += 1;
      if (octet > 255) return false;
    }
  }
  return dots === 3 && digits > 0;
}

/** The RFC 5952 form of an IPv6 address (its zone kept as it came), or undefined when it is none. */
export function canonicalIPv6(text: string): string | undefined {
  const percent = text.indexOf('%');
  const address = percent < 0 ? text : text.slice(0, percent);
  const zone = percent < 0 ? '' : text.slice(percent);
  if (percent >= 0 && !isZone(zone)) return undefined;
  const groups = parseIPv6(address);
  return groups === undefined ? undefined : formatIPv6(groups) + zone;
}

/** An IPv4 address that came as an IPv4-mapped one (RFC 4291 §2.5.5.2) as itself; any other text as it is. */
export function unmappedAddress(text: string): string {
  if (!text.startsWith('::')) return text;
  const canonical = canonicalIPv6(text);
  return canonical?.startsWith('::ffff:') === true && canonical.includes('.') ? canonical.slice(7) : text;
}

/**
 * What counts as one source when requests or connections are counted: an IPv4 address, or the /64 that an IPv6 host can
 * choose its addresses from. What is no address is a source of its own.
 */
export function sourceBlock(address: string): string {
  const plain = unmappedAddress(address);
  if (!plain.includes(':')) return plain;
  const percent = plain.indexOf('%');
  const groups = parseIPv6(percent < 0 ? plain : plain.slice(0, percent));
  if (groups === undefined) return plain;
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${prefix.join(':')}::/64`;
}

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const longestIPv6 = 45;
const longestZone = 33;

function isZone(zone: string): boolean {
  if (zone.length < 2 || zone.length > longestZone) return false;
  for (let index = 1; index < zone.length; index += 1) {
    const code = zone.charCodeAt(index) | 0x20;
    const isLetter = code >= 0x61 && code <= 0x7a;
    const original = zone.charCodeAt(index);
    const isOther =
      (original >= ZERO && original <= NINE) || original === 0x2d || original === DOT || original === 0x5f;
    if (!isLetter && !isOther) return false;
  }
  return true;
}

function parseIPv6(text: string): readonly number[] | undefined {
  if (text.length < 2 || text.length > longestIPv6) return undefined;
  const gap = text.indexOf('::');
  if (gap < 0) {
    const groups = parseGroups(text, true);
    return groups?.length === 8 ? groups : undefined;
  }
  if (text.indexOf('::', gap + 1) >= 0) return undefined;
  const head = gap === 0 ? [] : parseGroups(text.slice(0, gap), false);
  const tail = gap + 2 === text.length ? [] : parseGroups(text.slice(gap + 2), true);
  if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = new Array<number>(8 - head.length - tail.length).fill(0);
  return [...head, ...zeros, ...tail];
}

function parseGroups(text: string, mayEndInIPv4: boolean): number[] | undefined {
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (mayEndInIPv4 && index === parts.length - 1 && part.includes('.')) {
      if (!isIPv4(part)) return undefined;
      const octets = part.split('.').map(Number);
      const [a = 0, b = 0, c = 0, d = 0] = octets;
      groups.push(a * 256 + b, c * 256 + d);
    } else {
      const group = parseGroup(part);
      if (group === undefined) return undefined;
      groups.push(group);
    }
  }
  return groups;
}

function parseGroup(text: string): number | undefined {
  if (text.length < 1 || text.length > 4) return undefined;
  let group = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const lower = code | 0x20;
    if (code >= ZERO && code <= NINE) group = group * 16 + code - ZERO;
    else if (lower >= 0x61 && lower <= 0x66) group = group * 16 + lower - 0x61 + 10;
    else return undefined;
  }
  return group;
}

/** The longest run of two or more zero groups becomes `::`, the first of equals; IPv4-mapped ones keep their dots. */
function formatIPv6(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  let start = -1;
  let length = 1;
  for (let index = 0; index < 8; index += 1) {
    let end = index;
    while (end < 8 && groups[end] === 0) end += 1;
    if (end - index > length) {
      start = index;
      length = end - index;
    }
    index = Math.max(index, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
