// A request of ours outside a dialog that is no INVITE (RFC 3261 §8.1): REGISTER, OPTIONS, MESSAGE. A challenge is answered where
// we have credentials for that peer.
import { token } from '../../core/random.ts';
import { Headers } from '../message/headers.ts';
import { noBody, type SipRequest } from '../message/message.ts';
import { AuthenticatedRequest } from './authenticated-request.ts';
import { callIdBytes, newTag, type UserAgentGround } from './ground.ts';
import type { OutsideRequestHandlers, OutsideRequestOptions } from './session.ts';

/** How many sequence numbers one request may use: itself, and again for each challenge that is answered. */
export const sequencesOfRequest = 3;

export function sendOutside(
  ground: UserAgentGround,
  options: OutsideRequestOptions,
  handlers: OutsideRequestHandlers,
): void {
  const { random } = ground;
  const { method, destination, requestUri, from, to, headers, body, credentials } = options;
  const localTag = newTag(ground);
  const callId = options.callId ?? token(random, callIdBytes);
  let sequence = options.sequence ?? 1;
  const request = new AuthenticatedRequest(ground, credentials, {
    onFinal: (response) => handlers.onFinal(response),
    onFailed: (failure) => handlers.onFailed(failure),
  });
  request.send((): SipRequest => {
    const fields: [string, string][] = [
      ['From', `${from};tag=${localTag}`],
      ['To', to],
      ['Call-ID', callId],
      ['CSeq', `${sequence} ${method}`],
    ];
    sequence += 1;
    if (!headers.has('Max-Forwards')) fields.push(['Max-Forwards', '70']);
    for (const [name, value] of headers.entries()) fields.push([name, value]);
    if (body !== undefined) fields.push(['Content-Type', body.contentType]);
    return { kind: 'request', method, uri: requestUri, headers: Headers.of(...fields), body: body?.bytes ?? noBody };
  }, destination);
}
