// Whether a caller wants to stay unknown (RFC 3323, RFC 3325 §7), and what is shown then.
import { essentialsOf, tokens } from '../../sip/message/header-fields.ts';
import type { SipRequest } from '../../sip/message/message.ts';

export interface PrivacyWish {
  /** From and Contact must not tell an untrusted reader who calls. */
  readonly hidesCaller: boolean;
  /** The caller left its name out of From itself. */
  readonly isAnonymous: boolean;
  /** What a trusted reader is told, so that it goes on hiding the caller; undefined: nothing was asked for. */
  readonly header: string | undefined;
}

export const anonymousAddress = '"Anonymous" <sip:anonymous@anonymous.invalid>';

/** `session` and `critical` need nothing more: media is always relayed here, and what is asked for is always done. */
export function privacyOf(request: SipRequest): PrivacyWish {
  const { uri } = essentialsOf(request).from;
  const isAnonymous = uri.scheme === 'sip' || uri.scheme === 'sips' ? uri.host === anonymousHost : false;
  const values = tokens(request.headers, 'Privacy').flatMap((value) => value.toLowerCase().split(';'));
  const asked = values.map((value) => value.trim()).filter((value) => known.has(value));
  const hidesCaller = !asked.includes('none') && (isAnonymous || asked.some((value) => hiding.has(value)));
  const header = asked.length > 0 ? [...new Set(asked)].join(';') : isAnonymous ? 'id' : undefined;
  return { hidesCaller, isAnonymous, header };
}

const anonymousHost = 'anonymous.invalid';

/** RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1. */
const known: ReadonlySet<string> = new Set(['none', 'id', 'user', 'header', 'session', 'history', 'critical']);
const hiding: ReadonlySet<string> = new Set(['id', 'user', 'header']);
