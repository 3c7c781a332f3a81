// Checks the credentials of one request against one realm (RFC 3261 §22, RFC 7616 §3.4, RFC 8760 §2). Looking the user up lies between
// the two steps: `inspect` finds what can be said without, `judge` decides with what was found, or with nothing: an unknown
// user costs the same hashes and gets the same answer as a wrong password. Nothing is remembered before a response was right.
import type { KeyObject } from 'node:crypto';
import { ok, type Result } from '../../core/result.ts';
import { Headers } from '../message/headers.ts';
import type { SipRequest } from '../message/message.ts';
import { parseUri, sameUri } from '../message/uri.ts';
import type { AuthDomain } from './asserted-address.ts';
import type { BarredFor, UserCredentials } from './credentials.ts';
import { type DigestAlgorithm, digestLength, digestResponse, sameDigest } from './digest.ts';
import {
  type CredentialsError,
  type DigestCredentials,
  formatChallenge,
  isPlaceholder,
  parseRawCredentials,
  type RawCredentials,
  readCredentials,
} from './digest-header.ts';
import { deriveKey, keyedHash } from './keyed-hash.ts';
import type { NonceIssuer, NonceReading } from './nonce.ts';
import type { NonceCounter } from './nonce-counter.ts';

/** Where a request is authenticated. What is offered depends on this only, never on the user: that would tell who exists. */
export interface AuthScope {
  readonly listener: string;
  readonly domain: AuthDomain;
  /** Strongest first. */
  readonly algorithms: readonly DigestAlgorithm[];
}

/** Why credentials did not prove anything. Stable, for logs, metrics and bans. */
export type AuthFailure =
  | CredentialsError
  | BarredFor
  | 'several-credentials'
  | 'too-many-credentials'
  | 'uri-mismatch'
  | 'algorithm-not-offered'
  | 'nonce-unknown'
  | 'nonce-count-reused'
  | 'wrong-response';

/** Credentials that are worth looking up a user for: well-formed, and under a nonce of ours. */
export interface Candidate {
  readonly username: string;
  readonly credentials: DigestCredentials;
  readonly algorithm: DigestAlgorithm;
  readonly nonce: NonceReading;
}

/** `none`: no credentials for this realm, which is not a failure. */
export type Inspection =
  | { readonly kind: 'none' }
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  | { readonly kind: 'challenge'; readonly failure: AuthFailure; readonly username: string | undefined }
  | { readonly kind: 'refused'; readonly status: 400; readonly failure: AuthFailure };

/** `stale`: the password was right, the nonce is too old. */
export type Verdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'challenge'; readonly failure: AuthFailure };

/** Most Authorization and Proxy-Authorization fields of one request, those for other realms included. */
const mostCredentials = 8;

export class Authenticator {
  readonly #nonces: NonceIssuer;
  readonly #counter: NonceCounter;
  readonly #nobody: Readonly<Record<DigestAlgorithm, string>>;

  /** `secret` makes the HA1 that unknown users are checked against. */
  constructor(options: {
    readonly nonces: NonceIssuer;
    readonly counter: NonceCounter;
    readonly secret: Uint8Array;
  }) {
    this.#nonces = options.nonces;
    this.#counter = options.counter;
    this.#nobody = ha1OfNobody(deriveKey(options.secret, 'unknown user'));
  }

  /** WWW-Authenticate for each algorithm, strongest first, all with one nonce (RFC 8760 §2.3). */
  challenge({ listener, domain, algorithms }: AuthScope, stale: boolean): Headers {
    const { realm } = domain;
    const nonce = this.#nonces.issue({ listener, realm });
    return Headers.of(
      ...algorithms.map((algorithm): [string, string] => [
        'WWW-Authenticate',
        formatChallenge(realm, nonce, algorithm, stale),
      ]),
    );
  }

