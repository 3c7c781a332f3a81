// Which headers cross from one leg to the other: an allow-list (RFC 5853 §3.1). What is not named here stays behind,
// and nothing that shows the inside (Via, Contact, Route, Call-ID, Server, Warning …) is ever on it.

import { Headers } from '../../sip/message/headers.ts';
import type { SipMessage, SipRequest } from '../../sip/message/message.ts';
import { allowedMethods } from '../../sip/user-agent/allowed-methods.ts';

/** From any peer to any peer. */
const crossing = ['Subject', 'Priority', 'Accept-Language'];

/** Only where the sender is one of ours: a PBX, or a trunk whose identity is trusted. */
const crossingFromTrusted = ['Alert-Info', 'Answer-Mode', 'P-Early-Media'];

/** What a crossing value may weigh; a longer one stays behind. */
export const maxCrossingValueBytes = 1024;

/** Headers of leg B's INVITE that come from leg A's. */
export function crossInvite(request: SipRequest, senderIsTrusted: boolean, maxForwards: number): Headers {
  let headers = Headers.of(['Max-Forwards', String(maxForwards)], ['Allow', allowedMethods]);
  const names = senderIsTrusted ? [...crossing, ...crossingFromTrusted] : crossing;
  for (const name of names) {
    for (const value of request.headers.all(name)) {
      if (value.length <= maxCrossingValueBytes) headers = headers.append(name, value);
    }
  }
  return headers;
}

export function joined(some: Headers, more: Headers): Headers {
  return Headers.of(...some.entries(), ...more.entries());
}

/** The Reason of a BYE, CANCEL or refusal (RFC 6432), so that both sides know why (RFC 3326). */
export function reasonOf(message: SipMessage | undefined): string | undefined {
  const reason = message?.headers.get('Reason');
  return reason !== undefined && reason.length <= maxCrossingValueBytes ? reason : undefined;
}
