// A peer's offer judged line by line: what can be relayed, with which keys, and why the rest is refused by port 0.
// RFC 3264 §6, RFC 4568 §7.1.2, RFC 8643 §3.
import type { Random } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type AgreedKeys, type AgreedLine, activeAt, type RemoteMedia, type Slot } from './agreed-line.ts';
import { chooseCrypto, freshCrypto, usableCryptoAttributes } from './crypto-attribute.ts';
import type { Direction } from './direction.ts';
import { isPayloadType } from './payload-types.ts';
import { locateMedia } from './remote-media.ts';
import { rtpProfileOf } from './rtp-profile.ts';
import { refusal, type SdpPolicy, type SdpRefusal } from './sdp-policy.ts';
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
  const previous = activeAt(context.committed, index);
  const keys = chooseKeys(line, previous?.keys, context);
  if (!keys.ok) return refuse(keys.error);
  const located = locateMedia(line, context.policy, keys.value !== undefined, previous?.remote);
  if (!located.ok) return refuse(located.error);
  return { ...slot, usable: true, ...located.value, wantsMux: line.rtcpMux, keys: keys.value };
}

/** The suite in force stays while it is on offer, and with it our key; so a refreshed session changes nothing. */
function chooseKeys(
  line: WireMedia,
  previous: AgreedKeys | undefined,
  { policy, random, committed }: OfferContext,
): Result<AgreedKeys | undefined, SdpRefusal> {
  const isSecure = rtpProfileOf(line.protocol)?.secure === true;
  const mayKey = policy.encryption !== 'off' && policy.secureSignalling;
  const offered = mayKey
    ? usableCryptoAttributes(line.crypto).filter(({ keySalt }) => !isOurs(keySalt, committed))
    : [];
  const preference = previous === undefined ? policy.suites : [previous.suite, ...policy.suites];
  const chosen = chooseCrypto(offered, preference);
  if (chosen !== undefined) {
    const { tag, suite, keySalt } = chosen;
    const localKey = previous?.suite === suite ? previous.localKey : freshCrypto(tag, suite, random).keySalt;
    return ok({ tag, suite, localKey, remoteKey: keySalt });
  }
  if (isSecure && !mayKey) return err(refusal(488, 'encryption-not-allowed', `${line.protocol} on a leg without keys`));
  if (isSecure)
    return err(refusal(488, 'no-acceptable-crypto', `none of ${line.crypto.length} a=crypto lines can be used`));
  if (policy.encryption !== 'required') return ok(undefined);
  return err(refusal(488, 'encryption-required', `${line.protocol} without usable a=crypto where SRTP is required`));
}

/** A key of ours that comes back would protect both directions with one key stream. */
function isOurs(keySalt: string, committed: readonly AgreedLine[]): boolean {
  return committed.some((line) => line.active && line.keys?.localKey === keySalt);
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
