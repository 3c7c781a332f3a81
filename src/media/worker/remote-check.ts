// Whether a socket can reach what signalling names as its peer.
import { ipVersion } from '../../core/ip-address.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { EndpointRemote, MediaError } from '../plane/messages.ts';

/** A socket of one family sends to no address of the other. */
export function checkAddresses(local: string, { rtp, rtcp }: EndpointRemote): MediaError | undefined {
  for (const remote of [rtp, rtcp]) {
    if (remote === undefined) continue;
    const version = ipVersion(remote.address);
    if (version === undefined) return notNumeric(remote);
    if (version !== ipVersion(local)) {
      return { code: 'address-not-available', detail: `${remote.address} cannot be reached from ${local}` };
    }
  }
  return undefined;
}

export function notNumeric({ address, port }: SocketAddress): MediaError {
  return { code: 'address-not-available', detail: `expected a numeric address and port, got ${address} ${port}` };
}
