import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  rtpHeaderBytes,
  rtpPayloadType,
  rtpSequence,
  rtpSsrc,
  rtpTimestamp,
} from '../../../../src/media/rtp/rtp-packet.ts';
import { rtp } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory(8192);
const offset = 256;
const headerOf = (packet: Uint8Array) => {
  memory.bytes.fill(0xff, offset - 16, offset + 4096);
  memory.bytes.set(packet, offset);
  return rtpHeaderBytes(memory, offset, packet.length);
};

describe('RTP header (RFC 3550 §5.1, §5.3.1)', () => {
  test('fields', () => {
    headerOf(rtp({ sequence: 0xfedc, ssrc: 0x89abcdef, payloadType: 101, marker: true, timestamp: 0xfffffff0 }));
    expect(rtpSequence(memory, offset)).toBe(0xfedc);
    expect(rtpSsrc(memory, offset) >>> 0).toBe(0x89abcdef);
    expect(rtpPayloadType(memory, offset)).toBe(101);
    expect(rtpTimestamp(memory, offset) >>> 0).toBe(0xfffffff0);
  });

  test.each(Array.from({ length: 16 }, (_, count) => count))(
    'with %d contributing sources, and an extension',
    (csrcs) => {
      const plain = rtp({ sequence: 1, payload: new Uint8Array(4 * csrcs) });
      plain[0] = 0x80 | csrcs;
      expect(headerOf(plain)).toBe(12 + 4 * csrcs);
      expect(headerOf(plain.subarray(0, plain.length - 1))).toBe(-1);
      const extended = rtp({ sequence: 1, payload: new Uint8Array(4 * csrcs + 4 + 8) });
      extended[0] = 0x90 | csrcs;
      extended[12 + 4 * csrcs + 3] = 2;
      expect(headerOf(extended)).toBe(12 + 4 * csrcs + 12);
      expect(headerOf(extended.subarray(0, extended.length - 1))).toBe(-1);
      expect(headerOf(extended.subarray(0, 12 + 4 * csrcs + 3))).toBe(-1);
    },
  );

  test('is never longer than the packet, whatever came', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (packet) => {
        const bytes = headerOf(packet);
        expect(bytes === -1 || (bytes >= 12 && bytes <= packet.length)).toBe(true);
      }),
    );
  });
});
