// Protects what leaves towards one peer: one key, any number of SSRCs, and no (key, SSRC, index) twice.
// RFC 3711 §3.3 (RTP), §3.4 (RTCP), §9.1 (why an index must never come back).
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { rtpHeaderBytes, rtpSequence, rtpSsrc } from '../rtp/rtp-packet.ts';
import { longestPacketBytes, type SrtpCipher, type SrtpCipherFactory } from './cipher.ts';
import { deriveSessionKeys } from './key-derivation.ts';
import { profileOf, type SrtpKeying } from './profile.ts';
import { RtpIndex } from './rtp-index.ts';
import { srtpFailure, srtpLimits } from './srtp-limits.ts';

export class SrtpSender {
  readonly #memory: PacketMemory;
  readonly #cipher: SrtpCipher;
  readonly #indices = new Map<number, RtpIndex>();
  /** The SSRC of the last packet and its index: one stream is by far the usual case. */
  #ssrc = 0;
  #index: RtpIndex | undefined;
  #rtcpIndex = 0;

  /**
   * `keying` has the lengths of its suite. Indices go on from `previous`, which may be closed: should its key, or an even
   * earlier one, come back, nothing is used twice.
   */
  constructor(keying: SrtpKeying, ciphers: SrtpCipherFactory, previous?: SrtpSender) {
    this.#memory = ciphers.memory;
    this.#cipher = ciphers.open(profileOf(keying.suite), deriveSessionKeys(keying), 'protect');
    if (previous === undefined) return;
    for (const [ssrc, index] of previous.#indices) this.#indices.set(ssrc, index.copy());
    this.#rtcpIndex = previous.#rtcpIndex;
  }

  /** The new length, or an `srtpFailure`: malformed, tooLarge, indexUsed, indexBehind, tooManySources. */
  protectRtp(offset: number, length: number): number {
    const headerBytes = rtpHeaderBytes(this.#memory, offset, length);
    if (headerBytes < 0) return srtpFailure.malformed;
    if (length > longestPacketBytes) return srtpFailure.tooLarge;
    const index = this.#indexOf(rtpSsrc(this.#memory, offset));
    if (index === undefined) return srtpFailure.tooManySources;
    const sequence = rtpSequence(this.#memory, offset);
    const rollOver = index.estimateRollOver(sequence);
    if (index.isBehindWindow(sequence, rollOver)) return srtpFailure.indexBehind;
    if (rollOver > srtpLimits.highestRollOver || index.isUsed(sequence, rollOver)) return srtpFailure.indexUsed;
    index.commit(sequence, rollOver);
    return this.#cipher.protectRtp(offset, headerBytes, length, rollOver);
  }

  /** The new length, or an `srtpFailure`: malformed, tooLarge, indexUsed (after 2^31 packets). */
  protectRtcp(offset: number, length: number): number {
    if (length < srtpLimits.shortestRtcpBytes) return srtpFailure.malformed;
    if (length > longestPacketBytes) return srtpFailure.tooLarge;
    if (this.#rtcpIndex > srtpLimits.highestRtcpIndex) return srtpFailure.indexUsed;
    const index = this.#rtcpIndex;
    this.#rtcpIndex += 1;
    return this.#cipher.protectRtcp(offset, length, index);
  }

  /** True when something was sent under this SSRC (signed 32 bits) and this key. */
  hasUsed(ssrc: number): boolean {
    return this.#indices.has(ssrc);
  }

  /**
   * True when a sequence number wrapped under this key. After a change of key some peers go on with the roll-over counter and
   * some start at 0: while it is 0 they agree, and afterwards only a fresh SSRC is understood by both.
   */
  get hasRolledOver(): boolean {
    for (const index of this.#indices.values()) if (index.rollOver > 0) return true;
    return false;
  }

  /** Forgets the key. What was used stays known, for a successor. */
  close(): void {
    this.#cipher.close();
  }

  #indexOf(ssrc: number): RtpIndex | undefined {
    if (this.#index !== undefined && this.#ssrc === ssrc) return this.#index;
    let index = this.#indices.get(ssrc);
    if (index === undefined) {
      if (this.#indices.size >= srtpLimits.sources) return undefined;
      index = new RtpIndex();
      this.#indices.set(ssrc, index);
    }
    this.#ssrc = ssrc;
    this.#index = index;
    return index;
  }
}
