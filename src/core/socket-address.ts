// Where a datagram or connection comes from or goes to. Numeric addresses only: names are resolved before they get here.
import { isIP } from 'node:net';

export interface SocketAddress {
  /** A numeric IPv4 or IPv6 address; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1:5060` or `[2001:db8::1]:5060`. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The inverse of `formatSocketAddress`; undefined unless the address is numeric and the port is 0–65535. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(0, colon));
  const isBracketed = host.startsWith('[') && host.endsWith(']');
  const address = isBracketed ? host.slice(1, -1) : host;
  if (isIP(address) !== (isBracketed ? 6 : 4)) return undefined;
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port > 65_535) return undefined;
  return { address, port };
}

/** True when both name the same address and port, compared as text. */
export function sameSocketAddress(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}
