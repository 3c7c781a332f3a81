// How much a peer can have to send by the codecs that both sides agreed on. Whoever sends more floods.
// RFC 3551 §4.5, RFC 4733 (events beside speech), RFC 8285 (header extensions).
import type { MediaLimit } from '../plane/messages.ts';
import { codecOf, growthOf, isQuiet } from '../rtp/codec.ts';

/** `name/clock/channels` in lower case. */
export type AgreedCodec = readonly [payloadType: number, name: string];

export const codecLimitTerms = {
  /** For clocks that run fast, RTCP, and what a codec may do beyond its nominal rate. */
  margin: 1.25,
  /** RTP header, a header extension, and the longest tag of SRTP. */
  headerBytes: 12 + 20 + 16,
  /** Telephone events may go beside speech. */
  eventPacketsPerSecond: 50,
} as const;

/**
 * The most of any of the codecs; undefined for other media than audio, and where one of them is not known: then the codecs say
 * nothing of how much may come.
 */
export function codecLimitOf(kind: string, agreed: readonly AgreedCodec[]): MediaLimit | undefined {
  if (kind !== 'audio') return undefined;
  let [packets, bytes, growth] = [0, 0, 1];
  for (const [, name] of agreed) {
    growth *= growthOf(name);
    if (isQuiet(name) || growthOf(name) > 1) continue;
    const codec = codecOf(name);
    if (codec === undefined) return undefined;
    const packetsPerSecond = 1_000 / codec.shortestPacket;
    packets = Math.max(packets, packetsPerSecond);
    bytes = Math.max(bytes, codec.bitsPerSecond / 8 + packetsPerSecond * codecLimitTerms.headerBytes);
  }
  if (packets === 0) return undefined;
  const { margin, eventPacketsPerSecond, headerBytes } = codecLimitTerms;
  return {
    packetsPerSecond: Math.ceil(packets * growth * margin + eventPacketsPerSecond),
    bytesPerSecond: Math.ceil(bytes * growth * margin + eventPacketsPerSecond * headerBytes),
  };
}

/** The less of both, by packets and by bytes. */
export function stricterLimit(a: MediaLimit | undefined, b: MediaLimit | undefined): MediaLimit | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    packetsPerSecond: Math.min(a.packetsPerSecond, b.packetsPerSecond),
    bytesPerSecond: Math.min(a.bytesPerSecond, b.bytesPerSecond),
  };
}
