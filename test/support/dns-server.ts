// A DNS server of a test on loopback (RFC 1035): answers over UDP with the records that it was given, with NXDOMAIN, or never.
import { createSocket, type Socket } from 'node:dgram';

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: readonly number[]; readonly ttl?: number }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | {
      readonly type: 'NAPTR';
      readonly order: number;
      readonly preference: number;
      readonly flags: string;
      readonly service: string;
      readonly replacement: string;
    };

/** `silence`: no answer at all. A name that is not there does not exist; one without records of a type has none of it. */
export type DnsZone = Readonly<Record<string, readonly DnsRecord[] | 'silence' | 'failure'>>;

const typeNumbers = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
const headerBytes = 12;
const responseCodes = { ok: 0, failure: 2, noSuchName: 3 } as const;

export class DnsServer {
  /** Each question that came: `NAPTR example.test`. */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  readonly #zone: DnsZone;

  private constructor(socket: Socket, zone: DnsZone) {
    this.#socket = socket;
    this.#zone = zone;
    socket.on('message', (query, from) => {
      const answer = this.#answer(query);
      if (answer !== undefined) socket.send(answer, from.port, from.address);
    });
  }

  static async open(zone: DnsZone): Promise<DnsServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new DnsServer(socket, zone);
  }

  /** `address:port`. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(query: Buffer): Buffer | undefined {
    const { name, end } = readName(query);
    const type = query.readUInt16BE(end);
    const question = query.subarray(headerBytes, end + 4);
    const typeName = Object.entries(typeNumbers).find(([, number]) => number === type)?.[0] ?? String(type);
    this.asked.push(`${typeName} ${name}`);
    const held = this.#zone[name];
    if (held === 'silence') return undefined;
    const code = held === 'failure' ? responseCodes.failure : held === undefined ? responseCodes.noSuchName : 0;
    const records = typeof held === 'object' ? held.filter((record) => record.type === typeName) : [];
    const header = Buffer.alloc(headerBytes);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | code, 2); // a response, authoritative, recursion asked for and there
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, question, ...records.map(recordBytes)]);
  }
}

function readName(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** The owner is a pointer to the question's name (RFC 1035 §4.1.4). */
function recordBytes(record: DnsRecord): Buffer {
  const data = dataBytes(record);
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(0xc000 | headerBytes, 0);
  head.writeUInt16BE(typeNumbers[record.type], 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE('ttl' in record ? (record.ttl ?? 60) : 60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function dataBytes(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return Buffer.from(record.address);
    case 'SRV':
      return Buffer.concat([numbers(record.priority, record.weight, record.port), nameBytes(record.target)]);
    case 'NAPTR': {
      const texts = [record.flags, record.service, ''].map((text) => characterString(text));
      return Buffer.concat([numbers(record.order, record.preference), ...texts, nameBytes(record.replacement)]);
    }
    default:
      return record satisfies never;
  }
}

function numbers(...values: readonly number[]): Buffer {
  return Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
}

function characterString(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
}

function nameBytes(name: string): Buffer {
  return Buffer.concat([...name.split('.').map(characterString), Buffer.from([0])]);
}
