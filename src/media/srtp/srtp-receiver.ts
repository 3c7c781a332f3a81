// Unprotects what comes from one peer. The order is always: replay check, authenticate, then commit; a packet that was
// not proven changes nothing. RFC 3711 §3.3 (RTP), §3.4 (RTCP), §3.3.2 (replay).
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { minimumRtpBytes, rtpHeaderBytes, rtpSequence, rtpSsrc, wordAt } from '../rtp/rtp-packet.ts';
import { longestPacketBytes, type SrtpCipher, type SrtpCipherFactory, srtcpIndexOffset } from './cipher.ts';
import { type KeyLedger, ledgerKind } from './index-ledger.ts';
import type { LedgerEntry, ReceivedIndices } from './index-record.ts';
import { LazyCipher } from './lazy-cipher.ts';
import { profileOf, type SrtpKeying, type SrtpProfile } from './profile.ts';
import { ReplayWindow } from './replay-window.ts';
import { RtpIndex } from './rtp-index.ts';
import { srtpFailure, srtpLimits } from './srtp-limits.ts';

export class SrtpReceiver {
  readonly #memory: PacketMemory;
  /** Opened by the first packet, as long as it is not closed. */
  #cipher: SrtpCipher;
  readonly #profile: SrtpProfile;
  readonly #indices = new Map<number, RtpIndex>();
  readonly #rtcpIndices = new Map<number, RtcpIndex>();
  /** Under the previous key; each is consulted until its SSRC is proven under this one. */
  readonly #previous: ReadonlyMap<number, RtpIndex>;
  /** Under this very key, by another process, at some time in the past: nothing up to there is taken. */
  readonly #stale = new Map<number, RtpIndex>();
  #ledger: KeyLedger | undefined;
  #firstAttempts = 0;
  /** The SSRC of the last proven packet and its index: one stream is by far the usual case. */
  #ssrc = 0;
  #index: RtpIndex | undefined;

