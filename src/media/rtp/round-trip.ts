// How long a packet needs to a peer and back, from the sender reports that went to it and what it says of them.
// RFC 3550 §6.4.1: round trip = now - LSR - DLSR; here from when the report left us, so that no clock of a peer matters.
import type { Millis } from '../../core/clock.ts';
import type { PacketMemory } from './packet-memory.ts';
import { rtcpPacketBytes, rtcpType } from './rtcp-packet.ts';
import { wordAt } from './rtp-packet.ts';

export const roundTripLimits = {
  /** Reports that a peer may still refer to. */
  reports: 4,
  /** More than this is a mistake of the peer's. */
  longest: 10_000,
} as const;

export class RoundTrip {
  /** The middle 32 bits of the NTP timestamps that went out, and when. */
  readonly #names: number[] = [];
  readonly #times: number[] = [];
  #next = 0;
  #smoothed: number | undefined;

  /** Smoothed over about eight reports; undefined before the first. */
  get duration(): Millis | undefined {
    return this.#smoothed;
  }

  /** A well-formed compound goes to the peer. */
  sent(memory: PacketMemory, offset: number, length: number, now: Millis): void {
    const { bytes } = memory;
    const end = offset + length;
    for (let at = offset; at + 28 <= end; at += rtcpPacketBytes(bytes, at)) {
      if (bytes[at + 1] !== rtcpType.senderReport) continue;
      this.#names[this.#next] = (wordAt(memory, at + 8) << 16) | (wordAt(memory, at + 12) >>> 16);
      this.#times[this.#next] = now;
      this.#next = (this.#next + 1) % roundTripLimits.reports;
    }
  }

  /** A well-formed compound of the peer, proven. */
  received(memory: PacketMemory, offset: number, length: number, now: Millis): void {
    const { bytes } = memory;
    const end = offset + length;
    for (let at = offset; at + 8 <= end; at += rtcpPacketBytes(bytes, at)) {
      const type = bytes[at + 1];
      if (type !== rtcpType.senderReport && type !== rtcpType.receiverReport) continue;
      const packetEnd = Math.min(end, at + rtcpPacketBytes(bytes, at));
      const count = (bytes[at] ?? 0) & 0x1f;
      let block = at + (type === rtcpType.senderReport ? 28 : 8);
      for (let index = 0; index < count && block + 24 <= packetEnd; index++, block += 24) {
        this.#measure(wordAt(memory, block + 16), wordAt(memory, block + 20) >>> 0, now);
      }
    }
  }

  /** `delay` in 1/65536 s, as the peer says it waited. */
  #measure(name: number, delay: number, now: Millis): void {
    // Zero: the peer has not had a sender report yet.
    if (name === 0) return;
    for (let index = 0; index < roundTripLimits.reports; index++) {
      if (this.#names[index] !== name) continue;
      const measured = now - (this.#times[index] ?? 0) - (delay * 1000) / 65_536;
      // Its clock may tick coarsely: a little below zero is zero.
      if (measured < -20 || measured > roundTripLimits.longest) return;
      const duration = Math.max(0, measured);
      this.#smoothed = this.#smoothed === undefined ? duration : this.#smoothed + (duration - this.#smoothed) / 8;
      return;
    }
  }
}
