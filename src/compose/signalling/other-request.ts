// Requests outside a dialog that are neither INVITE nor REGISTER: OPTIONS tells what we speak, MESSAGE and SUBSCRIBE are relayed where
// policy lets them, the rest is not served.
import { MessageRelay, type MessageRelayParts } from '../../b2bua/requests/message-relay.ts';
import type { Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import { token } from '../../core/random.ts';
import { requestUri } from '../../sip/message/header-fields.ts';
import { Headers } from '../../sip/message/headers.ts';
import { responseTo, type SipRequest } from '../../sip/message/message.ts';
import { allowedMethods } from '../../sip/user-agent/allowed-methods.ts';
import type { Identity, ServerTransaction } from '../../sip/user-agent/session.ts';

/** `isAvailable` false: OPTIONS is answered 503, so that peers that probe us go elsewhere (RFC 3261 §11.2). */
export function otherRequest(
  request: SipRequest,
  transaction: ServerTransaction,
  identity: Identity,
  {
    isAvailable,
    capabilities,
    subscriptions,
    ...parts
  }: MessageRelayParts & {
    readonly subscriptions: Pick<Subscriptions, 'onSubscribe' | 'onNotify'>;
    readonly isAvailable: boolean;
    readonly capabilities: Headers;
  },
): void {
  const { random } = parts;
  if (request.method === 'MESSAGE') {
    new MessageRelay(parts).onMessage(request, transaction, identity);
    return;
  }
  if (request.method === 'SUBSCRIBE') {
    subscriptions.onSubscribe(request, transaction, identity);
    return;
  }
  if (request.method === 'NOTIFY') {
    subscriptions.onNotify(request, transaction, identity);
    return;
  }
  const toTag = token(random, 8);
  if (request.method !== 'OPTIONS') {
    transaction.respond(responseTo(request, 405, { toTag, headers: Headers.of(['Allow', allowedMethods]) }));
  } else if (!isServedScheme(request)) {
    transaction.respond(responseTo(request, 416, { toTag }));
  } else if (isAvailable) {
    transaction.respond(responseTo(request, 200, { toTag, headers: capabilities }));
  } else {
    const seconds = String(10 + random.below(20));
    transaction.respond(responseTo(request, 503, { toTag, headers: Headers.of(['Retry-After', seconds]) }));
  }
}

/** RFC 3261 §8.2.2.1. */
function isServedScheme(request: SipRequest): boolean {
  const uri = requestUri(request);
  return uri.ok && uri.value.scheme !== 'other';
}
