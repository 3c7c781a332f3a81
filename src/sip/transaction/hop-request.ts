// The two requests that belong to an INVITE of ours and go only to the next hop: the ACK to its failure (RFC 3261
// §17.1.1.3) and its CANCEL (§9.1). Both carry the INVITE's only Via, so that its receiver matches them.
import { Headers } from '../message/headers.ts';
import { noBody, type SipRequest, type SipResponse } from '../message/message.ts';

/** The ACK to a final response of 300 or more; To is the response's, tag and all. */
export function ackTo(invite: SipRequest, response: SipResponse): SipRequest {
  return hopRequest(invite, 'ACK', response.headers.get('To'), Headers.empty);
}

/** The CANCEL of an INVITE; `headers` (Reason) are added. */
export function cancelOf(invite: SipRequest, headers: Headers): SipRequest {
  return hopRequest(invite, 'CANCEL', invite.headers.get('To'), headers);
}

function hopRequest(invite: SipRequest, method: string, to: string | undefined, extra: Headers): SipRequest {
  const source = invite.headers;
  const fields: [string, string][] = [['Via', source.get('Via') ?? '']];
  for (const route of source.all('Route')) fields.push(['Route', route]);
  fields.push(
    ['Max-Forwards', '70'],
    ['From', source.get('From') ?? ''],
    ['To', to ?? source.get('To') ?? ''],
    ['Call-ID', source.get('Call-ID') ?? ''],
    ['CSeq', `${Number.parseInt(source.get('CSeq') ?? '0', 10)} ${method}`],
  );
  extra.forEach((name, value) => {
    fields.push([name, value]);
  });
  return { kind: 'request', method, uri: invite.uri, headers: Headers.of(...fields), body: noBody };
}