  /**
   * `keying` has the lengths of its suite. Roll-over counters go on from `previous`, the peer's last key; what was received
   * under the very same key comes from `former`. Both may be closed. What is received is written down in `ledger`.
   */
  constructor(
    keying: SrtpKeying,
    ciphers: SrtpCipherFactory,
    previous?: SrtpReceiver,
    former?: SrtpReceiver,
    ledger?: KeyLedger,
  ) {
    this.#memory = ciphers.memory;
    this.#profile = profileOf(keying.suite);
    this.#cipher = new LazyCipher(keying, ciphers, 'unprotect', (cipher) => {
      this.#cipher = cipher;
    });
    this.#ledger = ledger;
    this.#previous = previous === undefined ? none : new Map(previous.#indices);
    if (former === undefined) return;
    for (const [ssrc, index] of former.#indices) this.#indices.set(ssrc, index);
    for (const [ssrc, index] of former.#rtcpIndices) this.#rtcpIndices.set(ssrc, index);
  }

  /**
   * Goes on with a key that another process received under: from what the ledger says, and where it says nothing from `known`,
   * which may be old, so that the roll-over counter must be searched.
   */
  resume(known: ReceivedIndices): void {
    const written = this.#ledger?.past(ledgerKind.receivedRtp) ?? [];
    for (const { ssrc, highest } of known.rtp) if (highest >= 0) this.#stale.set(ssrc, RtpIndex.resumed(highest));
    for (const { ssrc, highest } of written) {
      this.#stale.delete(ssrc);
      if (highest < 0 || this.#indices.size >= srtpLimits.sources) continue;
      const index = RtpIndex.resumed(highest);
      this.#indices.set(ssrc, index);
      this.#ledger?.note(index, ledgerKind.receivedRtp, ssrc, highest);
    }
    for (const { ssrc, highest } of [...known.rtcp, ...(this.#ledger?.past(ledgerKind.receivedRtcp) ?? [])]) {
      const before = this.#rtcpIndices.get(ssrc);
      // A source that has its place moves on in it, also when all places are taken.
      if (highest < 0 || (before === undefined && this.#rtcpIndices.size >= srtpLimits.sources)) continue;
      if (before !== undefined) this.#ledger?.forget(before);
      const index = RtcpIndex.resumed(Math.max(highest, before?.highest ?? -1));
      this.#rtcpIndices.set(ssrc, index);
      this.#ledger?.note(index, ledgerKind.receivedRtcp, ssrc, index.highest);
    }
  }

  /**
   * Reads what unprotecting the next packet of the same source needs, in three levels, each what the one before led to. Changes nothing; returns
   * something of it, so that it is read.
   */
  preload(level: number): number {
    const index = this.#index;
    if (level === 0 || index === undefined) return this.#ssrc;
    if (level === 1) return index.mark ^ (this.#ledger?.preload(-1) ?? 0);
    return index.preload() ^ (this.#cipher.preload?.() ?? 0) ^ (this.#ledger?.preload(index.mark) ?? 0);
  }

  /** What was received until now, for another process. */
  indices(): ReceivedIndices {
    const entries = (indices: ReadonlyMap<number, { readonly highest: number }>): readonly LedgerEntry[] =>
      Array.from(indices, ([ssrc, { highest }]) => ({ ssrc, highest }));
    return { rtp: [...entries(this.#stale), ...entries(this.#indices)], rtcp: entries(this.#rtcpIndices) };
  }

  /** The new length, or an `srtpFailure`: malformed, tooLarge, replayed, forged, tooManySources. */
  unprotectRtp(offset: number, length: number): number {
    const plainLength = length - this.#profile.rtpTagBytes;
    if (plainLength < minimumRtpBytes) return srtpFailure.malformed;
    if (plainLength > longestPacketBytes) return srtpFailure.tooLarge;
    const headerBytes = rtpHeaderBytes(this.#memory, offset, plainLength);
    if (headerBytes < 0) return srtpFailure.malformed;

    const ssrc = rtpSsrc(this.#memory, offset);
    const sequence = rtpSequence(this.#memory, offset);
    const known = this.#index !== undefined && this.#ssrc === ssrc ? this.#index : this.#indices.get(ssrc);
    if (known === undefined) return this.#firstOf(ssrc, sequence, offset, headerBytes, length);
    const rollOver = known.estimateRollOver(sequence);
    if (rollOver > srtpLimits.highestRollOver || known.isUsed(sequence, rollOver)) return srtpFailure.replayed;
    const unprotected = this.#cipher.unprotectRtp(offset, headerBytes, length, rollOver);
    if (unprotected < 0) return srtpFailure.forged;
    known.commit(sequence, rollOver);
    this.#ledger?.note(known, ledgerKind.receivedRtp, ssrc, known.highest);
    this.#ssrc = ssrc;
    this.#index = known;
    return unprotected;
  }

  /** The new length, or an `srtpFailure`: malformed, tooLarge, replayed, forged, tooManySources. */
  unprotectRtcp(offset: number, length: number): number {
    const plainLength = length - 4 - this.#profile.rtcpTagBytes;
    if (plainLength < srtpLimits.shortestRtcpBytes) return srtpFailure.malformed;
    if (plainLength > longestPacketBytes) return srtpFailure.tooLarge;
    const ssrc = wordAt(this.#memory, offset + 4);
    const index = wordAt(this.#memory, srtcpIndexOffset(this.#profile, offset, length)) & srtpLimits.highestRtcpIndex;
    const known = this.#rtcpIndices.get(ssrc);
    if (known === undefined && this.#rtcpIndices.size >= srtpLimits.sources) return srtpFailure.tooManySources;
    if (known?.isUsed(index) === true) return srtpFailure.replayed;
    const unprotected = this.#cipher.unprotectRtcp(offset, length);
    if (unprotected < 0) return srtpFailure.forged;
    const proven = known ?? new RtcpIndex();
    if (known === undefined) this.#rtcpIndices.set(ssrc, proven);
    proven.commit(index);
    this.#ledger?.note(proven, ledgerKind.receivedRtcp, ssrc, proven.highest);
    return unprotected;
  }

  /** True once a packet was proven under this key. */
  get hasReceived(): boolean {
    return this.#indices.size + this.#rtcpIndices.size > 0;
  }

  /** Forgets the key. What was received stays known, for a successor. */
  close(): void {
    this.#cipher.close();
    if (this.#ledger === undefined) return;
    for (const index of this.#indices.values()) this.#ledger.forget(index);
    for (const index of this.#rtcpIndices.values()) this.#ledger.forget(index);
    this.#ledger = undefined;
  }

  #firstOf(ssrc: number, sequence: number, offset: number, headerBytes: number, length: number): number {
    if (this.#indices.size >= srtpLimits.sources) return srtpFailure.tooManySources;
    const stale = this.#stale.get(ssrc);
    const rollOver = stale === undefined ? this.#firstRollOver(ssrc, sequence) : this.#laterRollOver(stale, sequence);
    if (stale?.isUsed(sequence, rollOver) === true) return srtpFailure.replayed;
    const unprotected = this.#cipher.unprotectRtp(offset, headerBytes, length, rollOver);
    if (unprotected < 0) return srtpFailure.forged;
    const index = stale ?? new RtpIndex();
    this.#stale.delete(ssrc);
    index.commit(sequence, rollOver);
    this.#ledger?.note(index, ledgerKind.receivedRtp, ssrc, index.highest);
    this.#indices.set(ssrc, index);
    this.#ssrc = ssrc;
    this.#index = index;
    return unprotected;
  }

  /** Nobody knows how long nobody listened: each packet tries the next counter, until one is proven. */
  #laterRollOver(stale: RtpIndex, sequence: number): number {
    const expected = Math.max(0, stale.estimateRollOver(sequence));
    const first = stale.isUsed(sequence, expected) ? expected + 1 : expected;
    const rollOver = first + (this.#firstAttempts % srtpLimits.rollOversSearched);
    this.#firstAttempts = (this.#firstAttempts + 1) & 0xffff;
    return Math.min(rollOver, srtpLimits.highestRollOver);
  }

  /**
   * After a change of key the counter goes on (RFC 3711 §3.3.1), but many a peer starts again at 0. A packet can be tried
   * once only, in place: until one is proven the two take turns.
   */
  #firstRollOver(ssrc: number, sequence: number): number {
    const continued = this.#previous.get(ssrc)?.estimateRollOver(sequence) ?? 0;
    if (continued <= 0) return 0;
    this.#firstAttempts = (this.#firstAttempts + 1) & 1;
    return this.#firstAttempts === 1 ? continued : 0;
  }
}

const none: ReadonlyMap<number, RtpIndex> = new Map();

/** SRTCP carries its 31-bit index whole, so that there is nothing to estimate (RFC 3711 §3.4). */
class RtcpIndex {
  #window = new ReplayWindow();
  #highest = -1;
  mark = -1;

  static resumed(highest: number): RtcpIndex {
    const index = new RtcpIndex();
    index.#window = ReplayWindow.full();
    index.#highest = highest;
    return index;
  }

  get highest(): number {
    return this.#highest;
  }

  isUsed(index: number): boolean {
    return this.#highest >= 0 && this.#window.has(index - this.#highest);
  }

  commit(index: number): void {
    const distance = this.#highest < 0 ? 1 : index - this.#highest;
    this.#window.add(distance);
    if (distance > 0) this.#highest = index;
  }
}
