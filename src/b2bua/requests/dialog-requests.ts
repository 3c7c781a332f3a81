// INFO and MESSAGE inside a call, from one leg to the other as far as policy lets them (RFC 6086, RFC 3428 §9). Their bodies are
// never logged: a digit of a telephone banking code is in one of them.
import { Headers } from '../../sip/message/headers.ts';
import { bodyOf, type IncomingDialogRequest, type Session } from '../../sip/user-agent/session.ts';
import { forwardsAfter } from '../headers/forwards.ts';
import { bodyRefusal, type MethodPolicy } from '../routing/method-policy.ts';
import { relayedFailure, relayedFinal } from './relayed-answer.ts';

/** The body of an INFO; a signal and its duration are some forty bytes. */
export const maxInfoBytes = 1_024;

/** `other` is the session of the other leg; undefined while there is none. */
export function relayInDialog(incoming: IncomingDialogRequest, other: Session | undefined, policy: MethodPolicy): void {
  const { request } = incoming;
  const body = bodyOf(request);
  const forwards = forwardsAfter(request);
  const status = refusalOf(incoming, policy);
  if (status === 200) {
    incoming.respond(200);
  } else if (status !== undefined) {
    incoming.respond(status, { headers: headersOf(incoming, status, policy) });
  } else if (other === undefined) {
    incoming.respond(480);
  } else if (forwards === undefined) {
    incoming.respond(483);
  } else {
    other.request(
      request.method,
      { headers: Headers.of(['Max-Forwards', String(forwards)]), body },
      {
        onFinal: (response) => incoming.respond(relayedFinal(response.status)),
        onFailed: (failure) => {
          const told = relayedFailure(failure);
          if (told !== undefined) incoming.respond(told);
        },
      },
    );
  }
}

/** The methods that policy serves in a call, for Allow. */
export function methodsInCall({ messages, info, refer }: MethodPolicy): readonly string[] {
  return [
    ...(info.length > 0 ? ['INFO'] : []),
    ...(messages.relay ? ['MESSAGE'] : []),
    ...(refer === 'refuse' ? [] : ['REFER']),
  ];
}

/** 200: an INFO without anything in it only asks whether we live. */
function refusalOf({ request }: IncomingDialogRequest, policy: MethodPolicy): number | undefined {
  const { method, headers, body } = request;
  const contentType = headers.get('Content-Type');
  if (method === 'INFO' && policy.info.length > 0) {
    // §4.2.2: no package is negotiated here.
    if (headers.has('Info-Package')) return 469;
    if (body.length === 0) return 200;
    return bodyRefusal(contentType, body.length, { maxBytes: maxInfoBytes, contentTypes: policy.info });
  }
  if (method === 'MESSAGE' && policy.messages.relay) return bodyRefusal(contentType, body.length, policy.messages);
  return 405;
}

function headersOf({ request }: IncomingDialogRequest, status: number, policy: MethodPolicy): Headers {
  const types = request.method === 'INFO' ? policy.info : policy.messages.contentTypes;
  if (status === 415) return Headers.of(['Accept', types.join(', ')]);
  return status === 405 ? Headers.of(['Allow', allowedInCall(policy)]) : Headers.empty;
}

function allowedInCall(policy: MethodPolicy): string {
  return ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', ...methodsInCall(policy)].join(', ');
}
