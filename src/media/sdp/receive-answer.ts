// A peer's answer checked against the offer that was sent: line by line the same media, the same protection, one of our keys.
// RFC 3264 §6 and §7, RFC 4568 §7.1.3, RFC 5763 §5, RFC 8643 §3.1.
import { err, ok, type Result } from '../../core/result.ts';
import { type AgreedKeys, type AgreedLine, type AgreedSdes, activeAt, type Slot } from './agreed-line.ts';
import { allowedCodecs } from './codec-policy.ts';
import { type CryptoAttribute, parseCryptoAttribute, sameTag } from './crypto-attribute.ts';
import { clampToOffer, type Direction, receives, sends } from './direction.ts';
import { type AgreedDtls, concludeDtls, dtlsDescriptionOf, type OutgoingDtls } from './dtls-attributes.ts';
import { clockRatesOf, codecsByNumber, isPayloadType, renumberToOffer } from './payload-types.ts';
import { locateMedia } from './remote-media.ts';
import { rtpProfileOf } from './rtp-profile.ts';
import { refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
import { type MediaDescription, mediaDescriptionOf } from './session-description.ts';
import type { Attribute, WireDescription, WireMedia } from './wire-description.ts';

export type OfferedLine = EmptyLine | OpenLine;

/** A slot that we offered with port 0. */
export interface EmptyLine extends Slot {
  readonly open: false;
}

export interface OpenLine extends Slot {
  readonly open: true;
  readonly direction: Direction;
  readonly attributes: readonly Attribute[];
  readonly offersMux: boolean;
  readonly crypto: readonly CryptoAttribute[];
  readonly dtls: OutgoingDtls | undefined;
}

export interface AnswerContext {
  readonly policy: SdpPolicy;
  readonly offered: readonly OfferedLine[];
  readonly committed: readonly AgreedLine[];
}

export interface JudgedAnswer {
  readonly agreed: readonly AgreedLine[];
  readonly media: readonly MediaDescription[];
}

/** Checks an answer; m-lines that it leaves out count as refused. Error: 488, and the offer is as good as rejected. */
export function judgeAnswer(wire: WireDescription, context: AnswerContext): Result<JudgedAnswer, SdpRefusal> {
  const { offered } = context;
  if (wire.media.length > offered.length) {
    return mismatch(`${wire.media.length} m-lines answer an offer of ${offered.length}`);
  }
  const agreed: AgreedLine[] = [];
  const media: MediaDescription[] = [];
  for (const [index, offer] of offered.entries()) {
    const line = wire.media[index];
    const judged = judgeLine(offer, line, index, context);
    if (!judged.ok) return judged;
    agreed.push(judged.value.agreed);
    media.push(judged.value.media);
  }
  if (agreed.some(({ active }) => active)) return ok({ agreed, media });
  return err(refusal(488, 'no-media', 'the answer refuses every m-line'));
}

function mismatch(detail: string): { readonly ok: false; readonly error: SdpRefusal } {
  return err(refusal(488, 'answer-mismatch', detail));
}

function judgeLine(
  offer: OfferedLine,
  line: WireMedia | undefined,
  index: number,
  context: AnswerContext,
): Result<{ readonly agreed: AgreedLine; readonly media: MediaDescription }, SdpRefusal> {
  if (!offer.open || line === undefined || line.port === 0) return ok(rejected(offer));
  if (line.kind !== offer.kind) return mismatch(`m-line ${index + 1}: offered ${offer.kind}, answered ${line.kind}`);
  const keys = agreedKeys(offer, line, context.policy);
  if (!keys.ok) return keys;
  const previous = activeAt(context.committed, index)?.remote;
  const located = locateMedia(line, context.policy, keys.value !== undefined, previous);
  if (!located.ok) return located;
  const neutral = mediaDescriptionOf(line, true, clampToOffer(located.value.direction, offer.direction));
  const renumbered = renumberToOffer(offer, neutral);
  const { formats, attributes, pairs } = allowedCodecs(line.kind, renumbered, context.policy, offer.attributes);
  if (!line.formats.every(isPayloadType) || formats.length === 0) {
    return mismatch(`m-line ${index + 1}: no payload type of the offer in ${line.formats.join(' ')}`);
  }
  // A peer should send what we numbered (RFC 3264 §6.1); one that sends its own numbers is understood where they are free.
  const back = pairs
    .filter(([, wanted]) => !offer.formats.includes(String(wanted)))
    .map(([offered, wanted]) => [wanted, offered] as const);
  const agreed: AgreedLine = {
    active: true,
    kind: offer.kind,
    protocol: offer.protocol,
    formats: offer.formats,
    remote: located.value.remote,
    sending: sends(offer.direction) && receives(neutral.direction),
    receiving: receives(offer.direction) && sends(neutral.direction),
    rtcpMux: offer.offersMux && line.rtcpMux,
    keys: keys.value,
    payloadTypes: back,
    clockRates: withMapped(clockRatesOf(attributes), back, () => clockRatesOf(neutral.attributes)),
    codecs: withMapped(codecsByNumber({ formats, attributes: [...offer.attributes, ...attributes] }), back, () =>
      codecsByNumber(neutral),
    ),
  };
  return ok({ agreed, media: { ...neutral, formats, attributes, renumbered: pairs } });
}

/** `known`, and of the peer's own numbers those that are mapped back. */
function withMapped<T>(
  known: readonly (readonly [type: number, T])[],
  back: readonly (readonly [from: number, to: number])[],
  ofPeer: () => readonly (readonly [type: number, T])[],
): readonly (readonly [type: number, T])[] {
  if (back.length === 0) return known;
  return [...known, ...ofPeer().filter(([type]) => back.some(([from]) => from === type))];
}

function rejected({ kind, protocol, formats }: Slot): {
  readonly agreed: AgreedLine;
  readonly media: MediaDescription;
} {
  return {
    agreed: { active: false, kind, protocol, formats },
    media: {
      kind,
      accepted: false,
      protocol,
      formats,
      direction: 'inactive',
      bandwidth: [],
      attributes: [],
      renumbered: [],
    },
  };
}

/** A secure profile is never answered by plain RTP; RTP/AVP with keys may be (RFC 8643), unless policy requires them. */
function agreedKeys(offer: OpenLine, line: WireMedia, policy: SdpPolicy): Result<AgreedKeys | undefined, SdpRefusal> {
  const profile = rtpProfileOf(line.protocol);
  const offered = rtpProfileOf(offer.protocol);
  const isWeaker = offered?.secure === true && profile?.secure === false;
  if (profile === undefined || isWeaker || profile.dtls !== offered?.dtls) {
    return mismatch(`offered ${offer.protocol}, answered ${line.protocol}`);
  }
  const hasKeys = offer.crypto.length > 0 || offer.dtls !== undefined;
  if (!hasKeys)
    return profile.secure ? mismatch(`offered ${offer.protocol}, answered ${line.protocol}`) : ok(undefined);
  if (
    offer.dtls !== undefined &&
    line.fingerprints.length > 0 &&
    (line.crypto.length === 0 || offer.crypto.length === 0)
  ) {
    return matchDtls(offer.dtls, line);
  }
  if (line.crypto.length === 0 && !profile.secure) {
    if (policy.encryption !== 'required') return ok(undefined);
    return err(refusal(488, 'encryption-required', 'the answer has no keys where SRTP is required'));
  }
  return matchCrypto(offer.crypto, line.crypto);
}

function matchDtls(offered: OutgoingDtls, line: WireMedia): Result<AgreedDtls, SdpRefusal> {
  const answer = dtlsDescriptionOf(line);
  if (answer === undefined) return cryptoMismatch('no a=fingerprint and a=setup in the answer that can be used');
  const agreed = concludeDtls(offered, answer);
  return agreed === undefined ? cryptoMismatch(`setup:${offered.setup} answered by ${answer.setup}`) : ok(agreed);
}

function matchCrypto(offered: readonly CryptoAttribute[], answered: readonly string[]): Result<AgreedSdes, SdpRefusal> {
  const [value] = answered;
  if (value === undefined || answered.length !== 1) {
    return cryptoMismatch(`expected one a=crypto line, got ${answered.length}`);
  }
  const parsed = parseCryptoAttribute(value);
  if (!parsed.ok) return cryptoMismatch(parsed.error);
  const { tag, suite, keySalt } = parsed.value;
  const ours = offered.find((candidate) => sameTag(candidate.tag, tag));
  if (ours === undefined || ours.suite !== suite) return cryptoMismatch(`tag ${tag} with ${suite} was not offered`);
  if (offered.some((candidate) => candidate.keySalt === keySalt)) return cryptoMismatch('our own key came back');
  return ok({ kind: 'sdes', tag: ours.tag, suite, localKey: ours.keySalt, remoteKey: keySalt });
}

function cryptoMismatch(detail: string): { readonly ok: false; readonly error: SdpRefusal } {
  return err(refusal(488, 'crypto-mismatch', detail));
}
