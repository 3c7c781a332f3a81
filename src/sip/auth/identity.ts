// Who a request was proven to come from. The challenge gate decides it; everything behind the gate only reads it.

/** A user of a domain, proven by digest; a trunk or PBX, proven by address or certificate; or nobody in particular. */
export type Identity =
  | { readonly kind: 'user'; readonly aor: string; readonly name: string; readonly domain: string }
  | { readonly kind: 'trunk'; readonly name: string }
  | { readonly kind: 'pbx'; readonly name: string }
  | { readonly kind: 'anonymous' };

/** The identity of user `name` of `domain`; the domain is compared in lower case, the name exactly (RFC 3261 §19.1.4). */
export function userIdentity(name: string, domain: string): Identity {
  const lower = domain.toLowerCase();
  return { kind: 'user', aor: `${name}@${lower}`, name, domain: lower };
}

/** True when both name the same user, trunk or PBX. Anonymous is the same as nobody, itself included. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  if (a.kind === 'anonymous' || b.kind === 'anonymous') return false;
  if (a.kind === 'user') return b.kind === 'user' && a.aor === b.aor;
  return a.kind === b.kind && a.name === b.name;
}
