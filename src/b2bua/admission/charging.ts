// Whom a call is charged to that a PBX places: the user who dialled through the PBX, or who had a call forwarded by it. So that
// caps and the detection of fraud see forwarded calls too. Told by our own token, by Session-ID (RFC 7989), by asserted
// identity (RFC 3325), by Diversion (RFC 5806) or History-Info (RFC 7044), in this order; else it is the PBX's own.
import type { Charge } from '../../policy/policy-engine.ts';
import type { SipRequest } from '../../sip/message/message.ts';
import { parseNameAddr } from '../../sip/message/name-addr.ts';
import type { Uri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import type { Admission } from '../call/call-event.ts';
import type { Directory } from '../routing/directory.ts';
import { diverterOf } from '../routing/retargeting.ts';
import type { Origin } from '../routing/target-builder.ts';

/** What a PBX that passes it on tells us which of our calls its own one belongs to. */
export const tokenHeader = 'X-Sbc-Call';

/** Whose call it is, whose other half, and its session. */
export interface ChargeNote {
  readonly user: string | undefined;
  readonly half: string | undefined;
  readonly session: string | undefined;
}

/** The calls of users that run, by the names under which a PBX may bring them back. */
export class ChargedCalls {
  readonly #users = new Map<string, string>();
  readonly #sessions = new Map<string, { readonly call: string; readonly aor: string }>();
  readonly #sessionOf = new Map<string, string>();
  /** Tokens of what became of a call by redirects. */
  readonly #redirects = new Map<string, readonly string[]>();
  /** Calls of PBXs that are told to be the other half of a user's. */
  readonly #halves = new Map<string, string>();
  /** By user: calls that run, and how many of them have no other half yet. */
  readonly #running = new Map<string, { calls: number; halves: number }>();

  note(call: string, request: SipRequest, aor: string): void {
    if (!this.#users.has(call)) this.#count(aor, 'calls', 1);
    this.#users.set(call, aor);
    const session = sessionOf(request);
    if (session === undefined || this.#sessions.has(session)) return;
    this.#sessions.set(session, { call, aor });
    this.#sessionOf.set(call, session);
  }

  /** That call goes on as one of who redirects it. */
  redirected(call: string, request: SipRequest, { token, payer }: Pick<Admission, 'token' | 'payer'>): void {
    if (token === undefined || payer?.startsWith('user:') !== true) return;
    this.note(token, request, payer.slice('user:'.length));
    this.#redirects.set(call, [...(this.#redirects.get(call) ?? []), token]);
  }

  /** What is known of a call, so that another process can be told. */
  noted(call: string): ChargeNote {
    return { user: this.#users.get(call), half: this.#halves.get(call), session: this.#sessionOf.get(call) };
  }

  /** A call of an earlier process goes on. */
  noteAgain(call: string, { user, half, session }: ChargeNote): void {
    if (user !== undefined && !this.#users.has(call)) {
      this.#users.set(call, user);
      this.#count(user, 'calls', 1);
    }
    if (half !== undefined && !this.#halves.has(call)) {
      this.#halves.set(call, half);
      this.#count(half, 'halves', 1);
    }
    if (user === undefined || session === undefined || this.#sessions.has(session)) return;
    this.#sessions.set(session, { call, aor: user });
    this.#sessionOf.set(call, session);
  }

  /** A call of a PBX ends, or one of a user. */
  forget(call: string): void {
    const redirects = this.#redirects.get(call) ?? [];
    this.#redirects.delete(call);
    for (const token of redirects) this.forget(token);
    const [aor, halfOf] = [this.#users.get(call), this.#halves.get(call)];
    if (aor !== undefined) this.#count(aor, 'calls', -1);
    if (halfOf !== undefined) this.#count(halfOf, 'halves', -1);
    this.#users.delete(call);
    this.#halves.delete(call);
    const session = this.#sessionOf.get(call);
    this.#sessionOf.delete(call);
    if (session !== undefined) this.#sessions.delete(session);
  }

  get size(): number {
    return this.#users.size;
  }

  /** Whether a running call of that user has no other half yet; then `call` is it. One call has one, however it was told. */
  takeHalf(call: string, aor: string): boolean {
    if (this.#halves.get(call) === aor) return true;
    const { calls, halves } = this.#running.get(aor) ?? { calls: 0, halves: 0 };
    if (calls <= halves || this.#halves.has(call)) return false;
    this.#halves.set(call, aor);
    this.#count(aor, 'halves', 1);
    return true;
  }

  #count(aor: string, what: 'calls' | 'halves', change: 1 | -1): void {
    const counted = this.#running.get(aor) ?? { calls: 0, halves: 0 };
    counted[what] += change;
    if (counted.calls === 0 && counted.halves === 0) this.#running.delete(aor);
    else this.#running.set(aor, counted);
  }

  byToken(token: string | undefined): string | undefined {
    return token === undefined ? undefined : this.#users.get(token);
  }

  bySession(request: SipRequest): string | undefined {
    const session = sessionOf(request);
    return session === undefined ? undefined : this.#sessions.get(session)?.aor;
  }
}

/** Undefined where the PBX itself is charged. Rejects when the store of users cannot answer. */
export async function chargeOf(
  call: string | undefined,
  { request, domain }: Pick<Origin, 'request' | 'domain'>,
  calls: ChargedCalls,
  directory: Pick<Directory, 'user'>,
): Promise<Charge | undefined> {
  const diverter = diverterOf(request);
  const isDiverted = diverter !== undefined;
  for (const [by, aor, isHalf] of [
    ['token', calls.byToken(request.headers.get(tokenHeader)), true],
    ['Session-ID', calls.bySession(request), true],
    ['P-Asserted-Identity', assertedAor(request, domain), !isDiverted],
    ['Diversion or History-Info', isDiverted ? `${diverter}@${domain}` : undefined, false],
  ] as const) {
    const party = aor === undefined ? undefined : await directory.user(aor);
    // Another one diverted the call that a running one placed: whoever diverts, pays.
    if (party === undefined || (isDiverted && isHalf && diverter !== localPart(party.name))) continue;
    const isCounted = isHalf && call !== undefined && calls.takeHalf(call, party.name);
    return { party, by, isCounted };
  }
  return undefined;
}

/**
 * Of a call that `by` redirects. A user pays for it itself. Of a PBX it is a call that the PBX places: of whom it names as who
 * forwards the call, else of the user whose call it is; undefined where `by` itself is charged. Rejects as `chargeOf` does.
 */
export async function redirectCharge(
  by: Identity,
  diverter: string | undefined,
  origin: Pick<Origin, 'request' | 'identity' | 'domain'>,
  calls: ChargedCalls,
  directory: Pick<Directory, 'user' | 'trustsIdentityOf'>,
): Promise<Charge | undefined> {
  if (by.kind !== 'pbx') return undefined;
  const { identity, domain } = origin;
  const named = directory.trustsIdentityOf(by) ? diverter : undefined;
  for (const [how, aor] of [
    ['Diversion or History-Info', named === undefined ? undefined : `${named}@${domain}`],
    ['redirect', identity.kind === 'user' ? identity.aor : undefined],
  ] as const) {
    const party = aor === undefined ? undefined : await directory.user(aor);
    // What the call holds already of the caller's is not asked for again.
    if (party !== undefined) return { party, by: how, isCounted: false };
  }
  return identity.kind === 'pbx' ? chargeOf(undefined, origin, calls, directory) : undefined;
}

function localPart(aor: string): string {
  return aor.slice(0, aor.lastIndexOf('@'));
}

function assertedAor(request: SipRequest, domain: string): string | undefined {
  const value = request.headers.values('P-Asserted-Identity')[0];
  const parsed = value === undefined ? undefined : parseNameAddr(value);
  const user = parsed?.ok === true ? userOf(parsed.value.uri) : undefined;
  return user === undefined ? undefined : `${user}@${domain}`;
}

function userOf(uri: Uri): string | undefined {
  if (uri.scheme === 'tel') return uri.number;
  return uri.scheme === 'other' ? undefined : uri.user;
}

function sessionOf(request: SipRequest): string | undefined {
  const value = request.headers.get('Session-ID')?.slice(0, 32).toLowerCase();
  return value !== undefined && /^[0-9a-f]{32}$/.test(value) && !/^0+$/.test(value) ? value : undefined;
}
