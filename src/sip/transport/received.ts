// Where a request really came from, noted in its top Via (RFC 3261 §18.2.1, RFC 3581 §4).

import type { SocketAddress } from '../../core/socket-address.ts';
import { essentialsOf, withTopVia } from '../message/header-fields.ts';
import type { SipRequest } from '../message/message.ts';

/** The request with `received` where sent-by is another host, and `rport` filled where the sender asks for it. */
export function withReceived(request: SipRequest, source: SocketAddress): SipRequest {
  const { via } = essentialsOf(request);
  const asksPort = via.parameters.has('rport');
  if (!asksPort && via.host === source.address && !via.parameters.has('received')) return request;
  const parameters = new Map(via.parameters);
  parameters.delete('received');
  if (asksPort || via.host !== source.address) parameters.set('received', source.address);
  if (asksPort) parameters.set('rport', String(source.port));
  return withTopVia(request, { ...via, parameters });
}
