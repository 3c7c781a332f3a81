// How we name ourselves to a peer: where a listener is bound, or what the configuration advertises of it (RFC 3261 §18.1.1, §8.1.1.8).
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import { formatUri, noParameters } from '../message/uri.ts';
import type { Destination, TransportName } from './transport.ts';

/** A listener, as far as it is shown. */
interface ShownListener {
  readonly options: { readonly advertise?: SocketAddress | undefined };
  readonly bound: SocketAddress;
}

/** `listener`: the one that `to` is reached from. */
export function viaTo(
  to: Destination,
  listener: ShownListener,
): { readonly transport: TransportName; readonly sentBy: string } {
  return { transport: transportTo(to), sentBy: formatSocketAddress(shownTo(to, listener)) };
}

export function contactTo(to: Destination, listener: ShownListener, user: string | undefined): string {
  const { address, port } = shownTo(to, listener);
  const transport = transportTo(to);
  const parameters = transport === 'udp' ? noParameters : new Map([['transport', transport]]);
  const uri = formatUri({ scheme: 'sip', ...(user === undefined ? {} : { user }), host: address, port, parameters });
  return `<${uri}>`;
}

export function transportTo(to: Destination): TransportName {
  return to.kind === 'flow' ? to.flow.transport : to.transport;
}

function shownTo(to: Destination, { options, bound }: ShownListener): SocketAddress {
  if (options.advertise !== undefined) return options.advertise;
  // A listener on every address shows each peer the one that the peer reached.
  const isSomewhere = to.kind === 'flow' && (bound.address === '0.0.0.0' || bound.address === '::');
  return isSomewhere ? { address: to.flow.local.address, port: bound.port } : bound;
}
