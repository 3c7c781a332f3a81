// RTP and RTCP packets for tests.

export interface RtpFields {
  readonly sequence: number;
  readonly ssrc?: number;
  readonly payloadType?: number;
  readonly marker?: boolean;
  readonly timestamp?: number;
  readonly payload?: Uint8Array;
}

export function rtp(fields: RtpFields): Uint8Array {
  const {
    sequence,
    ssrc = 0x11223344,
    payloadType = 0,
    marker = false,
    payload = new Uint8Array(160).fill(0xd5),
  } = fields;
  const packet = new Uint8Array(12 + payload.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  view.setUint16(2, sequence & 0xffff);
  view.setUint32(4, fields.timestamp ?? (sequence * 160) >>> 0);
  view.setUint32(8, ssrc >>> 0);
  packet.set(payload, 12);
  return packet;
}

export function ssrcOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint32(8);
}

export function sequenceOf(packet: Uint8Array): number {
  return new DataView(packet.buffer, packet.byteOffset).getUint16(2);
}

/** One RTCP packet: count (or format) and type of the header, and its body in 32-bit words. */
export function rtcpPacket(count: number, type: number, words: readonly number[]): Uint8Array {
  const packet = new Uint8Array(4 + 4 * words.length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x80 | count;
  packet[1] = type;
  view.setUint16(2, words.length);
  for (const [index, word] of words.entries()) view.setUint32(4 + 4 * index, word >>> 0);
  return packet;
}

/** A sender report with one report block about `about`. */
export function senderReport(ssrc: number, about: number): Uint8Array {
  return rtcpPacket(1, 200, [ssrc, 1, 2, 3, 4, 5, about, 0, 0, 0, 0, 0]);
}

/** A source description with one chunk and a CNAME. */
export function cname(ssrc: number, text: string): Uint8Array {
  const body = Buffer.concat([Buffer.from([1, text.length]), Buffer.from(text, 'latin1'), Buffer.from([0])]);
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const words = Array.from({ length: padded.length / 4 }, (_, index) => padded.readUInt32BE(4 * index));
  return rtcpPacket(1, 202, [ssrc, ...words]);
}

export function compound(...packets: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(packets));
}
