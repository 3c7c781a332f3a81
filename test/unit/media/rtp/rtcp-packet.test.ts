import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCompoundRtcp, renameRtcpSources } from '../../../../src/media/rtp/rtcp-packet.ts';
import { concealSourceDescriptions } from '../../../../src/media/rtp/source-description.ts';
import { cname, compound, rtcpPacket, senderReport } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory(16_384);
const offset = 256;
const put = (packet: Uint8Array) => memory.bytes.set(packet, offset);
const isCompound = (packet: Uint8Array) => {
  put(packet);
  return isCompoundRtcp(memory, offset, packet.length);
};

/** Speakers get 1000 more, whom they speak about 1 less. */
const speakers = { translate: (ssrc: number) => ssrc + 1000 };
const listeners = { translate: (ssrc: number) => ssrc - 1 };

function renamed(packet: Uint8Array): Uint8Array {
  put(packet);
  renameRtcpSources(memory, offset, packet.length, speakers, listeners);
  return memory.bytes.slice(offset, offset + packet.length);
}

function concealed(packet: Uint8Array, secret = 99): Uint8Array {
  put(packet);
  concealSourceDescriptions(memory, offset, packet.length, secret);
  return memory.bytes.slice(offset, offset + packet.length);
}

describe('compound RTCP (RFC 3550 §6.1, §A.2)', () => {
  test('takes well-formed compounds, reduced size included (RFC 5506)', () => {
    expect(isCompound(compound(senderReport(1, 2), cname(1, 'a@b')))).toBe(true);
    expect(isCompound(rtcpPacket(1, 206, [1, 2]))).toBe(true);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a header alone', rtcpPacket(0, 203, [])],
    ['version 1', Uint8Array.from([0x41, ...senderReport(1, 2).subarray(1)])],
    ['a length beyond the end', senderReport(1, 2).subarray(0, 48)],
    ['bytes behind the last packet', compound(senderReport(1, 2), new Uint8Array(4))],
    ['a type that is none', rtcpPacket(0, 100, [1])],
    ['no multiple of four', compound(senderReport(1, 2), new Uint8Array(1))],
  ])('refuses %s', (_name, packet) => {
    expect(isCompound(packet)).toBe(false);
  });
});

describe('SSRCs in RTCP on the way through', () => {
  test.each([
    ['sender report (RFC 3550 §6.4.1)', senderReport(5, 7), senderReport(1005, 6)],
    [
      'receiver report with two blocks (RFC 3550 §6.4.2)',
      rtcpPacket(2, 201, [5, 7, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0]),
      rtcpPacket(2, 201, [1005, 6, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0]),
    ],
    [
      'source description with two chunks (RFC 3550 §6.5)',
      rtcpPacket(2, 202, [5, 0x01026162, 0, 9, 0x01016300]),
      rtcpPacket(2, 202, [1005, 0x01026162, 0, 1009, 0x01016300]),
    ],
    ['goodbye (RFC 3550 §6.6)', rtcpPacket(2, 203, [5, 6]), rtcpPacket(2, 203, [1005, 1006])],
    ['application (RFC 3550 §6.7)', rtcpPacket(0, 204, [5, 0x41424344, 5]), rtcpPacket(0, 204, [1005, 0x41424344, 5])],
    ['feedback (RFC 4585 §6.1)', rtcpPacket(1, 205, [5, 7, 5]), rtcpPacket(1, 205, [1005, 6, 5])],
    ['feedback about nobody', rtcpPacket(1, 206, [5, 0]), rtcpPacket(1, 206, [1005, 0])],
    [
      'extended report: VoIP metrics and DLRR (RFC 3611 §4)',
      rtcpPacket(0, 207, [5, 0x07000008, 7, 0, 0, 0, 0, 0, 0, 0, 0x05000003, 7, 1, 2]),
      rtcpPacket(0, 207, [1005, 0x07000008, 6, 0, 0, 0, 0, 0, 0, 0, 0x05000003, 6, 1, 2]),
    ],
    ['a type that nobody knows', rtcpPacket(0, 210, [5, 7]), rtcpPacket(0, 210, [5, 7])],
  ])('%s', (_name, packet, expected) => {
    expect(renamed(packet)).toEqual(expected);
    expect(renamed(compound(senderReport(5, 7), packet))).toEqual(compound(senderReport(1005, 6), expected));
  });

  test('counts and lengths that lie harm nothing outside the packet', () => {
    const lies = fc.record({
      count: fc.integer({ min: 0, max: 31 }),
      type: fc.integer({ min: 192, max: 223 }),
      words: fc.array(fc.integer({ min: 0, max: 0x7fffffff }), { minLength: 1, maxLength: 20 }),
    });
    fc.assert(
      fc.property(fc.array(lies, { minLength: 1, maxLength: 4 }), (packets) => {
        const packet = compound(...packets.map(({ count, type, words }) => rtcpPacket(count, type, words)));
        expect(isCompound(packet)).toBe(true);
        memory.bytes.fill(0xa5, offset + packet.length, offset + packet.length + 256);
        const after = concealed(renamed(packet));
        expect(isCompound(after)).toBe(true);
        const behind = memory.bytes.slice(offset + packet.length, offset + packet.length + 256);
        expect(behind.every((byte) => byte === 0xa5)).toBe(true);
      }),
    );
  });
});

describe('names in source descriptions', () => {
  const text = (packet: Uint8Array) => Buffer.from(packet).toString('latin1');

  test('do not cross, keep their length, and are the same for the same name', () => {
    const packet = compound(senderReport(1, 2), cname(1, 'root@10.0.0.5'));
    const once = concealed(packet);
    expect(once).toHaveLength(packet.length);
    expect(isCompound(once)).toBe(true);
    expect(text(once)).not.toContain('10.0');
    expect(text(once)).not.toContain('root');
    expect(concealed(packet)).toEqual(once);
    expect(once.subarray(0, 52)).toEqual(packet.subarray(0, 52));
  });

  test('differ for different names, and for the same name in another worker', () => {
    expect(concealed(cname(1, 'root@10.0.0.5'))).not.toEqual(concealed(cname(1, 'root@10.0.0.6')));
    expect(concealed(cname(1, 'root@10.0.0.5'), 1)).not.toEqual(concealed(cname(1, 'root@10.0.0.5'), 2));
  });

  test('items that are no names, such as MID (RFC 8843 §15.1), stay', () => {
    const mid = rtcpPacket(1, 202, [1, 0x0f016100]);
    expect(concealed(mid)).toEqual(mid);
  });
});
