// HEP3 (EEP), the packets that Homer takes: a header and chunks, each with a vendor, a type and a length that counts its own head.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |      'H'      |      'E'      |      'P'      |      '3'      |
//   |          length of all        |          chunk vendor         |
//   |          chunk type           |         chunk length          |
//   |  chunk payload ...
//
// Source: "HEP3 Network Protocol Specification", rev 36 (sipcapture/HEP), §3 and its table of generic chunk types.
import { parseCidr } from '../../core/cidr.ts';
import type { EpochMillis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';

export interface HepPacket {
  readonly at: EpochMillis;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly source: SocketAddress;
  readonly target: SocketAddress;
  /** What is the same in all legs of a call. */
  readonly correlationId: string;
  /** Which agent captured it: a number that the site gives. */
  readonly captureId: number;
  /** The name of this node. */
  readonly node: string;
  /** What Homer asks of its agents; empty: nothing. */
  readonly password: string;
  /** A SIP message. */
  readonly payload: Uint8Array;
}

/** Longest packet: its length has 16 bits. */
export const longestHepPacket = 65_535;

/** Undefined where the message is too long for a packet. */
export function encodeHep(packet: HepPacket): Buffer | undefined {
  const { at, transport, source, target, correlationId, captureId, node, password, payload } = packet;
  const from = addressBytes(source.address);
  const to = addressBytes(target.address);
  const isIPv6 = from.length === 16 || to.length === 16;
  const seconds = Math.floor(at / 1_000);
  const chunks = [
    chunk(types.ipFamily, uint8(isIPv6 ? families.ipv6 : families.ipv4)),
    chunk(types.ipProtocol, uint8(transport === 'udp' ? protocols.udp : protocols.tcp)),
    chunk(isIPv6 ? types.ipv6Source : types.ipv4Source, isIPv6 ? mapped(from) : from),
    chunk(isIPv6 ? types.ipv6Target : types.ipv4Target, isIPv6 ? mapped(to) : to),
    chunk(types.sourcePort, uint16(source.port)),
    chunk(types.targetPort, uint16(target.port)),
    chunk(types.seconds, uint32(seconds)),
    chunk(types.microseconds, uint32(Math.floor((at - seconds * 1_000) * 1_000))),
    chunk(types.protocol, uint8(sip)),
    chunk(types.captureId, uint32(captureId)),
    ...(password === '' ? [] : [chunk(types.password, Buffer.from(password))]),
    chunk(types.correlationId, Buffer.from(correlationId)),
    chunk(types.node, Buffer.from(node)),
    chunk(types.payload, payload),
  ];
  const length = chunks.reduce((sum, { length: size }) => sum + size, headerBytes);
  if (length > longestHepPacket) return undefined;
  const header = Buffer.alloc(headerBytes);
  header.write('HEP3', 0, 'latin1');
  header.writeUInt16BE(length, 4);
  return Buffer.concat([header, ...chunks], length);
}

const headerBytes = 6;
const sip = 1;
/** AF_INET and AF_INET6, as Linux numbers them. */
const families = { ipv4: 2, ipv6: 10 } as const;
/** IANA. What came by TLS was TCP. */
const protocols = { tcp: 6, udp: 17 } as const;
const types = {
  ipFamily: 1,
  ipProtocol: 2,
  ipv4Source: 3,
  ipv4Target: 4,
  ipv6Source: 5,
  ipv6Target: 6,
  sourcePort: 7,
  targetPort: 8,
  seconds: 9,
  microseconds: 10,
  protocol: 11,
  captureId: 12,
  password: 14,
  payload: 15,
  correlationId: 17,
  node: 19,
} as const;

function chunk(type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(chunkHeadBytes + payload.length);
  // Vendor 0: the types are the generic ones.
  bytes.writeUInt16BE(0, 0);
  bytes.writeUInt16BE(type, 2);
  // Of a chunk that is too long for its length the whole packet is refused.
  bytes.writeUInt16BE(Math.min(bytes.length, 0xffff), 4);
  bytes.set(payload, chunkHeadBytes);
  return bytes;
}

const chunkHeadBytes = 6;

/** 4 or 16 bytes in network order; what is no address is 0.0.0.0. */
function addressBytes(text: string): Buffer {
  const parsed = parseCidr(text.split('%', 1)[0] ?? '');
  if (!parsed.ok) return Buffer.alloc(4);
  const length = parsed.value.family === 4 ? 4 : 16;
  return Buffer.from(parsed.value.bits.toString(16).padStart(2 * length, '0'), 'hex');
}

/** RFC 4291 §2.5.5.2, where the other end is of IPv6. */
function mapped(address: Buffer): Buffer {
  return address.length === 16 ? address : Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), address]);
}

function uint8(value: number): Buffer {
  return Buffer.from([value]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
