// DTLS without cryptography: a ClientHello looks like one, and a datagram `finished(certificate)` ends the handshake with
// that certificate. Keys are the same for everybody, so that tests can protect what they send.
import type {
  DtlsConnection,
  DtlsFactory,
  DtlsProgress,
  DtlsRole,
  ExportedKeys,
  SendDatagram,
} from '../../src/media/dtls/dtls-connection.ts';
import type { PacketMemory } from '../../src/media/rtp/packet-memory.ts';

/** A ClientHello (RFC 6347 §4.2.2): 32 equal random bytes, and a cookie where it has one. */
export function clientHello(random: number, cookie: Uint8Array = new Uint8Array()): Uint8Array {
  const body = [0xfe, 0xfd, ...new Uint8Array(32).fill(random), 0, cookie.length, ...cookie, 0, 2, 0xc0, 0x2b, 1, 0];
  const handshake = [1, 0, 0, body.length, 0, cookie.length === 0 ? 0 : 1, 0, 0, 0, 0, 0, body.length, ...body];
  return Uint8Array.of(22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0, handshake.length, ...handshake);
}

/** The cookie of a HelloVerifyRequest; undefined for anything else. */
export function cookieIn(datagram: Uint8Array | undefined): Uint8Array | undefined {
  return datagram?.[13] === 3 ? datagram.slice(28) : undefined;
}

export const broken = Uint8Array.of(21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40);

export function finished(certificate: Uint8Array): Uint8Array {
  return Uint8Array.of(22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, certificate.length, ...certificate);
}

/** 16 + 16 bytes of keys, 14 + 14 of salts. */
export const fakeMaterial = Uint8Array.from({ length: 60 }, (_, index) => index);

export class FakeDtls implements DtlsFactory {
  readonly memory: PacketMemory;
  readonly opened: FakeConnection[] = [];

  constructor(memory: PacketMemory) {
    this.memory = memory;
  }

  get live(): number {
    return this.opened.filter(({ closes }) => closes === 0).length;
  }

  open(role: DtlsRole): DtlsConnection {
    const connection = new FakeConnection(role, this.memory);
    this.opened.push(connection);
    return connection;
  }
}

class FakeConnection implements DtlsConnection {
  readonly role: DtlsRole;
  readonly #memory: PacketMemory;
  closes = 0;
  repeats = 0;
  /** Datagrams that were given to it. */
  heard = 0;
  failure: string | undefined;
  #certificate: Uint8Array | undefined;

  constructor(role: DtlsRole, memory: PacketMemory) {
    this.role = role;
    this.#memory = memory;
  }

  start(send: SendDatagram): DtlsProgress {
    this.#say(clientHello(1), send);
    return 'handshaking';
  }

  receive(offset: number, length: number, send: SendDatagram): DtlsProgress {
    this.heard += 1;
    const datagram = this.#memory.bytes.slice(offset, offset + length);
    if (datagram[0] === 21) {
      this.failure = 'alert';
      return 'failed';
    }
    if (datagram[4] === 1) this.#certificate = datagram.slice(13);
    this.#say(Uint8Array.of(22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2), send);
    return this.#certificate === undefined ? 'handshaking' : 'complete';
  }

  onDeadline(): DtlsProgress {
    this.repeats += 1;
    return 'handshaking';
  }

  peerCertificate(): Uint8Array | undefined {
    return this.#certificate;
  }

  exportKeys(): ExportedKeys | undefined {
    return { suite: 'AES_CM_128_HMAC_SHA1_80', material: Uint8Array.from(fakeMaterial) };
  }

  close(): void {
    this.closes += 1;
  }

  #say(bytes: Uint8Array, send: SendDatagram): void {
    this.#memory.bytes.set(bytes, scratch);
    send(scratch, bytes.length);
  }
}

/** Above what the fake driver allocates. */
const scratch = 200_000;
