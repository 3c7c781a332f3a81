// One Via value: `SIP/2.0/UDP host:port;branch=…` (RFC 3261 §20.42, §25.1; `rport`: RFC 3581).
import { err, ok, type Result } from '../../core/result.ts';
import { skipClass, skipSpace, TOKEN } from './characters.ts';
import { formatHostPort, hostEnd, parseHost, parsePort } from './host.ts';
import { formatParameters, parseParameters } from './parameters.ts';
import type { Parameters } from './uri.ts';

export interface Via {
  /** The transport in upper case: UDP, TCP, TLS, WS, WSS or another token. */
  readonly protocol: string;
  /** Lower case; IPv6 canonical and without brackets. */
  readonly host: string;
  readonly port?: number;
  readonly branch?: string;
  /** All parameters, the branch too; names in lower case. */
  readonly parameters: Parameters;
}

/** Reads one value (one hop). Spaces around the slashes and the colon are allowed. */
export function parseVia(text: string): Result<Via, string> {
  const { length } = text;
  const protocolStart = skipProtocolName(text);
  if (protocolStart < 0) return err('expected "SIP/2.0/"');
  const protocolEnd = skipClass(TOKEN, text, protocolStart, length);
  const hostStart = skipSpace(text, protocolEnd, length);
  if (protocolEnd === protocolStart || hostStart === protocolEnd) return err('expected a transport and a space');
  const stop = hostEnd(text, hostStart, length);
  const host = stop < 0 ? undefined : parseHost(text, hostStart, stop);
  if (host === undefined) return err(`expected a host at ${hostStart}`);
  let index = skipSpace(text, stop, length);
  let port: number | undefined;
  if (text.charCodeAt(index) === COLON) {
    const portStart = skipSpace(text, index + 1, length);
    index = skipClass(TOKEN, text, portStart, length);
    port = parsePort(text, portStart, index);
    if (port === undefined) return err(`expected a port at ${portStart}`);
  }
  const parameters = parseParameters(text, index, length);
  if (parameters === undefined) return err('malformed or repeated parameter');
  const branch = parameters.get('branch');
  return ok({
    protocol: text.slice(protocolStart, protocolEnd).toUpperCase(),
    host,
    ...(port !== undefined && { port }),
    ...(branch !== undefined && { branch }),
    parameters,
  });
}

/** The text of a Via value. The branch is the one in `parameters`, else `branch`. */
export function formatVia(via: Via): string {
  const branch = via.branch === undefined || via.parameters.has('branch') ? '' : `;branch=${via.branch}`;
  return `SIP/2.0/${via.protocol} ${formatHostPort(via.host, via.port)}${branch}${formatParameters(via.parameters)}`;
}

const COLON = 0x3a;
const SLASH = 0x2f;

/** The index after `SIP / 2.0 /` and spaces, or -1. */
function skipProtocolName(text: string): number {
  if (text.startsWith('SIP/2.0/')) return skipSpace(text, 8, text.length);
  let index = 0;
  for (const expected of ['sip', '2.0']) {
    index = skipSpace(text, index, text.length);
    if (text.slice(index, index + expected.length).toLowerCase() !== expected) return -1;
    index = skipSpace(text, index + expected.length, text.length);
    if (text.charCodeAt(index) !== SLASH) return -1;
    index += 1;
  }
  return skipSpace(text, index, text.length);
}
