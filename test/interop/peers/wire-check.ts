// Judges whether a captured wire carried only what is encrypted: TLS records on TCP; on UDP, RTP and RTCP whose payload is
// neither plain speech nor plain reports.
import type { Packet } from './pcap.ts';

export interface WireReport {
  readonly tlsBytes: number;
  readonly srtpPackets: number;
  readonly srtcpPackets: number;
  readonly dtlsDatagrams: number;
  /** What should not be there: at most the first ten, each said in a line. */
  readonly offences: readonly string[];
}

const OFFENCES_SHOWN = 10;
/** An AES_CM_128_HMAC_SHA1_80 packet of 20 ms of G.711: 12 + 160 + 10 tag. */
const PLAIN_G711_SIZE = 172;
/** A payload of G.711 tone has few different bytes, ciphertext of 160 bytes about 119: no more than this is plain. */
const PLAIN_DISTINCT_BYTES = 80;

/** Judges a capture of the outside. `allowed` lets known other traffic pass (a resolver, say). */
export function judgeWire(packets: readonly Packet[], allowed: (packet: Packet) => boolean = () => false): WireReport {
  const offences: string[] = [];
  const streams = new Map<string, Packet[]>();
  let srtpPackets = 0;
  let srtcpPackets = 0;
  let dtlsDatagrams = 0;
  const offend = (packet: Packet, why: string) => {
    if (offences.length < OFFENCES_SHOWN) offences.push(`${ends(packet)}: ${why}`);
  };
  for (const packet of packets) {
    if (packet.payload.length === 0 || allowed(packet)) continue;
    if (packet.protocol === 'tcp') {
      const key = ends(packet);
      const stream = streams.get(key);
      if (stream === undefined) streams.set(key, [packet]);
      else stream.push(packet);
      if (looksLikeSip(packet.payload)) offend(packet, 'readable SIP');
    } else {
      const kind = mediaKind(packet.payload);
      if (kind === 'srtp') srtpPackets += 1;
      else if (kind === 'srtcp') srtcpPackets += 1;
      else if (isDtls(packet.payload)) dtlsDatagrams += 1;
      else offend(packet, kind);
    }
  }
  let tlsBytes = 0;
  for (const [key, segments] of streams) {
    const stream = reassemble(segments);
    const wrong = firstNonTls(stream);
    if (wrong === undefined) tlsBytes += stream.length;
    else if (offences.length < OFFENCES_SHOWN) offences.push(`${key}: not TLS at byte ${wrong}`);
  }
  return { tlsBytes, srtpPackets, srtcpPackets, dtlsDatagrams, offences };
}

/**
 * The two clear datagrams that baresip 1.0 sends in every SRTP call, before it has keys (APP "PING" or "PONG") and after it
 * dropped them (BYE): allowed from a phone, never from `sbc`.
 */
export function baresipGreetings(sbc: string): (packet: Packet) => boolean {
  return ({ protocol, source, payload }) => {
    if (protocol !== 'udp' || source === sbc || payload.length < 8) return false;
    return [203, 204].includes(payload[1] ?? 0) && isPlainRtcp(payload);
  };
}

/** A handshake is what it is about: application data would be readable only to its ends, and has no business here. */
function isDtls(payload: Buffer): boolean {
  const type = payload[0] ?? 0;
  return payload.length >= 13 && type >= 20 && type <= 22 && payload[1] === 0xfe;
}

function ends(packet: Packet): string {
  const { protocol, source, sourcePort, destination, destinationPort } = packet;
  return `${protocol} ${source}:${sourcePort} > ${destination}:${destinationPort}`;
}

/** The bytes of one direction of a connection in order; what was sent twice counts once. */
function reassemble(segments: readonly Packet[]): Buffer {
  const start = segments[0]?.sequence ?? 0;
  const pieces = segments
    .map(({ sequence, payload }) => ({ offset: (sequence - start) | 0, payload })) // sequence numbers wrap at 2^32
    .sort((a, b) => a.offset - b.offset);
  const ordered: Buffer[] = [];
  let length = 0;
  for (const { offset, payload } of pieces) {
    const fresh = payload.subarray(Math.max(0, length - offset));
    ordered.push(fresh);
    length += fresh.length;
  }
  return Buffer.concat(ordered);
}

/** Walks the records (change of cipher, alert, handshake, data; version 3.1 to 3.4); the last one may be cut short. */
function firstNonTls(stream: Buffer): number | undefined {
  for (let at = 0; at + 5 <= stream.length; at += 5 + stream.readUInt16BE(at + 3)) {
    const [kind = 0, major, minor = 9] = stream.subarray(at, at + 3);
    if (kind < 20 || kind > 23 || major !== 3 || minor > 4) return at;
  }
  return undefined;
}

function looksLikeSip(payload: Buffer): boolean {
  return payload.includes('SIP/2.0');
}

/** What a datagram is; anything but `srtp` and `srtcp` is said as an offence. */
function mediaKind(payload: Buffer): string {
  if (looksLikeSip(payload)) return 'readable SIP on UDP';
  const [first = 0, second = 0] = payload;
  if (first >> 6 !== 2 || payload.length < 12) return `unknown datagram of ${payload.length} B`;
  if (second >= 192 && second <= 223) return isPlainRtcp(payload) ? 'plain RTCP' : 'srtcp';
  if (payload.length === PLAIN_G711_SIZE) return 'RTP without an authentication tag (20 ms of G.711)';
  const speech = payload.subarray(12);
  if (speech.length >= 160 && new Set(speech).size <= PLAIN_DISTINCT_BYTES) return 'RTP with a readable payload';
  return 'srtp';
}

/** RTCP adds up: the lengths of its parts fill the datagram. SRTCP has an index and a tag behind them. */
function isPlainRtcp(payload: Buffer): boolean {
  let at = 0;
  while (at + 4 <= payload.length) {
    const kind = payload[at + 1] ?? 0;
    if ((payload[at] ?? 0) >> 6 !== 2 || kind < 192 || kind > 223) return false;
    at += (payload.readUInt16BE(at + 2) + 1) * 4;
  }
  return at === payload.length;
}
