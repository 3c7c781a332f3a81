// A ClientHello as a stateless server sees it: one datagram, nothing kept. RFC 6347 §4.1 (record), §4.2.2 (handshake), §4.2.1.
//
//   | 22 | version 2 | epoch 2 | sequence 6 | length 2 |  1 | length 3 | message 2 | offset 3 | fragment 3 |
//   0    1           3         5            11         13   14         17          19         22           25
//   | client version 2 | random 32 | session id 1+n | cookie 1+n | …
//   25                 27          59
import type { PacketMemory } from '../rtp/packet-memory.ts';

export interface ClientHello {
  /** Where the six bytes of the record's sequence number are; the answer carries them again. */
  readonly sequence: number;
  /** Where the 32 bytes are. */
  readonly random: number;
  readonly cookie: number;
  readonly cookieBytes: number;
}

export const randomBytes = 32;

/** The first fragment of a ClientHello at the start of the datagram, which must hold the cookie; undefined for all else. */
export function readClientHello({ bytes }: PacketMemory, offset: number, length: number): ClientHello | undefined {
  const at = (index: number): number => bytes[offset + index] ?? 0;
  if (length < bodyAt + 2 + randomBytes + 2) return undefined;
  const recordEnd = recordHeaderBytes + at(11) * 256 + at(12);
  const isInClear = at(3) === 0 && at(4) === 0;
  const isFirstFragment = at(19) === 0 && at(20) === 0 && at(21) === 0;
  if (at(0) !== handshakeRecord || at(1) !== dtlsMajor || !isInClear || recordEnd > length) return undefined;
  if (at(recordHeaderBytes) !== clientHelloMessage || !isFirstFragment) return undefined;
  const end = Math.min(recordEnd, bodyAt + at(22) * 65_536 + at(23) * 256 + at(24));
  const cookieAt = bodyAt + 2 + randomBytes + 1 + at(bodyAt + 2 + randomBytes);
  if (cookieAt + 1 > end || cookieAt + 1 + at(cookieAt) > end) return undefined;
  return {
    sequence: offset + 5,
    random: offset + bodyAt + 2,
    cookie: offset + cookieAt + 1,
    cookieBytes: at(cookieAt),
  };
}

/** Writes a HelloVerifyRequest at `to`; its length. It is shorter than any ClientHello, so nothing is amplified. */
export function writeHelloVerifyRequest(
  { bytes }: PacketMemory,
  hello: ClientHello,
  cookie: Uint8Array,
  to: number,
): number {
  const body = 3 + cookie.length;
  const handshake = handshakeHeaderBytes + body;
  bytes.set([handshakeRecord, dtlsMajor, dtls10Minor, 0, 0], to);
  bytes.copyWithin(to + 5, hello.sequence, hello.sequence + 6);
  bytes.set([handshake >> 8, handshake & 0xff], to + 11);
  bytes.set([helloVerifyRequest, 0, 0, body, 0, 0, 0, 0, 0, 0, 0, body], to + recordHeaderBytes);
  // DTLS 1.0 whatever will be agreed on (RFC 6347 §4.2.1).
  bytes.set([dtlsMajor, dtls10Minor, cookie.length], to + bodyAt);
  bytes.set(cookie, to + bodyAt + 3);
  return recordHeaderBytes + handshake;
}

const recordHeaderBytes = 13;
const handshakeHeaderBytes = 12;
const bodyAt = recordHeaderBytes + handshakeHeaderBytes;
const handshakeRecord = 22;
const dtlsMajor = 0xfe;
const dtls10Minor = 0xff;
const clientHelloMessage = 1;
const helloVerifyRequest = 3;
