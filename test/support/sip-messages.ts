// Small messages for tests: complete as RFC 3261 §8.1.1 wants them, and varied by the few things that tests vary.
import { Headers } from '../../src/sip/message/headers.ts';
import { noBody, responseTo, type SipRequest, type SipResponse } from '../../src/sip/message/message.ts';

export interface RequestOptions {
  readonly uri?: string;
  /** Without the cookie it is one of RFC 2543; null: none at all. */
  readonly branch?: string | null;
  /** Host and port of the top Via. */
  readonly sentBy?: string;
  readonly protocol?: string;
  readonly fromTag?: string;
  readonly toTag?: string | undefined;
  readonly callId?: string;
  readonly cseq?: number;
  /** Fields more, at the end. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
}

/** A request from alice to bob as a peer sends it. */
export function request(method: string, options: RequestOptions = {}): SipRequest {
  const { branch = 'z9hG4bK-1', sentBy = 'phone.test:5060', protocol = 'UDP' } = options;
  const via = `SIP/2.0/${protocol} ${sentBy}${branch === null ? '' : `;branch=${branch}`}`;
  const bare = requestWithoutVia(method, options);
  return { ...bare, headers: bare.headers.prepend('Via', via) };
}

/** A request of our own before the transaction layer put its Via on top. */
export function requestWithoutVia(method: string, options: RequestOptions = {}): SipRequest {
  const toTag = options.toTag === undefined ? '' : `;tag=${options.toTag}`;
  const headers = Headers.of(
    ['Max-Forwards', '70'],
    ['From', `<sip:alice@example.com>;tag=${options.fromTag ?? 'from-1'}`],
    ['To', `<sip:bob@example.com>${toTag}`],
    ['Call-ID', options.callId ?? 'call-1@phone.test'],
    ['CSeq', `${options.cseq ?? 1} ${method}`],
    ...(options.headers ?? []),
  );
  return { kind: 'request', method, uri: options.uri ?? 'sip:bob@example.com', headers, body: options.body ?? noBody };
}

/** A response with a To-tag (but on a 100), as the peer that got `to` sends it. */
export function response(to: SipRequest, status: number, toTag: string | undefined = 'to-1'): SipResponse {
  return responseTo(to, status, status === 100 ? {} : { toTag });
}

/** The ACK that a peer's transaction sends for a failure: same branch, To of the response (§17.1.1.3). */
export function ackTo(invite: SipRequest, failure: SipResponse): SipRequest {
  return sameHop(invite, 'ACK', failure.headers.get('To'));
}

/** The CANCEL that a peer sends: same branch, same To (§9.1). */
export function cancelOf(invite: SipRequest): SipRequest {
  return sameHop(invite, 'CANCEL', invite.headers.get('To'));
}

function sameHop(invite: SipRequest, method: string, to: string | undefined): SipRequest {
  const { headers } = invite;
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: Headers.of(
      ['Via', headers.get('Via') ?? ''],
      ['Max-Forwards', '70'],
      ['From', headers.get('From') ?? ''],
      ['To', to ?? ''],
      ['Call-ID', headers.get('Call-ID') ?? ''],
      ['CSeq', `${Number.parseInt(headers.get('CSeq') ?? '', 10)} ${method}`],
    ),
    body: noBody,
  };
}
