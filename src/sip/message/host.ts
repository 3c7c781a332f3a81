// `host [":" port]` as URIs and Via have it (RFC 3261 §25.1): a name, an IPv4 address, or an IPv6 address in brackets.
import { canonicalIPv6, isIPv4 } from '../../core/ip-address.ts';
import { codeAt, HOST, readDigits, skipClass, skipDigits } from './characters.ts';
import type { Source } from './source.ts';

export interface HostPort {
  /** Lower case; IPv6 without brackets in its canonical form. */
  readonly host: string;
  readonly port: number | undefined;
  /** The index after the host and port. */
  readonly end: number;
}

const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const LOWER_X = 0x78;
const longestHost = 255;

/** The index after the host that starts at `start` (brackets included), or -1 when there is none. */
export function hostEnd(codes: Buffer, start: number, end: number): number {
  if (codeAt(codes, start, end) !== OPEN) {
    const stop = skipClass(HOST, codes, start, end);
    return stop === start ? -1 : stop;
  }
  for (let index = start + 1; index < end; index += 1) if (codes[index] === CLOSE) return index + 1;
  return -1;
}

/** The host in [start, end), which `hostEnd` gave, in lower case, or undefined when it is no host. */
export function readHost(source: Source, start: number, end: number): string | undefined {
  if (end - start > longestHost || start >= end) return undefined;
  if (source.codes[start] !== OPEN) return readHostName(source, start, end);
  // A zone is `%25eth0` in a URI (RFC 6874) and `%eth0` everywhere else.
  return canonicalIPv6(
    source.text
      .slice(start + 1, end - 1)
      .replace('%25', '%')
      .toLowerCase(),
  );
}

/** Reads `host[:port]` at `start`; undefined when it is neither. A port is 1 to 65535. */
export function readHostPort(source: Source, start: number, end: number): HostPort | undefined {
  const { codes } = source;
  const stop = hostEnd(codes, start, end);
  const host = stop < 0 ? undefined : readHost(source, start, stop);
  if (host === undefined) return undefined;
  if (codeAt(codes, stop, end) !== COLON) return { host, port: undefined, end: stop };
  const portEnd = skipDigits(codes, stop + 1, end);
  const port = readPort(codes, stop + 1, portEnd);
  return port === undefined ? undefined : { host, port, end: portEnd };
}

/** The port in [start, end), 1 to 65535, else undefined. */
export function readPort(codes: Buffer, start: number, end: number): number | undefined {
  const port = readDigits(codes, start, end, 65_536);
  return port === undefined || port === 0 || port > 65_535 ? undefined : port;
}

/** `host[:port]` with IPv6 in brackets. `zoneMark` is what stands before a zone: `%25` in URIs. */
export function formatHostPort(host: string, port: number | undefined, zoneMark: '%' | '%25' = '%'): string {
  const shown = host.includes(':') ? `[${zoneMark === '%' ? host : host.replace('%', zoneMark)}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}

/**
 * No empty label (but for the root's); and a name whose last label is a number must be a proper IPv4 address, since
 * resolvers read `127.1` or `0x7f000001` as one and would connect where no rule looked.
 */
function readHostName({ text, codes }: Source, start: number, end: number): string | undefined {
  let labelStart = start;
  let lastLabel = start;
  let isLower = true;
  for (let index = start; index < end; index += 1) {
    const code = codes[index] ?? 0;
    if (code >= UPPER_A && code <= UPPER_Z) isLower = false;
    if (code !== DOT) continue;
    if (index === labelStart) return undefined;
    lastLabel = labelStart;
    labelStart = index + 1;
  }
  if (labelStart < end) lastLabel = labelStart;
  const host = isLower ? text.slice(start, end) : text.slice(start, end).toLowerCase();
  return isNumeric(codes, lastLabel, labelStart < end ? end : end - 1) && !isIPv4(host) ? undefined : host;
}

function isNumeric(codes: Buffer, start: number, end: number): boolean {
  const stop = skipDigits(codes, start, end);
  return stop === end || (stop === start + 1 && codes[start] === ZERO && ((codes[stop] ?? 0) | 0x20) === LOWER_X);
}
