// Compound RTCP in packet memory: is it well-formed, and whose SSRCs does it name.
// RFC 3550 §6 (SR, RR, SDES, BYE, APP), RFC 4585 §6.1 (feedback), RFC 3611 §4 (XR), RFC 5506 (reduced size).
import type { PacketMemory } from './packet-memory.ts';
import { putWord, wordAt } from './rtp-packet.ts';

export const rtcpType = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  goodbye: 203,
  application: 204,
  transportFeedback: 205,
  payloadFeedback: 206,
  extendedReport: 207,
} as const;

/** Every packet has version 2, a type of RFC 5761 §4, and the lengths add up. An SSRC at least is there. */
export function isCompoundRtcp({ bytes }: PacketMemory, offset: number, length: number): boolean {
  const end = offset + length;
  if (length < 8 || (length & 3) !== 0) return false;
  let at = offset;
  while (at < end) {
    if (end - at < 4 || (bytes[at] ?? 0) >>> 6 !== 2) return false;
    const type = bytes[at + 1] ?? 0;
    if (type < 192 || type > 223) return false;
    at += rtcpPacketBytes(bytes, at);
  }
  return at === end;
}

/** Gives an SSRC (signed 32 bits) its name on the other side. */
export interface SourceNames {
  translate(ssrc: number): number;
}

/**
 * Renames SSRCs in a well-formed compound: of who speaks by `speakers`, of who is spoken about (report blocks, feedback) by
 * `listeners`.
 */
export function renameRtcpSources(
  memory: PacketMemory,
  offset: number,
  length: number,
  speakers: SourceNames,
  listeners: SourceNames,
): void {
  const { bytes } = memory;
  const end = offset + length;
  for (let at = offset; at + 4 <= end; at += rtcpPacketBytes(bytes, at)) {
    const packetEnd = Math.min(end, at + rtcpPacketBytes(bytes, at));
    const count = (bytes[at] ?? 0) & 0x1f;
    switch (bytes[at + 1] ?? 0) {
      case rtcpType.senderReport:
        rename(memory, at + 4, packetEnd, speakers);
        renameReports(memory, at + 28, packetEnd, count, listeners);
        break;
      case rtcpType.receiverReport:
        rename(memory, at + 4, packetEnd, speakers);
        renameReports(memory, at + 8, packetEnd, count, listeners);
        break;
      case rtcpType.sourceDescription:
        renameChunks(memory, at + 4, packetEnd, count, speakers);
        break;
      case rtcpType.goodbye:
        for (let source = 0; source < count; source++) rename(memory, at + 4 + 4 * source, packetEnd, speakers);
        break;
      case rtcpType.application:
        rename(memory, at + 4, packetEnd, speakers);
        break;
      case rtcpType.transportFeedback:
      case rtcpType.payloadFeedback:
        rename(memory, at + 4, packetEnd, speakers);
        rename(memory, at + 8, packetEnd, listeners);
        break;
      case rtcpType.extendedReport:
        rename(memory, at + 4, packetEnd, speakers);
        renameExtendedBlocks(memory, at + 8, packetEnd, listeners);
        break;
    }
  }
}

/** The length of the RTCP packet at `at`, by its header. */
export function rtcpPacketBytes(bytes: Uint8Array, at: number): number {
  return 4 + ((((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) << 2);
}

function rename(memory: PacketMemory, at: number, end: number, names: SourceNames): void {
  if (at + 4 > end) return;
  const ssrc = wordAt(memory, at);
  // Zero names nobody: feedback uses it where it is about the whole transport.
  if (ssrc !== 0) putWord(memory, at, names.translate(ssrc));
}

const reportBlockBytes = 24;

function renameReports(memory: PacketMemory, at: number, end: number, count: number, names: SourceNames): void {
  for (let block = 0; block < count; block++) rename(memory, at + block * reportBlockBytes, end, names);
}

/** Chunk: SSRC, items (type, length, text), a zero, zeros up to a multiple of 4 (RFC 3550 §6.5). */
function renameChunks(memory: PacketMemory, start: number, end: number, count: number, names: SourceNames): void {
  const { bytes } = memory;
  let at = start;
  for (let chunk = 0; chunk < count && at + 4 <= end; chunk++) {
    rename(memory, at, end, names);
    let item = at + 4;
    while (item < end && bytes[item] !== 0) item += 2 + (bytes[item + 1] ?? 0);
    at = start + ((item - start + 4) & ~3);
  }
}

/** Block types 1–3, 6, 7 begin with the SSRC they are about; 5 (DLRR) is a list of 12-byte entries (RFC 3611 §4). */
function renameExtendedBlocks(memory: PacketMemory, start: number, end: number, names: SourceNames): void {
  const { bytes } = memory;
  for (let at = start; at + 4 <= end; at += rtcpPacketBytes(bytes, at)) {
    const type = bytes[at] ?? 0;
    const blockEnd = Math.min(end, at + rtcpPacketBytes(bytes, at));
    if (type === 5)
      for (let entry = at + 4; entry + 12 <= blockEnd; entry += 12) rename(memory, entry, blockEnd, names);
    else if ((type >= 1 && type <= 3) || type === 6 || type === 7) rename(memory, at + 4, blockEnd, names);
  }
}
