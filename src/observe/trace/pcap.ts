// A capture that Wireshark and tshark open: SIP as it was before TLS, with the addresses that it went between, and the headers of
// media packets, which are cut there. Each record is an "exported PDU" (link type 252): tags with the dissector and the addresses,
// then the message, whatever its size. The format is that of libpcap 2.4, its tags those of Wireshark's exported_pdu.h.
import { parseCidr } from '../../core/cidr.ts';
import type { EpochMillis } from '../../core/clock.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { HeaderCapture } from '../../media/plane/messages.ts';
import type { PacketHeader } from '../../media/rtp/packet-headers.ts';
import type { TracedMessage } from './message-ring.ts';

/** The headers of one endpoint's first packets. */
export interface CapturedMedia extends Omit<HeaderCapture, 'received' | 'sent'> {
  readonly received: readonly PacketHeader[];
  readonly sent: readonly PacketHeader[];
}

/** One record of the file. */
export interface Pdu {
  readonly at: EpochMillis;
  readonly dissector: 'sip' | 'rtp' | 'rtcp';
  readonly isUdp: boolean;
  readonly source: SocketAddress;
  readonly target: SocketAddress;
  readonly bytes: Uint8Array;
  /** What was on the wire. */
  readonly length: number;
}

/** In the order of time. */
export function pdusOf(messages: readonly TracedMessage[], captures: readonly CapturedMedia[]): readonly Pdu[] {
  return [...messages.map(pduOfMessage), ...captures.flatMap(pdusOfCapture)].sort((one, other) => one.at - other.at);
}

/** The file begins with it. */
export function pcapHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(magicOfMicroseconds, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(longestRecord, 16);
  header.writeUInt32LE(upperPdu, 20);
  return header;
}

export function pcapRecord(pdu: Pdu): readonly Buffer[] {
  const tagged = pduTags(pdu);
  const payload = Buffer.concat([tagged, pdu.bytes]).subarray(0, longestRecord);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(pdu.at / 1000), 0);
  header.writeUInt32LE(Math.floor((pdu.at % 1000) * 1000), 4);
  header.writeUInt32LE(payload.length, 8);
  header.writeUInt32LE(Math.max(payload.length, Math.min(tagged.length + pdu.length, longestRecord)), 12);
  return [header, payload];
}

function pduOfMessage({ at, direction, transport, local, remote, bytes }: TracedMessage): Pdu {
  const [source, target] = direction === 'in' ? [remote, local] : [local, remote];
  return { at, dissector: 'sip', isUdp: transport === 'udp', source, target, bytes, length: bytes.length };
}

function pdusOfCapture({ local, localRtcp, remote, remoteRtcp, received, sent }: CapturedMedia): readonly Pdu[] {
  const pduOf = ({ at, kind, length, header }: PacketHeader, isReceived: boolean): Pdu => {
    const here = kind === 'rtp' ? local : localRtcp;
    const there = kind === 'rtp' ? remote : remoteRtcp;
    const [source, target] = isReceived ? [there, here] : [here, there];
    return { at, dissector: kind, isUdp: true, source, target, bytes: header, length };
  };
  return [...received.map((header) => pduOf(header, true)), ...sent.map((header) => pduOf(header, false))];
}

function pduTags({ dissector, isUdp, source, target }: Pdu): Buffer {
  return Buffer.concat([
    tag(tags.dissector, Buffer.from(`${dissector}\0`)),
    ...address(source, tags.ipv4Source, tags.ipv6Source),
    ...address(target, tags.ipv4Target, tags.ipv6Target),
    tag(tags.portType, uint32(isUdp ? portTypes.udp : portTypes.tcp)),
    tag(tags.sourcePort, uint32(source.port)),
    tag(tags.targetPort, uint32(target.port)),
    tag(tags.end, Buffer.alloc(0)),
  ]);
}

function address({ address: text }: SocketAddress, ipv4: number, ipv6: number): Buffer[] {
  const parsed = parseCidr(text.split('%', 1)[0] ?? '');
  if (!parsed.ok) return [];
  const { family, bits } = parsed.value;
  const length = family === 4 ? 4 : 16;
  return [tag(family === 4 ? ipv4 : ipv6, Buffer.from(bits.toString(16).padStart(2 * length, '0'), 'hex'))];
}

/** Both fields big-endian, the value filled up to four bytes. */
function tag(code: number, value: Buffer): Buffer {
  const padded = Math.ceil(value.length / 4) * 4;
  const bytes = Buffer.alloc(4 + padded);
  bytes.writeUInt16BE(code, 0);
  bytes.writeUInt16BE(padded, 2);
  bytes.set(value, 4);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const magicOfMicroseconds = 0xa1_b2_c3_d4;
const upperPdu = 252;
const longestRecord = 262_144;
const portTypes = { tcp: 2, udp: 3 };
const tags = {
  end: 0,
  dissector: 12,
  ipv4Source: 20,
  ipv4Target: 21,
  ipv6Source: 22,
  ipv6Target: 23,
  portType: 24,
  sourcePort: 25,
  targetPort: 26,
};
