// What scripted peers read from the headers that they are sent, and the requests that follow an INVITE to the same hop.
import { Headers } from '../../src/sip/message/headers.ts';
import { noBody, type SipRequest } from '../../src/sip/message/message.ts';

export function tagOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : /;tag=([^;,\s]+)/.exec(address)?.[1];
}

export function uriOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : /<([^>]+)>/.exec(address)?.[1];
}

/** Without its tag. */
export function addressOf(address: string): string {
  return address.replace(/;tag=[^;,\s]+/, '');
}

/** ACK of a failure, or CANCEL: the hop's branch, the INVITE's Request-URI and CSeq number. */
export function sameHop(
  invite: SipRequest,
  method: string,
  to: string,
  fields: readonly (readonly [name: string, value: string])[] = [],
): SipRequest {
  const { headers } = invite;
  return {
    kind: 'request',
    method,
    uri: invite.uri,
    headers: Headers.of(
      ['Via', headers.get('Via') ?? ''],
      ['Max-Forwards', '70'],
      ['From', headers.get('From') ?? ''],
      ['To', to],
      ['Call-ID', headers.get('Call-ID') ?? ''],
      ['CSeq', `${Number.parseInt(headers.get('CSeq') ?? '', 10)} ${method}`],
      ...fields,
    ),
    body: noBody,
  };
}
