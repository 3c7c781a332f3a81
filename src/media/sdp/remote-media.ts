// Where a peer's m-line asks for its media, checked against the leg's policy.
// RFC 3264 §8.4 and RFC 2543 §B.5 (hold by 0.0.0.0), RFC 3605 (a=rtcp), RFC 2606 (.invalid).
import { err, ok, type Result } from '../../core/result.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import { addressUse, classifyAddress, lowestMediaPort } from './address-check.ts';
import { latchingOf, type RemoteMedia } from './agreed-line.ts';
import { type Direction, directionOf, sends } from './direction.ts';
import { refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
import type { Connection, WireMedia } from './wire-description.ts';

export interface LocatedMedia {
  readonly remote: RemoteMedia;
  /** What the line states, less receiving when its address says hold. */
  readonly direction: Direction;
}

/**
 * Where media of `line` goes. A hold address keeps `previous`, so that nothing has to be found again afterwards.
 * Errors: 488 for an address or port that the policy does not allow.
 */
export function locateMedia(
  line: WireMedia,
  policy: SdpPolicy,
  isSecure: boolean,
  previous: RemoteMedia | undefined,
): Result<LocatedMedia, SdpRefusal> {
  if (line.port < lowestMediaPort || line.portCount !== 1) {
    return err(refusal(488, 'port-not-allowed', `expected one port from ${lowestMediaPort} on, got ${line.port}`));
  }
  if (isHoldAddress(line.connection)) {
    const rtp = { address: policy.addressFamily === 6 ? '::' : '0.0.0.0', port: line.port };
    const nowhere: RemoteMedia = { rtp, rtcp: undefined, awaitLatch: true };
    return ok({ remote: previous ?? nowhere, direction: directionOf(sends(line.direction), false) });
  }
  if (line.connection?.kind !== 'numeric') {
    return err(
      refusal(488, 'address-not-allowed', `expected a numeric unicast address, got ${describe(line.connection)}`),
    );
  }
  const { address } = line.connection;
  const use = isReachable(address, policy) ? addressUse(address, policy) : 'refuse';
  if (use === 'refuse' || (use === 'latch' && latchingOf(isSecure, policy).kind === 'signalled')) {
    return err(refusal(488, 'address-not-allowed', `${classifyAddress(address) ?? 'unknown'} address ${address}`));
  }
  const rtp = { address, port: line.port };
  const remote = { rtp, rtcp: rtcpAddress(line, rtp, policy), awaitLatch: use === 'latch' };
  return ok({ remote, direction: line.direction });
}

function isHoldAddress(connection: Connection | undefined): boolean {
  if (connection === undefined) return false;
  return connection.kind === 'numeric'
    ? classifyAddress(connection.address) === 'unspecified'
    : connection.text.trimEnd().toLowerCase().endsWith('.invalid');
}

/** a=rtcp where it can be honoured, else the port above RTP's (RFC 3550 §11). Another host is believed only where RTP's is. */
function rtcpAddress({ rtcp }: WireMedia, rtp: SocketAddress, policy: SdpPolicy): SocketAddress | undefined {
  const port = rtcp !== undefined && rtcp.port >= lowestMediaPort ? rtcp.port : rtp.port + 1;
  if (port > 65_535) return undefined;
  const other = rtcp?.connection?.kind === 'numeric' ? rtcp.connection.address : rtp.address;
  if (other === rtp.address) return { address: other, port };
  const isGood = isReachable(other, policy) && addressUse(other, policy) === 'send';
  return { address: isGood ? other : rtp.address, port };
}

function isReachable(address: string, { addressFamily }: SdpPolicy): boolean {
  return addressFamily === undefined || addressFamily === (address.includes(':') ? 6 : 4);
}

function describe(connection: Connection | undefined): string {
  if (connection === undefined) return 'none';
  return connection.kind === 'numeric' ? connection.address : `"${connection.text.slice(0, 80)}"`;
}
