// In-dialog requests to a peer that stands inside follow its Contact or Record-Route (RFC 3261 §12.2.1.1), as long as
// that is a literal address: names are not resolved in the middle of a call, and outside peers keep the hop they had.
import { isIP } from 'node:net';
import type { Dialog } from '../dialog/dialog.ts';
import { parseUri } from '../message/uri.ts';
import type { Destination, Flow, SipTransport } from '../transport/transport.ts';
import { destinationOf } from './ground.ts';
import type { SessionParts } from './session-parts.ts';

const defaultPort = 5060;

/** Where a request of that dialog goes now. */
export function dialogHop(
  { hop, followTarget }: Pick<SessionParts, 'hop' | 'followTarget'>,
  flow: Flow | undefined,
  dialog: Dialog,
  transport: SipTransport,
): Destination {
  const base = destinationOf(flow, hop, transport);
  return followTarget ? targetHop(base, dialog.nextHop) : base;
}

/** `base` when `uri` (a URI, or a route in angle brackets) names no literal address, or the transport is a connection. */
export function targetHop(base: Destination, uri: string): Destination {
  const transport = base.kind === 'flow' ? base.flow.transport : base.transport;
  if (transport !== 'udp') return base;
  const parsed = parseUri(uri.startsWith('<') ? uri.slice(1, -1) : uri);
  if (!parsed.ok || parsed.value.scheme !== 'sip' || isIP(parsed.value.host) === 0) return base;
  const listener = base.kind === 'flow' ? base.flow.listener : base.listener;
  return { kind: 'next-hop', listener, transport, host: parsed.value.host, port: parsed.value.port ?? defaultPort };
}
