// Reading RTP headers in packet memory. RFC 3550 §5.1, §5.3.1 (extension).
//
//  0                   1                   2                   3
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |  timestamp, SSRC, CC × CSRC, [profile, length, words]
import type { PacketMemory } from './packet-memory.ts';

/** Without CSRCs and extension. */
export const minimumRtpBytes = 12;

/** Header length with CSRCs and extension; -1 when the version is not 2 or the header is longer than the packet. */
export function rtpHeaderBytes({ bytes }: PacketMemory, offset: number, length: number): number {
  if (length < minimumRtpBytes) return -1;
  const first = bytes[offset] ?? 0;
  if (first >>> 6 !== 2) return -1;
  let headerBytes = minimumRtpBytes + ((first & 0x0f) << 2);
  if ((first & 0x10) !== 0) {
    if (headerBytes + 4 > length) return -1;
    const at = offset + headerBytes + 2;
    headerBytes += 4 + ((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) << 2);
  }
  return headerBytes <= length ? headerBytes : -1;
}

export function rtpSequence({ bytes }: PacketMemory, offset: number): number {
  return ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
}

export function rtpPayloadType({ bytes }: PacketMemory, offset: number): number {
  return (bytes[offset + 1] ?? 0) & 0x7f;
}

/** As a signed 32-bit integer, so that no number is allocated for it. */
export function rtpTimestamp(memory: PacketMemory, offset: number): number {
  return wordAt(memory, offset + 4);
}

/** As a signed 32-bit integer, so that no number is allocated for it. */
export function rtpSsrc(memory: PacketMemory, offset: number): number {
  return wordAt(memory, offset + 8);
}

/** The 32 bits at `offset` in network order, signed. */
export function wordAt({ bytes }: PacketMemory, offset: number): number {
  return (
    ((bytes[offset] ?? 0) << 24) |
    ((bytes[offset + 1] ?? 0) << 16) |
    ((bytes[offset + 2] ?? 0) << 8) |
    (bytes[offset + 3] ?? 0)
  );
}

/** Writes 32 bits in network order. */
export function putWord({ bytes }: PacketMemory, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
