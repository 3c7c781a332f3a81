// What a REFER asks for (RFC 3515 §2.4.2), as the INVITE that its sender could have sent itself: whoever may not call there may not
// have somebody else call there.
import { err, ok, type Result } from '../../core/result.ts';
import { essentialsOf } from '../../sip/message/header-fields.ts';
import { Headers } from '../../sip/message/headers.ts';
import { noBody, type SipRequest } from '../../sip/message/message.ts';
import { parseNameAddr } from '../../sip/message/name-addr.ts';
import { unescapeUri } from '../../sip/message/percent-encoding.ts';
import { parseReplaces } from '../../sip/message/replaces.ts';
import { formatUri, type Uri } from '../../sip/message/uri.ts';

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
    const replaces = replacesOf(target.headers);
    if (!replaces.ok) return replaces;
    return ok({ invite: inviteOf(request, bare(target), replaces.value), wantsProgress: wantsProgress(request) });
  }
  return ok({ invite: inviteOf(request, bare(target), undefined), wantsProgress: wantsProgress(request) });
}

/** Nothing of what the referrer hung on the URI but what says who is called. */
export function bare(target: Exclude<Uri, { scheme: 'other' }>): string {
  if (target.scheme === 'tel') return formatUri(target);
  const kept = new Map([...target.parameters].filter(([name]) => name === 'user' || name === 'phone-context'));
  const { scheme, user, host, port } = target;
  return formatUri({ scheme, user, host, port, parameters: kept });
}

function inviteOf(request: SipRequest, uri: string, replaces: string | undefined): SipRequest {
  const { cseq } = essentialsOf(request);
  const copied = ['Via', 'Max-Forwards', 'From', 'Call-ID', 'Privacy', 'Session-ID'].flatMap((name) =>
    request.headers.all(name).map((value): [string, string] => [name, value]),
  );
  const headers = Headers.of(...copied, ['To', `<${uri}>`], ['CSeq', `${cseq.sequence} INVITE`]);
  const told = replaces === undefined ? headers : headers.append('Replaces', replaces);
  return { kind: 'request', method: 'INVITE', uri, headers: told, body: noBody };
}

function wantsProgress({ headers }: SipRequest): boolean {
  return headers.get('Refer-Sub')?.toLowerCase() !== 'false';
}

/** Of an attended transfer (RFC 3891 §2): it hangs on the URI as a header, escaped (RFC 3261 §19.1.1). */
function replacesOf(headers: string | undefined): Result<string | undefined, ReferRefusal> {
  const values = (headers ?? '').split('&').flatMap((header) => {
    const equals = header.indexOf('=');
    return header.slice(0, Math.max(0, equals)).toLowerCase() === 'replaces' ? [header.slice(equals + 1)] : [];
  });
  const [first] = values;
  if (first === undefined) return ok(undefined);
  const value = unescapeUri(first);
  const isUsable = values.length === 1 && value !== undefined && parseReplaces(value) !== undefined;
  return isUsable ? ok(value) : refuse(400, 'Expected one Replaces that can be read');
}

function refuse(status: number, text: string): Result<never, ReferRefusal> {
  return err({ status, text });
}
