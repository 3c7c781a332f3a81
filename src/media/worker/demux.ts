// Which protocol a datagram on a media port speaks, by its first two bytes.
// RFC 7983 §7 (first byte), RFC 5761 §4 (RTP or RTCP: packet types 192–223 against payload types without 64–95).
import type { PacketMemory } from '../rtp/packet-memory.ts';

export const packetKind = { rtp: 0, rtcp: 1, stun: 2, zrtp: 3, dtls: 4, turnChannel: 5, unknown: 6 } as const;

export type PacketKind = (typeof packetKind)[keyof typeof packetKind];

export function packetKindOf({ bytes }: PacketMemory, offset: number, length: number): PacketKind {
  if (length < 4) return packetKind.unknown;
  const first = bytes[offset] ?? 0;
  if (first >= 128 && first <= 191) {
    const second = bytes[offset + 1] ?? 0;
    if (second >= 192 && second <= 223) return packetKind.rtcp;
    // Payload types 64–95 without marker: no RTP that could ever be told from RTCP.
    return second >= 64 && second <= 95 ? packetKind.unknown : packetKind.rtp;
  }
  if (first <= 3) return packetKind.stun;
  if (first >= 16 && first <= 19) return packetKind.zrtp;
  if (first >= 20 && first <= 63) return packetKind.dtls;
  return first >= 64 && first <= 79 ? packetKind.turnChannel : packetKind.unknown;
}
