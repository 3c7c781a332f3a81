// What a phone hears of one stream, packet by packet, as it arrives: silences, and indices that came twice.
import type { PhoneMedia } from '../../support/phone-media.ts';
import { sequenceOf, ssrcOf } from '../../support/rtp-packets.ts';

export class StreamRecord {
  /** Packets whose (SSRC, sequence number) had come before with other contents (RFC 3711 §9.1). */
  reused = 0;
  packets = 0;
  readonly #contents = new Map<string, string>();
  readonly #ssrcs = new Set<number>();
  #last: number | undefined;
  #longest = 0;

  constructor(media: PhoneMedia) {
    media.watch = (packet) => this.#arrived(Buffer.from(packet));
  }

  get ssrcs(): number {
    return this.#ssrcs.size;
  }

  /** The longest time between two packets since this was asked last, in milliseconds. */
  takeLongestGap(): number {
    const longest = this.#longest;
    this.#longest = 0;
    return longest;
  }

  #arrived(packet: Buffer): void {
    const now = performance.now();
    if (this.#last !== undefined) this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
    this.packets += 1;
    this.#ssrcs.add(ssrcOf(packet));
    const key = `${ssrcOf(packet)} ${sequenceOf(packet)}`;
    const contents = packet.toString('latin1');
    const before = this.#contents.get(key);
    if (before !== undefined && before !== contents) this.reused += 1;
    this.#contents.set(key, contents);
  }
}
