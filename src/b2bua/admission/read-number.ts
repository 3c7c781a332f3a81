// What a request dials and what its caller shows, read as the site dials.
import { ok, type Result } from '../../core/result.ts';
import type { DiallingSide, ReadNumber, SiteNumbers } from '../../policy/site-numbers.ts';
import { essentialsOf } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import type { Uri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import { privacyOf } from '../headers/privacy.ts';

/** Undefined for a URI that no telephone dials. */
export function readNumber(numbers: SiteNumbers, uri: Uri, side: DiallingSide): Result<ReadNumber, string> | undefined {
  switch (uri.scheme) {
    case 'sip':
    case 'sips':
      return numbers.read(uri.user ?? '', uri.parameters.get('phone-context'), side);
    case 'tel':
      return numbers.read(uri.number, uri.parameters.get('phone-context'), side);
    case 'other': {
      const emergency = numbers.readUrn(uri.text);
      return emergency === undefined ? undefined : ok(emergency);
    }
    default:
      return uri satisfies never;
  }
}

/** Emergency calls are exempt from rules because they are calls (RFC 5031 §1): whatever else has such a number is asked about like any other. */
export function ordinary(number: ReadNumber): ReadNumber {
  return number.kind === 'emergency' ? { ...number, kind: 'number' } : number;
}

export const sides: Readonly<Record<Identity['kind'], DiallingSide>> = {
  user: 'phone',
  pbx: 'pbx',
  trunk: 'trunk',
  anonymous: 'trunk',
};

export function numberText({ kind, canonical, country, classes }: ReadNumber): string {
  return `${kind} ${canonical} (${[...(country === undefined ? [] : [country]), ...classes].join(', ')})`;
}

/** What the called party would see: a user's own name, else what From says. */
export function callerIdOf(request: SipRequest, identity: Identity, numbers: SiteNumbers): string {
  if (identity.kind === 'user') return identity.name;
  const { uri } = essentialsOf(request).from;
  if (privacyOf(request).isAnonymous) return 'anonymous';
  const read = readNumber(numbers, uri, sides[identity.kind]);
  return read?.ok === true ? read.value.canonical : 'anonymous';
}
