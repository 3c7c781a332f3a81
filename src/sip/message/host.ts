// `host [":" port]` as URIs and Via have it (RFC 3261 §25.1): a name, an IPv4 address, or an IPv6 address in brackets.
import { canonicalIPv6, isIPv4 } from '../../core/ip-address.ts';
import { HOST, parseDigits, skipClass } from './characters.ts';

export interface HostPort {
  /** Lower case; IPv6 without brackets in its canonical form. */
  readonly host: string;
  readonly port: number | undefined;
  /** The index after the host and port. */
  readonly end: number;
}

const COLON = 0x3a;
const OPEN = 0x5b;
const longestHost = 255;

/** The index after the host that starts at `start` (brackets included), or -1 when there is none. */
export function hostEnd(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) === OPEN) {
    const close = text.indexOf(']', start);
    return close < 0 || close >= end ? -1 : close + 1;
  }
  const stop = skipClass(HOST, text, start, end);
  return stop === start ? -1 : stop;
}

/** The host in [start, end) in lower case, or undefined when it is no host. */
export function parseHost(text: string, start: number, end: number): string | undefined {
  if (end - start > longestHost || start >= end) return undefined;
  if (text.charCodeAt(start) === OPEN) {
    // A zone is `%25eth0` in a URI (RFC 6874) and `%eth0` everywhere else.
    return canonicalIPv6(
      text
        .slice(start + 1, end - 1)
        .replace('%25', '%')
        .toLowerCase(),
    );
  }
  const host = text.slice(start, end).toLowerCase();
  return isHostName(host) ? host : undefined;
}

/** Reads `host[:port]` at `start`; undefined when it is neither. A port is 1 to 65535. */
export function parseHostPort(text: string, start: number, end: number): HostPort | undefined {
  const stop = hostEnd(text, start, end);
  const host = stop < 0 ? undefined : parseHost(text, start, stop);
  if (host === undefined) return undefined;
  if (stop === end || text.charCodeAt(stop) !== COLON) return { host, port: undefined, end: stop };
  const portEnd = skipDigits(text, stop + 1, end);
  const port = parsePort(text, stop + 1, portEnd);
  return port === undefined ? undefined : { host, port, end: portEnd };
}

/** The port in [start, end), 1 to 65535, else undefined. */
export function parsePort(text: string, start: number, end: number): number | undefined {
  const port = parseDigits(text, start, end, 65_536);
  return port === undefined || port === 0 || port > 65_535 ? undefined : port;
}

/** `host[:port]` with IPv6 in brackets. `zoneMark` is what stands before a zone: `%25` in URIs. */
export function formatHostPort(host: string, port: number | undefined, zoneMark: '%' | '%25' = '%'): string {
  const shown = host.includes(':') ? `[${zoneMark === '%' ? host : host.replace('%', zoneMark)}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}

/**
 * No empty label; and a name whose last label is a number must be a proper IPv4 address, since resolvers read
 * `127.1` or `0x7f000001` as one and would connect where no rule looked.
 */
function isHostName(host: string): boolean {
  const length = host.endsWith('.') ? host.length - 1 : host.length;
  if (length === 0 || host.charCodeAt(0) === 0x2e || host.includes('..')) return false;
  const last = host.slice(host.lastIndexOf('.', length - 1) + 1, length);
  return !isNumber(last) || isIPv4(host);
}

function isNumber(label: string): boolean {
  if (label.startsWith('0x')) return true;
  return skipDigits(label, 0, label.length) === label.length;
}

function skipDigits(text: string, start: number, end: number): number {
  let index = start;
  while (index < end) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) break;
    index += 1;
  }
  return index;
}
