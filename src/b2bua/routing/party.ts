// Whom records and metrics name for an identity.
import type { Identity } from '../../sip/user-agent/session.ts';
import type { Party } from './target.ts';

export function partyOf(identity: Identity): Party {
  switch (identity.kind) {
    case 'user':
      return { kind: 'user', name: identity.aor };
    case 'trunk':
    case 'pbx':
      return { kind: identity.kind, name: identity.name };
    case 'anonymous':
      return { kind: 'anonymous', name: 'anonymous' };
    default:
      return identity satisfies never;
  }
}
