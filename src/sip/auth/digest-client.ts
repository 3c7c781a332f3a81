// The client side of digest: our credentials for one configured peer (RFC 7616 §3.4, RFC 8760 §2.6, RFC 3261 §22.2, §22.3).
// They leave for one realm only: the configured one, else the first that this peer shows, which is then kept while the process
// lives. Make one client for each trunk or PBX, and ask it only about answers to requests that went to that peer.
import type { Random } from '../../core/random.ts';
import { token } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { ha1 } from './credentials.ts';
import { type DigestAlgorithm, digestAlgorithms, digestResponse, digestResponseWithoutQop } from './digest.ts';
import { type DigestChallenge, formatCredentials, parseChallenge, parseRawCredentials } from './digest-header.ts';

export interface ClientCredentials {
  readonly username: string;
  readonly password: string;
  /** The realm that a challenge must name; absent: the first one that this peer shows is kept. */
  readonly realm?: string | undefined;
  /** Algorithms that may be answered; absent: all. */
  readonly algorithms?: readonly DigestAlgorithm[] | undefined;
}

/** The header field that goes on the next request; its CSeq and branch are the caller's to renew (RFC 3261 §22.2). */
export interface DigestAnswer {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly value: string;
}

/**
 * Why a challenge is not answered. `rejected`: the request had credentials and the peer does not say that only the nonce was old.
 */
export type AnswerRefusal = 'no-challenge' | 'other-realm' | 'unsupported' | 'rejected';

interface Usable {
  readonly header: DigestAnswer['header'];
  readonly challenge: DigestChallenge;
  readonly algorithm: DigestAlgorithm;
}

export class DigestClient {
  readonly #credentials: ClientCredentials;
  readonly #random: Random;
  #realm: string | undefined;
  /** The challenge that was answered last. */
  #current: Usable | undefined;
  /** How often each nonce was answered, the most recent last: calls at the same time may be challenged with several. */
  readonly #counts = new Map<string, number>();

  constructor(credentials: ClientCredentials, random: Random) {
    this.#credentials = credentials;
    this.#random = random;
    this.#realm = credentials.realm;
  }

  /** Answers the 401 or 407 that `request` got, with the strongest algorithm that both sides speak. */
  answer(request: SipRequest, response: SipResponse): Result<DigestAnswer, AnswerRefusal> {
    const header = answerHeaders.get(response.status);
    if (header === undefined) return err('no-challenge');
    const challenges = response.headers.all(header.challenge).flatMap((value) => {
      const parsed = parseChallenge(value);
      return parsed.ok && parsed.value !== undefined ? [parsed.value] : [];
    });
    const [first] = challenges;
    if (first === undefined) return err('no-challenge');
    const realm = this.#realm ?? first.realm;
    const ours = challenges.filter((challenge) => challenge.realm === realm);
    if (ours.length === 0) return err('other-realm');
    const usable = this.#strongest(ours, header.answer);
    if (usable === undefined) return err('unsupported');
    if (!usable.challenge.stale && hasCredentialsFor(realm, request, header.answer)) return err('rejected');
    this.#realm = realm;
    this.#current = usable;
    return ok(this.#sign(usable, request));
  }

  /** Credentials for a request to the same peer before it asks, under the challenge that was answered last; else undefined. */
  authorize(request: SipRequest): DigestAnswer | undefined {
    return this.#current === undefined ? undefined : this.#sign(this.#current, request);
  }

  #strongest(challenges: readonly DigestChallenge[], header: DigestAnswer['header']): Usable | undefined {
    const allowed = this.#credentials.algorithms ?? digestAlgorithms;
    for (const algorithm of digestAlgorithms) {
      if (!allowed.includes(algorithm)) continue;
      const challenge = challenges.find((each) => each.algorithm === algorithm && isAnswerable(each));
      if (challenge !== undefined) return { header, challenge, algorithm };
    }
    return undefined;
  }

  #sign({ header, challenge, algorithm }: Usable, request: SipRequest): DigestAnswer {
    const { username, password } = this.#credentials;
    const { realm, nonce, opaque } = challenge;
    const input = {
      algorithm,
      ha1: ha1(algorithm, username, realm, password),
      nonce,
      method: request.method,
      uri: request.uri,
    };
    const count =
      challenge.qop === undefined
        ? undefined
        : { nc: this.#nextCount(nonce).toString(16).padStart(8, '0'), cnonce: token(this.#random, cnonceBytes) };
    const response = count === undefined ? digestResponseWithoutQop(input) : digestResponse({ ...input, ...count });
    const value = formatCredentials({ username, realm, nonce, opaque, algorithm, uri: request.uri, response, count });
    return { header, value };
  }

  #nextCount(nonce: string): number {
    const count = (this.#counts.get(nonce) ?? 0) + 1;
    this.#counts.delete(nonce);
    this.#counts.set(nonce, count);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > countedNonces && oldest !== undefined) this.#counts.delete(oldest);
    return count;
  }
}

const countedNonces = 64;

const cnonceBytes = 16;

const answerHeaders: ReadonlyMap<number, { readonly challenge: string; readonly answer: DigestAnswer['header'] }> =
  new Map([
    [401, { challenge: 'WWW-Authenticate', answer: 'Authorization' }],
    [407, { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' }],
  ]);

/** Without qop only MD5 exists in the field (RFC 2617); RFC 7616 §3.3 requires qop. */
function isAnswerable({ qop, algorithm }: DigestChallenge): boolean {
  return qop === undefined ? algorithm === 'MD5' : qop.includes('auth');
}

function hasCredentialsFor(realm: string, request: SipRequest, header: DigestAnswer['header']): boolean {
  return request.headers.all(header).some((value) => {
    const parsed = parseRawCredentials(value);
    return parsed.ok && parsed.value?.realm === realm;
  });
}
