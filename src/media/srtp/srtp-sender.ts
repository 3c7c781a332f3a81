// Protects what leaves towards one peer: one key, any number of SSRCs, and no (key, SSRC, index) twice.
// RFC 3711 §3.3 (RTP), §3.4 (RTCP), §9.1 (why an index must never come back).
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { rtpHeaderBytes, rtpSequence, rtpSsrc } from '../rtp/rtp-packet.ts';
import { longestPacketBytes, type SrtpCipher, type SrtpCipherFactory } from './cipher.ts';
import { type KeyLedger, ledgerKind } from './index-ledger.ts';
import type { SentIndices } from './index-record.ts';
import { LazyCipher } from './lazy-cipher.ts';
import type { SrtpKeying } from './profile.ts';
import { RtpIndex } from './rtp-index.ts';
import { srtpFailure, srtpLimits } from './srtp-limits.ts';

export class SrtpSender {
  readonly #memory: PacketMemory;
  /** Opened by the first packet, as long as it is not closed. */
  #cipher: SrtpCipher;
  readonly #indices = new Map<number, RtpIndex>();
  /** The SSRC of the last packet and its index: one stream is by far the usual case. */
  #ssrc = 0;
  #index: RtpIndex | undefined;
  #rtcpIndex = 0;
  readonly #rtcpMark = { mark: -1 };
  /** Undefined: nothing is written down, and whoever resumes this key must name everything afresh. */
  #ledger: KeyLedger | undefined;

  /**
   * `keying` has the lengths of its suite. Indices go on from `previous`, which may be closed: should its key, or an even
   * earlier one, come back, nothing is used twice. What is used is written down in `ledger`.
   */
  constructor(keying: SrtpKeying, ciphers: SrtpCipherFactory, previous?: SrtpSender, ledger?: KeyLedger) {
    this.#memory = ciphers.memory;
    this.#cipher = new LazyCipher(keying, ciphers, 'protect', (cipher) => {
      this.#cipher = cipher;
    });
    this.#ledger = ledger;
    if (previous !== undefined) {
      for (const [ssrc, index] of previous.#indices) this.#indices.set(ssrc, index.copy());
      this.#rtcpIndex = previous.#rtcpIndex;
    }
    this.#noteRtcp();
    // Without a place for RTCP what is said of RTP would not be the whole truth.
    if (ledger?.isNoted(this.#rtcpMark) === false) this.#ledger = undefined;
  }

  /**
   * Goes on with a key that another process used: from `known`, which may be old, and from what the ledger says, which is the
   * truth. Returns the SSRCs that may go on; empty without a ledger, and then everything needs a fresh name.
   */
  resume(known: SentIndices): ReadonlySet<number> {
    const written = this.#ledger?.past(ledgerKind.sentRtcp)[0];
    const continued = written === undefined ? [] : (this.#ledger?.past(ledgerKind.sentRtp) ?? []);
    for (const { ssrc, highest } of [...known.rtp, ...continued]) {
      const before = this.#indices.get(ssrc);
      // A source that has its place moves on in it, also when all places are taken.
      if (highest < 0 || (before === undefined && this.#indices.size >= srtpLimits.sources)) continue;
      const index = RtpIndex.resumed(Math.max(highest, before?.highest ?? -1));
      if (before !== undefined) this.#ledger?.forget(before);
      this.#indices.set(ssrc, index);
      this.#ledger?.note(index, ledgerKind.sentRtp, ssrc, index.highest);
    }
    this.#rtcpIndex = Math.max(this.#rtcpIndex, known.rtcp, (written?.highest ?? -1) + 1);
    this.#noteRtcp();
    return new Set(continued.map(({ ssrc }) => ssrc));
  }

  /**
   * Reads what protecting the next packet of the same source needs, in three levels, each what the one before led to. Changes nothing; returns
   * something of it, so that it is read.
   */
  preload(level: number): number {
    const index = this.#index;
    if (level === 0 || index === undefined) return this.#ssrc;
    if (level === 1) return index.mark ^ (this.#ledger?.preload(-1) ?? 0);
    return index.preload() ^ (this.#cipher.preload?.() ?? 0) ^ (this.#ledger?.preload(index.mark) ?? 0);
  }

  /** What was used until now, for another process. */
  indices(): SentIndices {
    return { rtp: Array.from(this.#indices, ([ssrc, { highest }]) => ({ ssrc, highest })), rtcp: this.#rtcpIndex };
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
    this.#ledger?.note(index, ledgerKind.sentRtp, this.#ssrc, index.highest);
    return this.#cipher.protectRtp(offset, headerBytes, length, rollOver);
  }

  /** The new length, or an `srtpFailure`: malformed, tooLarge, indexUsed (after 2^31 packets). */
  protectRtcp(offset: number, length: number): number {
    if (length < srtpLimits.shortestRtcpBytes) return srtpFailure.malformed;
    if (length > longestPacketBytes) return srtpFailure.tooLarge;
    if (this.#rtcpIndex > srtpLimits.highestRtcpIndex) return srtpFailure.indexUsed;
    const index = this.#rtcpIndex;
    this.#rtcpIndex += 1;
    this.#noteRtcp();
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
    if (this.#ledger === undefined) return;
    for (const index of this.#indices.values()) this.#ledger.forget(index);
    this.#ledger.forget(this.#rtcpMark);
    this.#ledger = undefined;
  }

  #noteRtcp(): void {
    this.#ledger?.note(this.#rtcpMark, ledgerKind.sentRtcp, 0, this.#rtcpIndex - 1);
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
