// The headers of a stream's first packets, for a capture: never a payload, never a key. RFC 3550 §5.1 (RTP), §6.4 (RTCP).
//
//  record, 48 B:  0 when, f64, milliseconds since 1970 | 8 length on the wire u16 | 10 1: RTCP u8 | 11 bytes of header u8 | 12 header
import type { EpochMillis } from '../../core/clock.ts';
import type { PacketMemory } from './packet-memory.ts';
import { rtpHeaderBytes } from './rtp-packet.ts';

export interface PacketHeader {
  readonly at: EpochMillis;
  /** Of the whole datagram, with what protects it. */
  readonly length: number;
  readonly kind: 'rtp' | 'rtcp';
  /** Its first bytes: for RTP the header with CSRCs and extension, up to `longestHeader`; for RTCP up to the first SSRC. */
  readonly header: Uint8Array;
}

const nothing = new Uint8Array(0);
const recordBytes = 48;
const longestHeader = 36;
/** What SRTCP leaves readable (RFC 3711 §3.4). */
const rtcpHeaderBytes = 8;

export const headerNotesLimits = {
  /** A stream is noted anew whenever something was agreed anew, so often in all. */
  rounds: 4,
} as const;

export class HeaderNotes {
  readonly #packets: number;
  #rounds = 1;
  #bytes = nothing;
  #count = 0;

  /** `packets`: of each round; 0 notes nothing. */
  constructor(packets: number) {
    this.#packets = packets;
  }

  /** There is room for one more. */
  get isOpen(): boolean {
    return this.#count < this.#packets * this.#rounds;
  }

  /** Something was agreed anew: as many packets again. */
  reopen(): void {
    if (this.#count > 0 && this.#rounds < headerNotesLimits.rounds) this.#rounds += 1;
  }

  /** One well-formed packet of `length` bytes; nothing is noted where there is no room. */
  note(memory: PacketMemory, offset: number, length: number, kind: PacketHeader['kind'], at: EpochMillis): void {
    if (!this.isOpen) return;
    const start = this.#count * recordBytes;
    if (start + recordBytes > this.#bytes.length) this.#grow();
    const whole = kind === 'rtp' ? Math.max(0, rtpHeaderBytes(memory, offset, length)) : rtcpHeaderBytes;
    const headerBytes = Math.min(whole, longestHeader, length);
    const view = new DataView(this.#bytes.buffer);
    view.setFloat64(start, at, true);
    view.setUint16(start + 8, length, true);
    view.setUint8(start + 10, kind === 'rtp' ? 0 : 1);
    view.setUint8(start + 11, headerBytes);
    this.#bytes.set(memory.bytes.subarray(offset, offset + headerBytes), start + 12);
    this.#count += 1;
  }

  /** A copy, for `readHeaders`. */
  get records(): Uint8Array {
    return this.#count === 0 ? nothing : this.#bytes.slice(0, this.#count * recordBytes);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#packets * this.#rounds * recordBytes);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** What `HeaderNotes` wrote. */
export function readHeaders(records: Uint8Array): readonly PacketHeader[] {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const count = Math.floor(records.length / recordBytes);
  return Array.from({ length: count }, (_, index) => {
    const start = index * recordBytes;
    return {
      at: view.getFloat64(start, true),
      length: view.getUint16(start + 8, true),
      kind: view.getUint8(start + 10) === 0 ? 'rtp' : 'rtcp',
      header: records.subarray(start + 12, start + 12 + view.getUint8(start + 11)),
    };
  });
}
