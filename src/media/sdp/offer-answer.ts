// What crossed from the other leg becomes an offer or an answer of this leg, with its ports, profile and keys.
// RFC 3264 §5 to §8, RFC 4568 §7.1, RFC 5761 §5.1, RFC 8643 §3.
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Fingerprint } from '../dtls/fingerprint.ts';
import { type ActiveLine, type AgreedLine, type AgreedSdes, activeAt, type Slot } from './agreed-line.ts';
import { allowedCodecs, isKindAllowed, preferredCodecs } from './codec-policy.ts';
import { type CryptoAttribute, freshCrypto } from './crypto-attribute.ts';
import { clampToOffer, receives, sends } from './direction.ts';
import { type OutgoingDtls, offerDtls, shownDtls } from './dtls-attributes.ts';
import { clockRatesOf, codecsByNumber } from './payload-types.ts';
import type { OfferedLine } from './receive-answer.ts';
import type { ReceivedLine, UsableLine } from './receive-offer.ts';
import { protocolOf, rtpProfileOf } from './rtp-profile.ts';
import { mayKey, offeredKeying, refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
import type { MediaDescription, SessionDescription } from './session-description.ts';
import type { Attribute } from './wire-description.ts';
import type { LocalMedia, OutgoingMedia } from './write-description.ts';

/** By m-line; undefined where nothing was opened for it, so that it gets port 0. */
export type Locals = readonly (LocalMedia | undefined)[];

export interface BuiltAnswer {
  readonly media: readonly OutgoingMedia[];
  readonly agreed: readonly AgreedLine[];
}

export interface AnswerTerms {
  readonly policy: SdpPolicy;
  /** What the peer offered, as it crossed. */
  readonly offer: SessionDescription;
}

export interface BuiltOffer {
  readonly media: readonly OutgoingMedia[];
  readonly offered: readonly OfferedLine[];
}

export interface OfferTerms {
  readonly policy: SdpPolicy;
  readonly random: Random;
  readonly committed: readonly AgreedLine[];
}

/** One answer line for each received line; what the other leg left out, refused or has no endpoint for is refused. */
export function buildAnswer(
  received: readonly ReceivedLine[],
  answer: SessionDescription,
  locals: Locals,
  { policy, offer }: AnswerTerms,
): BuiltAnswer {
  const media: OutgoingMedia[] = [];
  const agreed: AgreedLine[] = [];
  for (const [index, line] of received.entries()) {
    const described = answer.media[index];
    const description = described && allowedCodecs(described.kind, described, policy, offer.media[index]?.attributes);
    const local = locals[index];
    if (!line.usable || local === undefined || !isAnswerTo(line, description)) {
      media.push({ ...slotOf(line), open: false });
      agreed.push({ ...slotOf(line), active: false });
      continue;
    }
    const outgoing = answerLine(line, description, offer.media[index]?.attributes ?? [], local, policy.fingerprint);
    media.push(outgoing.media);
    agreed.push(outgoing.agreed);
  }
  return { media, agreed };
}

/**
 * One offer line for each line of `offer`, and port 0 for slots that the session has beyond them (RFC 3264 §8).
 * Errors: 488 when policy requires keys that this leg may not show, or nothing is left to offer.
 */
export function buildOffer(
  offer: SessionDescription,
  locals: Locals,
  terms: OfferTerms,
): Result<BuiltOffer, SdpRefusal> {
  const { policy, committed } = terms;
  if (policy.encryption === 'required' && offeredKeying(policy) === undefined) {
    return err(refusal(488, 'encryption-not-allowed', 'SRTP is required, and this leg may not carry keys'));
  }
  const built = offer.media.map((line, index) => offerLine(line, locals[index], activeAt(committed, index), terms));
  const closed = committed.slice(built.length).map((line) => ({ ...slotOf(line), open: false }) as const);
  const media = [...built.map((line) => line.media), ...closed];
  if (!media.some(({ open }) => open)) return err(refusal(488, 'no-media', 'nothing is left to offer'));
  return ok({ media, offered: [...built.map((line) => line.offered), ...closed] });
}

function slotOf({ kind, protocol, formats }: Slot): Slot {
  return { kind, protocol, formats };
}

function isAnswerTo(line: Slot, description: MediaDescription | undefined): description is MediaDescription {
  return description?.accepted === true && description.kind === line.kind && description.formats.length > 0;
}

function answerLine(
  line: UsableLine,
  description: MediaDescription,
  offered: readonly Attribute[],
  local: LocalMedia,
  fingerprint: Fingerprint | undefined,
): { readonly media: OutgoingMedia; readonly agreed: AgreedLine } {
  const direction = clampToOffer(description.direction, line.direction);
  const rtcpMux = line.wantsMux && local.rtcpPort === undefined;
  const { keys } = line;
  return {
    media: {
      open: true,
      kind: line.kind,
      protocol: line.protocol,
      formats: description.formats,
      local,
      direction,
      bandwidth: description.bandwidth,
      attributes: description.attributes,
      rtcpMux,
      crypto: keys?.kind === 'sdes' ? [ownCrypto(keys)] : [],
      dtls: keys?.kind === 'dtls' && fingerprint !== undefined ? shownDtls(fingerprint, keys) : undefined,
    },
    agreed: {
      ...slotOf(line),
      active: true,
      remote: line.remote,
      sending: receives(line.direction) && sends(direction),
      receiving: sends(line.direction) && receives(direction),
      rtcpMux,
      keys,
      payloadTypes: description.renumbered,
      clockRates: clockRatesOf(description.attributes),
      codecs: codecsByNumber({ ...description, attributes: [...offered, ...description.attributes] }),
    },
  };
}

function offerLine(
  described: MediaDescription,
  local: LocalMedia | undefined,
  previous: ActiveLine | undefined,
  terms: OfferTerms,
): { readonly media: OutgoingMedia; readonly offered: OfferedLine } {
  const line = preferredCodecs(described.kind, described, terms.policy);
  const isAllowed = line.formats.length > 0 && isKindAllowed(line.kind, terms.policy);
  const slot: Slot = {
    kind: line.kind,
    protocol: offeredProtocol(line, previous, terms.policy),
    formats: line.formats.length > 0 ? line.formats : described.formats,
  };
  if (!line.accepted || !isAllowed || local === undefined) {
    const closed = { ...slot, open: false } as const;
    return { media: closed, offered: closed };
  }
  const { direction, bandwidth, attributes } = line;
  const crypto = offeredCrypto(slot.protocol, previous, terms);
  const dtls = offeredDtls(slot.protocol, previous, terms);
  const offersMux = terms.policy.offerRtcpMux || local.rtcpPort === undefined;
  return {
    media: { ...slot, open: true, local, direction, bandwidth, attributes, rtcpMux: offersMux, crypto, dtls },
    offered: { ...slot, open: true, direction, attributes, offersMux, crypto, dtls },
  };
}

/**
 * A line in force keeps its profile; a new one has what policy demands. The F crosses for video only: audio has no use for it,
 * and a PBX that knows RTP/AVP alone would refuse the call of a phone that offers it (RFC 4585 §3.5 leaves it to the offerer).
 */
function offeredProtocol(line: MediaDescription, previous: ActiveLine | undefined, policy: SdpPolicy): string {
  const profile = rtpProfileOf(line.protocol);
  if (profile === undefined) return line.protocol;
  const inForce = previous === undefined ? undefined : rtpProfileOf(previous.protocol);
  const secure = inForce?.secure ?? policy.encryption === 'required';
  const dtls = inForce?.dtls ?? (secure && offeredKeying(policy) === 'dtls');
  const feedback = inForce?.feedback ?? (profile.feedback && line.kind !== 'audio');
  return protocolOf({ secure, dtls, feedback });
}

/** A line in force keeps its suite and key (or their absence), so that refreshing a session changes nothing. */
function offeredCrypto(
  protocol: string,
  previous: ActiveLine | undefined,
  { policy, random }: OfferTerms,
): readonly CryptoAttribute[] {
  if (previous !== undefined) return previous.keys?.kind === 'sdes' ? [ownCrypto(previous.keys)] : [];
  if (!mayKey(policy, 'sdes') || rtpProfileOf(protocol)?.dtls === true) return [];
  return policy.suites.map((suite, index) => freshCrypto(String(index + 1), suite, random));
}

/** A line in force keeps its association, or has none; a new one has DTLS by its profile, or beside SDES (RFC 8643 §3). */
function offeredDtls(
  protocol: string,
  previous: ActiveLine | undefined,
  { policy, random }: OfferTerms,
): OutgoingDtls | undefined {
  const { fingerprint } = policy;
  if (fingerprint === undefined) return undefined;
  if (previous !== undefined) {
    return previous.keys?.kind === 'dtls' ? offerDtls(fingerprint, previous.keys, random) : undefined;
  }
  const profile = rtpProfileOf(protocol);
  const isWanted = profile?.dtls === true || (profile?.secure === false && mayKey(policy, 'dtls'));
  return isWanted ? offerDtls(fingerprint, undefined, random) : undefined;
}

function ownCrypto({ tag, suite, localKey }: AgreedSdes): CryptoAttribute {
  return { tag, suite, keySalt: localKey };
}
