// Hosts and ports as people write them into the configuration: a name, an IPv4 address, an IPv6 address in brackets.
import { canonicalIPv6, isIPv4 } from '../core/ip-address.ts';

/** A name or a numeric address; IPv6 without brackets. */
export interface HostPort {
  readonly address: string;
  readonly port: number | undefined;
}

/** Reads `HOST[:PORT]`. The port is 1 to 65535. */
export function parseHostPort(text: string): HostPort | undefined {
  const bracket = text.indexOf(']');
  const colon = text.indexOf(':', bracket < 0 ? 0 : bracket);
  const address = parseHost(colon < 0 ? text : text.slice(0, colon));
  if (address === undefined) return undefined;
  if (colon < 0) return { address, port: undefined };
  const port = parsePort(text.slice(colon + 1));
  return port === undefined ? undefined : { address, port };
}

/** Reads `sip:HOST[:PORT]` or `sips:HOST[:PORT]`. */
export function isSipTarget(text: string): boolean {
  const scheme = ['sip:', 'sips:'].find((one) => text.startsWith(one));
  return scheme !== undefined && parseHostPort(text.slice(scheme.length)) !== undefined;
}

/** Letters, digits, "-", "_" and ".", in a name that is not empty. */
export function isLabel(text: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(text);
}

/** 1 to 65535 in digits alone. */
export function parsePort(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port < 65_536 ? port : undefined;
}

const longestName = 253;

function parseHost(text: string): string | undefined {
  if (text.startsWith('[')) return text.endsWith(']') ? canonicalIPv6(text.slice(1, -1)) : undefined;
  if (!isLabel(text) || text.length > longestName) return undefined;
  // All digits and dots is meant to be an address; a resolver would make one of what is none.
  return /^[0-9.]+$/.test(text) && !isIPv4(text) ? undefined : text;
}
