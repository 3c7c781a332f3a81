import { describe, expect, test } from 'vitest';
import { packetKind, packetKindOf } from '../../../../src/media/worker/demux.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory(1024);
const kindOf = (first: number, second: number, length = 20) => {
  memory.bytes.set([first, second], 128);
  return packetKindOf(memory, 128, length);
};

describe('demultiplexing by the first bytes', () => {
  test.each([
    [[0, 3], packetKind.stun],
    [[4, 15], packetKind.unknown],
    [[16, 19], packetKind.zrtp],
    [[20, 63], packetKind.dtls],
    [[64, 79], packetKind.turnChannel],
    [[80, 127], packetKind.unknown],
    [[128, 191], packetKind.rtp],
    [[192, 255], packetKind.unknown],
  ])('first byte %j (RFC 7983 §7)', ([low = 0, high = 0], kind) => {
    for (let first = low; first <= high; first++) expect(kindOf(first, 0)).toBe(kind);
  });

  test('RTCP is types 192–223; payload types 64–95 are nobody (RFC 5761 §4)', () => {
    for (let second = 0; second <= 255; second++) {
      const isRtcp = second >= 192 && second <= 223;
      const isReserved = second >= 64 && second <= 95;
      const kind = isRtcp ? packetKind.rtcp : isReserved ? packetKind.unknown : packetKind.rtp;
      expect(kindOf(0x80, second)).toBe(kind);
    }
  });

  test('less than four bytes are nothing', () => {
    for (const length of [0, 1, 2, 3]) expect(kindOf(0x80, 0, length)).toBe(packetKind.unknown);
  });
});
