// A numeric address and a port: where bytes come from and go to. Text form: "192.0.2.1:5060", "[2001:db8::1]:5061".
import { canonicalIPv6, isIPv4 } from './ip-address.ts';
import { err, ok, type Result } from './result.ts';

export interface SocketAddress {
  /** Numeric IP; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/** `address:port`, IPv6 in brackets. */
export function formatSocketAddress({ address, port }: SocketAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Reads `address:port`. The address is numeric (a host name is an error), IPv6 bracketed; the port is 0 to 65535. */
export function parseSocketAddress(text: string): Result<SocketAddress, string> {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return err(`expected address:port, got "${text}"`);
  const port = parsePort(text.slice(colon + 1));
  if (port === undefined) return err(`expected a port from 0 to 65535 after the last colon, got "${text}"`);
  const host = text.slice(0, colon);
  if (isIPv4(host)) return ok({ address: host, port });
  const address = host.startsWith('[') && host.endsWith(']') ? canonicalIPv6(host.slice(1, -1)) : undefined;
  return address === undefined
    ? err(`expected an IPv4 address or an IPv6 address in brackets, got "${host}"`)
    : ok({ address, port });
}

export function sameSocketAddress(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}

function parsePort(text: string): number | undefined {
  if (text.length < 1 || text.length > 5) return undefined;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}
