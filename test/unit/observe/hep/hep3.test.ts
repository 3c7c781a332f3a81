// HEP3 packets, by vectors worked out from the specification's table of chunks.
import { describe, expect, test } from 'vitest';
import { encodeHep, type HepPacket, longestHepPacket } from '../../../../src/observe/hep/hep3.ts';

const packet: HepPacket = {
  at: Date.UTC(2026, 0, 5, 10, 0, 0) + 250.5,
  transport: 'udp',
  source: { address: '192.0.2.1', port: 5060 },
  target: { address: '198.51.100.7', port: 5062 },
  correlationId: 'a@b',
  captureId: 2001,
  node: 'edge1',
  password: 'pw',
  payload: Buffer.from('OPTIONS sip:x SIP/2.0\r\nCall-ID: a@b\r\n\r\n'),
};

/** A chunk as the specification writes it: vendor, type, length of all of it, payload. */
const chunk = (type: string, length: string, payload: string): string => `0000${type}${length}${payload}`;

describe('a packet', () => {
  test('over IPv4 is these bytes', () => {
    const expected = [
      '48455033', // HEP3
      '00a6', // 166 bytes in all
      chunk('0001', '0007', '02'), // AF_INET
      chunk('0002', '0007', '11'), // UDP
      chunk('0003', '000a', 'c0000201'),
      chunk('0004', '000a', 'c6336407'),
      chunk('0007', '0008', '13c4'),
      chunk('0008', '0008', '13c6'),
      chunk('0009', '000a', '695b8ba0'), // 1767607200 s
      chunk('000a', '000a', '0003d284'), // 250500 µs
      chunk('000b', '0007', '01'), // SIP
      chunk('000c', '000a', '000007d1'),
      chunk('000e', '0008', '7077'), // pw
      chunk('0011', '0009', '614062'), // a@b
      chunk('0013', '000b', '6564676531'), // edge1
      chunk('000f', '002d', Buffer.from(packet.payload).toString('hex')),
    ];
    expect(encodeHep(packet)?.toString('hex')).toBe(expected.join(''));
  });

  test('over IPv6 has addresses of sixteen bytes, an IPv4 end mapped', () => {
    const bytes = encodeHep({
      ...packet,
      transport: 'tls',
      source: { address: '2001:db8::1', port: 5061 },
      target: { address: 'fe80::2%eth0', port: 5062 },
    })?.toString('hex');
    expect(bytes).toContain(chunk('0001', '0007', '0a'));
    expect(bytes).toContain(chunk('0002', '0007', '06'));
    expect(bytes).toContain(chunk('0005', '0016', '20010db8000000000000000000000001'));
    expect(bytes).toContain(chunk('0006', '0016', 'fe800000000000000000000000000002'));
    const mixed = encodeHep({ ...packet, target: { address: '2001:db8::2', port: 1 } })?.toString('hex');
    expect(mixed).toContain(chunk('0005', '0016', '00000000000000000000ffffc0000201'));
  });

  test('has no password where none is asked for', () => {
    expect(encodeHep({ ...packet, password: '' })?.toString('hex')).not.toContain('0000000e');
  });

  test('is not made of a message that is too long for it', () => {
    const overhead = (encodeHep(packet)?.length ?? 0) - packet.payload.length;
    const most = longestHepPacket - overhead;
    expect(encodeHep({ ...packet, payload: new Uint8Array(most) })).toHaveLength(longestHepPacket);
    expect(encodeHep({ ...packet, payload: new Uint8Array(most + 1) })).toBeUndefined();
  });
});
