// What a REFER asks for (RFC 3515 §2.4.2), as the INVITE that its sender could have sent itself: whoever may not call there may not
// have somebody else call there.
import { err, ok, type Result } from '../core/result.ts';
import { essentialsOf } from '../sip/message/header-fields.ts';
import { Headers } from '../sip/message/headers.ts';
import { noBody, type SipRequest } from '../sip/message/message.ts';
import { parseNameAddr } from '../sip/message/name-addr.ts';
import { formatUri, type Uri } from '../sip/message/uri.ts';

export interface Refer {
  readonly invite: SipRequest;
  /** False: no NOTIFY is wanted (RFC 4488). */
  readonly wantsProgress: boolean;
}

export interface ReferRefusal {
  readonly status: number;
  readonly text: string;
}

/** `isOurs` says whether a host is a name of this site; any other one, above all one of the inside, is refused. */
export function readRefer(request: SipRequest, isOurs: (host: string) => boolean): Result<Refer, ReferRefusal> {
  const targets = request.headers.all('Refer-To');
  const parsed = parseNameAddr(targets[0] ?? '');
  if (targets.length !== 1 || !parsed.ok) return refuse(400, 'Expected one Refer-To that can be read');
  const target = parsed.value.uri;
  if (target.scheme === 'other') return refuse(416, 'URI scheme not supported');
  if (target.scheme !== 'tel') {
    if ((target.parameters.get('method') ?? 'INVITE').toUpperCase() !== 'INVITE') return refuse(403, 'Only INVITE');
    if (!isOurs(target.host)) return refuse(403, 'Transfer to a foreign host');
    if (hasReplaces(target.headers)) return refuse(403, 'Attended transfer is not served');
  }
  const wantsProgress = request.headers.get('Refer-Sub')?.toLowerCase() !== 'false';
  return ok({ invite: inviteOf(request, bare(target)), wantsProgress });
}

/** Nothing of what the referrer hung on the URI but what says who is called. */
function bare(target: Exclude<Uri, { scheme: 'other' }>): string {
  if (target.scheme === 'tel') return formatUri(target);
  const kept = new Map([...target.parameters].filter(([name]) => name === 'user' || name === 'phone-context'));
  const { scheme, user, host, port } = target;
  return formatUri({ scheme, user, host, port, parameters: kept });
}

function inviteOf(request: SipRequest, uri: string): SipRequest {
  const { cseq } = essentialsOf(request);
  const copied = ['Via', 'Max-Forwards', 'From', 'Call-ID', 'Privacy', 'Session-ID'].flatMap((name) =>
    request.headers.all(name).map((value): [string, string] => [name, value]),
  );
  const headers = Headers.of(...copied, ['To', `<${uri}>`], ['CSeq', `${cseq.sequence} INVITE`]);
  return { kind: 'request', method: 'INVITE', uri, headers, body: noBody };
}

function hasReplaces(headers: string | undefined): boolean {
  return headers?.split('&').some((header) => header.toLowerCase().startsWith('replaces=')) === true;
}

function refuse(status: number, text: string): Result<never, ReferRefusal> {
  return err({ status, text });
}