  /** What the request's credentials are worth before anybody is looked up. */
  inspect(request: SipRequest, { listener, domain, algorithms }: AuthScope): Inspection {
    const found = credentialsFor(domain.realm, request);
    if (!found.ok) return refused(found.error);
    if (found.value === undefined) return { kind: 'none' };
    const read = readCredentials(found.value);
    if (!read.ok) return refused(read.error);
    const credentials = read.value;
    const { username, algorithm } = credentials;
    if (!isSameTarget(credentials.uri, request.uri)) return refused('uri-mismatch');
    if (algorithm === undefined || !algorithms.includes(algorithm)) {
      return { kind: 'challenge', failure: 'algorithm-not-offered', username };
    }
    const nonce = this.#nonces.read(credentials.nonce, { listener, realm: domain.realm });
    if (nonce.state === 'foreign') return { kind: 'challenge', failure: 'nonce-unknown', username };
    return { kind: 'candidate', candidate: { username, credentials, algorithm, nonce } };
  }

  /** The verdict on a candidate, given the user of that name, or `undefined` when there is none. Spends the nonce count. */
  judge({ method }: SipRequest, candidate: Candidate, user: UserCredentials | undefined): Verdict {
    const { credentials, algorithm, nonce } = candidate;
    const { nonce: text, nc, cnonce, uri } = credentials;
    const known = user !== undefined && accepts(user, algorithm) ? user.ha1[algorithm] : undefined;
    const ha1 = known ?? this.#nobody[algorithm];
    const expected = digestResponse({ algorithm, ha1, nonce: text, nc, cnonce, method, uri });
    const isRight = sameDigest(expected, credentials.response);
    const failure = user === undefined || known === undefined || !isRight ? 'wrong-response' : user.barred;
    if (failure !== undefined) {
      user?.spared?.();
      return { kind: 'challenge', failure };
    }
    if (nonce.state !== 'fresh') return { kind: 'stale' };
    const use = this.#counter.use(text, nonce.issuedAt, credentials.ncValue, this.#nonces.now());
    if (use === 'forgotten') return { kind: 'stale' };
    if (use === 'replayed') return { kind: 'challenge', failure: 'nonce-count-reused' };
    return { kind: 'accepted' };
  }
}

function ha1OfNobody(key: KeyObject): Readonly<Record<DigestAlgorithm, string>> {
  const of = (algorithm: DigestAlgorithm): string =>
    keyedHash(key, algorithm).toString('hex').slice(0, digestLength(algorithm));
  return { 'SHA-512-256': of('SHA-512-256'), 'SHA-256': of('SHA-256'), MD5: of('MD5') };
}

/** The one credentials for that realm; `undefined` when there are none, or only the empty ones that ask to be challenged. */
function credentialsFor(realm: string, request: SipRequest): Result<RawCredentials | undefined, AuthFailure> {
  const fields = credentialHeaders.flatMap((name) => request.headers.all(name));
  if (fields.length > mostCredentials) return { ok: false, error: 'too-many-credentials' };
  let found: RawCredentials | undefined;
  for (const field of fields) {
    const raw = parseRawCredentials(field);
    if (!raw.ok) return raw;
    if (raw.value === undefined || raw.value.realm !== realm) continue;
    if (found !== undefined) return { ok: false, error: 'several-credentials' };
    found = raw.value;
  }
  return ok(found === undefined || isPlaceholder(found) ? undefined : found);
}

/** Both are taken, since phones that were once behind a proxy answer to a proxy. */
const credentialHeaders = ['Authorization', 'Proxy-Authorization'];

/** RFC 7616 §3.4.6: the digest must be about this request. Compared as RFC 3261 §19.1.4 has it. */
function isSameTarget(uri: string, requestUri: string): boolean {
  if (uri === requestUri) return true;
  const a = parseUri(uri);
  const b = parseUri(requestUri);
  return a.ok && b.ok && sameUri(a.value, b.value);
}

function accepts(user: UserCredentials, algorithm: DigestAlgorithm): boolean {
  return user.accepts === undefined || user.accepts.includes(algorithm);
}

function refused(failure: AuthFailure): Inspection {
  return { kind: 'refused', status: 400, failure };
}
