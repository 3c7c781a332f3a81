// A signed Identity (RFC 8224) speaks of From, To and Date as they were when it was signed. It crosses with all of them as they
// came, or it does not cross, and the record of the call says which.
import type { RuleTrace } from '../../policy/verdict.ts';
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { formatNameAddr, type NameAddr } from '../../sip/message/name-addr.ts';
import { noParameters } from '../../sip/message/uri.ts';

/** `pass`: this peer verifies signatures, and may see From and To as the caller wrote them. */
export type SignedIdentityPolicy = 'pass' | 'drop';

/** Signatures of one call (`shaken`, `div` …) and what each may weigh; with more or a longer one none of them crosses. */
export const maxIdentities = 4;
export const maxIdentityBytes = 4096;

export interface SignedIdentity {
  /** Unmodified, without tags. */
  readonly from: string;
  readonly to: string;
  /** Date and Identity. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Undefined where no signature crosses. */
export function signedIdentity(
  request: SipRequest,
  policy: SignedIdentityPolicy,
  hidesCaller: boolean,
): SignedIdentity | undefined {
  if (policy !== 'pass' || hidesCaller || !isBounded(request)) return undefined;
  const { from, to } = essentialsOf(request);
  const date = request.headers.get('Date');
  return {
    from: asItCame(from),
    to: asItCame(to),
    fields: [
      ...(date === undefined ? [] : [['Date', date] as const]),
      ...request.headers.all('Identity').map((value) => ['Identity', value] as const),
    ],
  };
}

/** What the call record says of a signature; undefined where there is none. */
export function signatureTrace(
  request: SipRequest,
  policy: SignedIdentityPolicy,
  hidesCaller: boolean,
): RuleTrace | undefined {
  if (!request.headers.has('Identity')) return undefined;
  const why = !isBounded(request)
    ? 'dropped: too many or too long'
    : hidesCaller
      ? 'dropped: the caller wants privacy'
      : policy === 'pass'
        ? 'passed with From, To and Date as they came'
        : 'dropped: From and To are rewritten';
  return { rule: 'signed-identity', answer: why };
}

function isBounded({ headers }: SipRequest): boolean {
  const values = headers.all('Identity');
  const isShort = values.every((value) => value.length <= maxIdentityBytes);
  return values.length > 0 && values.length <= maxIdentities && isShort;
}

function asItCame({ displayName, uri, uriText }: NameAddr): string {
  return formatNameAddr({ displayName, uri, uriText, parameters: noParameters });
}
