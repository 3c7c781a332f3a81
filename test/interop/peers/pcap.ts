// Reads a pcap file of Ethernet frames into TCP segments and UDP datagrams, and judges whether a wire carried only what is
// encrypted: TLS records on TCP; on UDP, RTP and RTCP whose payload is neither plain speech nor plain reports.

export interface Packet {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly protocol: 'tcp' | 'udp';
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** TCP sequence number of the first payload byte; 0 for UDP. */
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Frames that are not IPv4 or IPv6 with TCP or UDP are left out; a truncated file ends where it ends. */
export function readPcap(data: Buffer): Packet[] {
  const little = data.readUInt32LE(0) === 0xa1b2c3d4;
  if (!little && data.readUInt32BE(0) !== 0xa1b2c3d4) throw new Error('not a pcap file with microsecond times');
  const word = (at: number) => (little ? data.readUInt32LE(at) : data.readUInt32BE(at));
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= data.length; ) {
    const size = word(at + 8);
    const frame = data.subarray(at + 16, at + 16 + size);
    const packet = frame.length === size ? decode(frame, word(at) + word(at + 4) / 1e6) : undefined;
    if (packet !== undefined) packets.push(packet);
    at += 16 + size;
  }
  return packets;
}

function decode(frame: Buffer, at: number): Packet | undefined {
  if (frame.length < 34) return undefined;
  const kind = frame.readUInt16BE(12);
  const ip = frame.subarray(14);
  if (kind === 0x0800) {
    const head = ((ip[0] ?? 0) & 0x0f) * 4;
    const body = ip.subarray(head, ip.readUInt16BE(2));
    return transport(at, ip[9], dotted(ip.subarray(12, 16)), dotted(ip.subarray(16, 20)), body);
  }
  if (kind === 0x86dd && ip.length >= 40) {
    const body = ip.subarray(40, 40 + ip.readUInt16BE(4));
    return transport(at, ip[6], ip.toString('hex', 8, 24), ip.toString('hex', 24, 40), body);
  }
  return undefined;
}

function dotted(bytes: Buffer): string {
  return [...bytes].join('.');
}

function transport(
  at: number,
  number: number | undefined,
  source: string,
  destination: string,
  body: Buffer,
): Packet | undefined {
  if (body.length < 8) return undefined;
  const ends = { source, destination, sourcePort: body.readUInt16BE(0), destinationPort: body.readUInt16BE(2) };
  if (number === 17) return { at, protocol: 'udp', ...ends, sequence: 0, payload: body.subarray(8) };
  if (number === 6 && body.length >= 20) {
    const payload = body.subarray(((body[12] ?? 0) >> 4) * 4);
    return { at, protocol: 'tcp', ...ends, sequence: body.readUInt32BE(4), payload };
  }
  return undefined;
}
