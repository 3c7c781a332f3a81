// Names in RTCP source descriptions tell where a phone or PBX lives (`root@10.0.0.5`): they do not cross the border.
// RFC 3550 §6.5. Lengths stay as they are, and a CNAME stays the same one for its source, so that receivers still
// recognise it.
import type { PacketMemory } from './packet-memory.ts';
import { rtcpType } from './rtcp-packet.ts';

/** Overwrites the text of CNAME, NAME, EMAIL, PHONE, LOC, TOOL, NOTE and PRIV items of a well-formed compound. */
export function concealSourceDescriptions(memory: PacketMemory, offset: number, length: number, secret: number): void {
  const { bytes } = memory;
  const end = offset + length;
  let at = offset;
  while (at + 4 <= end) {
    const packetEnd = Math.min(end, at + 4 + ((((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) << 2));
    if (bytes[at + 1] === rtcpType.sourceDescription) {
      concealChunks(bytes, at + 4, packetEnd, (bytes[at] ?? 0) & 0x1f, secret);
    }
    at = packetEnd;
  }
}

const lastConcealedItem = 8;

function concealChunks(bytes: Uint8Array, start: number, end: number, count: number, secret: number): void {
  let at = start;
  for (let chunk = 0; chunk < count && at + 4 <= end; chunk++) {
    let item = at + 4;
    while (item + 2 <= end && bytes[item] !== 0) {
      const next = item + 2 + (bytes[item + 1] ?? 0);
      if ((bytes[item] ?? 0) <= lastConcealedItem && next <= end) conceal(bytes, item + 2, next, secret);
      item = next;
    }
    at = start + ((item - start + 4) & ~3);
  }
}

/** Letters drawn from a keyed hash of the text: not to be read back, and no identifier that anything is protected by. */
function conceal(bytes: Uint8Array, from: number, to: number, secret: number): void {
  let hash = secret | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  for (let at = from; at < to; at++) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + at - from;
    bytes[at] = 0x61 + ((hash >>> 16) % 26);
  }
}
