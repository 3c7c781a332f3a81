// One Via value: `SIP/2.0/UDP host:port;branch=…` (RFC 3261 §20.42, §25.1; `rport`: RFC 3581).
import { err, ok, type Result } from '../../core/result.ts';
import { codeAt, isAt, skipClass, skipDigits, skipSpace, TOKEN } from './characters.ts';
import { formatHostPort, hostEnd, readHost, readPort } from './host.ts';
import { formatParameters, readParameters } from './parameters.ts';
import { Source } from './source.ts';
import type { Parameters } from './uri.ts';

export interface Via {
  /** The transport in upper case: UDP, TCP, TLS, WS, WSS or another token. */
  readonly protocol: string;
  /** Lower case; IPv6 canonical and without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  readonly branch?: string | undefined;
  /** All parameters, the branch too; names in lower case. */
  readonly parameters: Parameters;
}

/** Reads one value (one hop); the error says what was expected. */
export function parseVia(text: string): Result<Via, string> {
  return readVia(new Source(text), 0, text.length);
}

/** Reads the one value in [start, end). Spaces around the slashes and the colon are allowed. */
export function readVia(source: Source, start: number, end: number): Result<Via, string> {
  const { codes } = source;
  const protocolStart = skipProtocolName(source, start, end);
  if (protocolStart < 0) return err('expected "SIP/2.0/"');
  const protocolEnd = skipClass(TOKEN, codes, protocolStart, end);
  const hostStart = skipSpace(codes, protocolEnd, end);
  if (protocolEnd === protocolStart || hostStart === protocolEnd) return err('expected a transport and a space');
  const stop = hostEnd(codes, hostStart, end);
  const host = stop < 0 ? undefined : readHost(source, hostStart, stop);
  if (host === undefined) return err('expected a host');
  let index = skipSpace(codes, stop, end);
  let port: number | undefined;
  if (codeAt(codes, index, end) === COLON) {
    const portStart = skipSpace(codes, index + 1, end);
    index = skipDigits(codes, portStart, end);
    port = readPort(codes, portStart, index);
    if (port === undefined) return err('expected a port');
  }
  const parameters = readParameters(source, index, end);
  if (parameters === undefined) return err('malformed or repeated parameter');
  const protocol = transportName(source.text.slice(protocolStart, protocolEnd));
  return ok({ protocol, host, port, branch: parameters.get('branch'), parameters });
}

/** The text of a Via value. The branch is the one in `parameters`, else `branch`. */
export function formatVia(via: Via): string {
  const branch = via.branch === undefined || via.parameters.has('branch') ? '' : `;branch=${via.branch}`;
  return `SIP/2.0/${via.protocol} ${formatHostPort(via.host, via.port)}${branch}${formatParameters(via.parameters)}`;
}

const SLASH = 0x2f;
const COLON = 0x3a;
const usualStart = Buffer.from('SIP/2.0/');

/** The index after `SIP / 2.0 /` and spaces, or -1. */
function skipProtocolName({ codes, text }: Source, start: number, end: number): number {
  if (isAt(usualStart, codes, start, end)) return skipSpace(codes, start + usualStart.length, end);
  let index = start;
  for (const expected of ['sip', '2.0']) {
    index = skipSpace(codes, index, end);
    if (text.slice(index, index + expected.length).toLowerCase() !== expected) return -1;
    index = skipSpace(codes, index + expected.length, end);
    if (codeAt(codes, index, end) !== SLASH) return -1;
    index += 1;
  }
  return skipSpace(codes, index, end);
}

function transportName(protocol: string): string {
  return protocol === 'UDP' || protocol === 'TCP' || protocol === 'TLS' ? protocol : protocol.toUpperCase();
}
