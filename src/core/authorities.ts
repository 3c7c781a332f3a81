// Whom a peer's certificate must come from.

/**
 * Certificates, each PEM; never none. Node takes an empty text or nothing at all for "everybody that Node trusts", and a list for
 * those in it and nobody else, so this goes to it as the list that it is. `config/authorities.ts` reads one.
 */
export type Authorities = readonly [string, ...string[]];
