// A peer's offer judged line by line: what can be relayed, with which keys, and why the rest is refused by port 0.
// RFC 3264 §6, RFC 4568 §7.1.2, RFC 5763 §5, RFC 8643 §3.
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  type ActiveLine,
  type AgreedKeys,
  type AgreedLine,
  type AgreedSdes,
  activeAt,
  type RemoteMedia,
  type Slot,
} from './agreed-line.ts';
import { allowedCodecs, isKindAllowed } from './codec-policy.ts';
import { chooseCrypto, freshCrypto, usableCryptoAttributes } from './crypto-attribute.ts';
import type { Direction } from './direction.ts';
import { answerDtls, type DtlsDescription, dtlsDescriptionOf } from './dtls-attributes.ts';
import { isPayloadType } from './payload-types.ts';
import { locateMedia } from './remote-media.ts';
import { rtpProfileOf } from './rtp-profile.ts';
import { type Keying, mayKey, refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
import type { WireDescription, WireMedia } from './wire-description.ts';

export type ReceivedLine = RefusedLine | UsableLine;

export interface RefusedLine extends Slot {
  readonly usable: false;
  /** Undefined: the peer itself gave port 0. */
  readonly refusal: SdpRefusal | undefined;
}

export interface UsableLine extends Slot {
  readonly usable: true;
  readonly direction: Direction;
  readonly remote: RemoteMedia;
  readonly wantsMux: boolean;
  readonly keys: AgreedKeys | undefined;
}

export interface OfferContext {
  readonly policy: SdpPolicy;
  readonly random: Random;
  /** The lines in force, for keys and addresses that stay. */
  readonly committed: readonly AgreedLine[];
}

/** Judges each m-line. Error: 488 when none of them can be used, with the reason of the first. */
export function judgeOffer(wire: WireDescription, context: OfferContext): Result<readonly ReceivedLine[], SdpRefusal> {
  const judged = wire.media.map((line, index) => judgeLine(line, index, context));
  const lines = limitLines(judged.map(refuseAlternative), context.policy.maxMediaLines);
  if (lines.some(({ usable }) => usable)) return ok(lines);
  const refused = lines.find((line): line is RefusedLine => !line.usable && line.refusal !== undefined);
  return err(refused?.refusal ?? refusal(488, 'no-media', `${lines.length} m-lines, none with a port`));
}

function judgeLine(line: WireMedia, index: number, context: OfferContext): ReceivedLine {
  const slot: Slot = { kind: line.kind, protocol: line.protocol, formats: line.formats };
  const refuse = (reason: SdpRefusal | undefined): RefusedLine => ({ ...slot, usable: false, refusal: reason });
  if (line.port === 0) return refuse(undefined);
  if (rtpProfileOf(line.protocol) === undefined || !line.formats.every(isPayloadType)) {
    return refuse(refusal(488, 'unsupported-transport', `expected RTP, got ${line.kind} over ${line.protocol}`));
  }
  if (!isKindAllowed(line.kind, context.policy)) {
    return refuse(refusal(488, 'media-not-allowed', `expected audio, got ${line.kind}`));
  }
  if (allowedCodecs(line.kind, line, context.policy).formats.length === 0) {
    return refuse(refusal(488, 'codec-not-allowed', `no codec of the list among ${line.formats.join(' ')}`));
  }
  const previous = activeAt(context.committed, index);
  const keys = chooseKeys(line, previous?.keys, context);
  if (!keys.ok) return refuse(keys.error);
  const located = locateMedia(line, context.policy, keys.value !== undefined, previous?.remote);
  if (!located.ok) return refuse(located.error);
  const { remote } = located.value;
  return {
    ...slot,
    usable: true,
    ...located.value,
    wantsMux: line.rtcpMux,
    keys: settle(keys.value, previous, remote, context),
  };
}

function settle(
  keys: OfferedKeys,
  previous: ActiveLine | undefined,
  { awaitLatch }: RemoteMedia,
  { random }: OfferContext,
): AgreedKeys | undefined {
  if (keys === undefined || 'kind' in keys) return keys;
  const before = previous?.keys?.kind === 'dtls' ? previous.keys : undefined;
  return answerDtls(keys, before, !awaitLatch, random);
}

type OfferedKeys = AgreedSdes | DtlsDescription | undefined;

/** The kind of keys in force stays while it is on offer; else the first of the policy's that the line has. */
function chooseKeys(
  line: WireMedia,
  previous: AgreedKeys | undefined,
  context: OfferContext,
): Result<OfferedKeys, SdpRefusal> {
  const { policy } = context;
  const profile = rtpProfileOf(line.protocol);
  const kinds = previous === undefined ? policy.keying : [previous.kind, ...policy.keying];
  for (const kind of kinds) {
    if (!mayKey(policy, kind) || (kind === 'sdes' && profile?.dtls === true)) continue;
    const keys = kind === 'sdes' ? chooseSdes(line, previous, context) : dtlsDescriptionOf(line);
    if (keys !== undefined) return ok(keys);
  }
  if (profile?.secure === true) return err(refuseSecure(line, profile.dtls ? ['dtls'] : ['sdes', 'dtls'], policy));
  if (policy.encryption !== 'required') return ok(undefined);
  return err(refusal(488, 'encryption-required', `${line.protocol} without usable keys where SRTP is required`));
}

function refuseSecure(line: WireMedia, kinds: readonly Keying[], policy: SdpPolicy): SdpRefusal {
  if (!kinds.some((kind) => mayKey(policy, kind))) {
    return refusal(488, 'encryption-not-allowed', `${line.protocol} on a leg without such keys`);
  }
  const found = `${line.crypto.length} a=crypto and ${line.fingerprints.length} a=fingerprint lines`;
  return refusal(488, 'no-acceptable-crypto', `none of ${found} can be used`);
}

/** The suite in force stays while it is on offer, and with it our key; so a refreshed session changes nothing. */
function chooseSdes(
  line: WireMedia,
  previous: AgreedKeys | undefined,
  { policy, random, committed }: OfferContext,
): AgreedSdes | undefined {
  const offered = usableCryptoAttributes(line.crypto).filter(({ keySalt }) => !isOurs(keySalt, committed));
  const before = previous?.kind === 'sdes' ? previous : undefined;
  const chosen = chooseCrypto(offered, before === undefined ? policy.suites : [before.suite, ...policy.suites]);
  if (chosen === undefined) return undefined;
  const { tag, suite, keySalt } = chosen;
  const localKey = before?.suite === suite ? before.localKey : freshCrypto(tag, suite, random).keySalt;
  return { kind: 'sdes', tag, suite, localKey, remoteKey: keySalt };
}

/** A key of ours that comes back would protect both directions with one key stream. */
function isOurs(keySalt: string, committed: readonly AgreedLine[]): boolean {
  return committed.some((line) => line.active && line.keys?.kind === 'sdes' && line.keys.localKey === keySalt);
}

/** Some phones offer one stream twice, as RTP/SAVP and as RTP/AVP on the same port: one of them, the encrypted if any. */
function refuseAlternative(line: ReceivedLine, index: number, lines: readonly ReceivedLine[]): ReceivedLine {
  if (!line.usable) return line;
  const isWorse = lines.some((other, otherIndex) => {
    if (!other.usable || otherIndex === index || !isSamePlace(line, other)) return false;
    const isOtherSecure = other.keys !== undefined;
    return isOtherSecure === (line.keys !== undefined) ? otherIndex < index : isOtherSecure;
  });
  if (!isWorse) return line;
  return refuseLine(line, refusal(488, 'unsupported-transport', `a second ${line.kind} on the same port`));
}

function isSamePlace(a: UsableLine, b: UsableLine): boolean {
  return a.kind === b.kind && a.remote.rtp.port === b.remote.rtp.port && a.remote.rtp.address === b.remote.rtp.address;
}

function limitLines(lines: readonly ReceivedLine[], limit: number): readonly ReceivedLine[] {
  let used = 0;
  return lines.map((line) => {
    if (!line.usable) return line;
    used += 1;
    return used <= limit ? line : refuseLine(line, refusal(488, 'too-many-media', `more than ${limit} media lines`));
  });
}

function refuseLine({ kind, protocol, formats }: Slot, reason: SdpRefusal): RefusedLine {
  return { kind, protocol, formats, usable: false, refusal: reason };
}
