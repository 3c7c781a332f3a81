// a=fingerprint, a=setup and a=tls-id: what two sides say about the DTLS association between them.
// RFC 8122 §5, RFC 4145 §4, RFC 8842 §4 and §5, RFC 5763 §5.
import type { Random } from '../../core/random.ts';
import type { DtlsRole } from '../dtls/dtls-connection.ts';
import type { DtlsTerms } from '../dtls/dtls-terms.ts';
import { type Fingerprint, maxFingerprints, parseFingerprint } from '../dtls/fingerprint.ts';
import type { WireMedia } from './wire-description.ts';

export type DtlsSetup = 'actpass' | 'active' | 'passive';

/** Of a peer's m-line, usable. */
export interface DtlsDescription {
  readonly fingerprints: readonly Fingerprint[];
  readonly setup: DtlsSetup;
  readonly tlsId: string | undefined;
}

/** What an m-line of ours shows. */
export interface OutgoingDtls {
  readonly fingerprint: Fingerprint;
  readonly setup: DtlsSetup;
  readonly tlsId: string | undefined;
}

/** The association that both sides agreed on. */
export interface AgreedDtls {
  readonly kind: 'dtls';
  /** Ours. */
  readonly role: DtlsRole;
  /** Of the peer. */
  readonly fingerprints: readonly Fingerprint[];
  readonly localTlsId: string;
  readonly remoteTlsId: string | undefined;
}

/** What a line says of DTLS; undefined without a fingerprint that proves anything, or with a setup that is none. */
export function dtlsDescriptionOf({ fingerprints, setup = 'active', tlsId }: WireMedia): DtlsDescription | undefined {
  const usable = fingerprints.slice(0, maxFingerprints).flatMap((text) => parseFingerprint(text) ?? []);
  const known = (['actpass', 'active', 'passive'] as const).find((word) => word === setup.trim().toLowerCase());
  if (usable.length === 0 || known === undefined) return undefined;
  // RFC 8842 §4: 20 to 255 characters; what is none must not name an association.
  if (tlsId !== undefined && !tlsIdPattern.test(tlsId)) return undefined;
  return { fingerprints: usable, setup: known, tlsId };
}

/**
 * Our side of an association that a peer offers. The one in force goes on when nothing of it changed (RFC 8842 §5.3); else a
 * new one begins. With actpass we are active (RFC 5763 §5), unless the peer has to open its NAT from inside.
 */
export function answerDtls(
  offer: DtlsDescription,
  before: AgreedDtls | undefined,
  isReachable: boolean,
  random: Random,
): AgreedDtls {
  const role = roleTowards(offer.setup) ?? before?.role ?? (isReachable ? 'client' : 'server');
  const agreed = { kind: 'dtls', role, fingerprints: offer.fingerprints, remoteTlsId: offer.tlsId } as const;
  const going = before === undefined ? undefined : { ...agreed, localTlsId: before.localTlsId };
  const isSame = going !== undefined && before !== undefined && nameOf(going) === nameOf(before);
  return isSame ? going : { ...agreed, localTlsId: freshTlsId(random) };
}

/** What the peer made of our offer; undefined for a setup that is no answer to it. */
export function concludeDtls(ours: OutgoingDtls, answer: DtlsDescription): AgreedDtls | undefined {
  const role = roleTowards(answer.setup);
  const isAllowed = ours.setup === 'actpass' || (ours.setup === 'active') === (role === 'client');
  if (role === undefined || !isAllowed || ours.tlsId === undefined) return undefined;
  const { fingerprints, tlsId } = answer;
  return { kind: 'dtls', role, fingerprints, localTlsId: ours.tlsId, remoteTlsId: tlsId };
}

/** How an association looks in an offer of ours; a new one without `before`. */
export function offerDtls(fingerprint: Fingerprint, before: AgreedDtls | undefined, random: Random): OutgoingDtls {
  if (before === undefined) return { fingerprint, setup: 'actpass', tlsId: freshTlsId(random) };
  return { fingerprint, setup: setupOf(before.role), tlsId: before.localTlsId };
}

/** How it looks in an answer: with tls-id only to a peer that has one (RFC 8842 §5.3). */
export function shownDtls(fingerprint: Fingerprint, { role, localTlsId, remoteTlsId }: AgreedDtls): OutgoingDtls {
  return { fingerprint, setup: setupOf(role), tlsId: remoteTlsId === undefined ? undefined : localTlsId };
}

export function termsOf(agreed: AgreedDtls): DtlsTerms {
  const { role, fingerprints } = agreed;
  return { role, fingerprints, association: nameOf(agreed) };
}

/** Differs whenever RFC 8842 §4 asks for a new association. */
function nameOf({ role, fingerprints, localTlsId, remoteTlsId }: AgreedDtls): string {
  const shown = fingerprints.map(({ hash, value }) => `${hash} ${value}`).sort();
  return [role, localTlsId, remoteTlsId ?? '-', ...shown].join(' ');
}

function roleTowards(setup: DtlsSetup): DtlsRole | undefined {
  if (setup === 'actpass') return undefined;
  return setup === 'active' ? 'server' : 'client';
}

function setupOf(role: DtlsRole): DtlsSetup {
  return role === 'client' ? 'active' : 'passive';
}

/** 120 bits (RFC 8842 §4). */
function freshTlsId(random: Random): string {
  return Buffer.from(random.bytes(15)).toString('hex');
}

const tlsIdPattern = /^[A-Za-z0-9+/_-]{20,255}$/;
