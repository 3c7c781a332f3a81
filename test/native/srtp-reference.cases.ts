// More than 100,000 random packets against an implementation of its own: what our sender protects is what the reference makes of it, and
// what the reference protects our receiver takes, over many wraps of the sequence number (RFC 3711, 6188, 7714).
import { createArena } from '../../src/media/native/arena-memory.ts';
import { opensslCipherFactory } from '../../src/media/native/openssl-cipher.ts';
import type { SrtpCipherFactory } from '../../src/media/srtp/cipher.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpSuite, srtpSuites } from '../../src/media/srtp/profile.ts';
import { SrtpReceiver } from '../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../src/media/srtp/srtp-sender.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { ReferenceSrtp } from '../support/srtp-reference.ts';
import { check, checkEqual, type NativeCase } from './case.ts';

/** The path that every packet takes, and the one for where native code cannot be loaded, which the native suite holds to the first. */
const packetsPerSuite = { openssl: 17_000, node: 2_000 } as const;
/** Together they are six wraps of the sequence number or more. */
const longestStep = { openssl: 48, node: 400 } as const;
const longest = 1_400;

export const cases: readonly NativeCase[] = srtpSuites.flatMap((suite) =>
  (['openssl', 'node'] as const).map((cipher) => ({
    name: `${suite} by ${cipher}: ${packetsPerSuite[cipher]} random packets are what the reference makes of them, both ways`,
    limitMs: 90_000,
    run: () => compare(suite, cipher),
  })),
);

function compare(suite: SrtpSuite, cipher: 'openssl' | 'node'): void {
  const arena = createArena(1 << 20);
  const at = arena.allocate(2048, 16);
  const ciphers = cipher === 'node' ? nodeCipherFactory(arena) : openssl(arena);
  const random = new SeededRandom(3711);
  const { keyBytes, saltBytes, aead, rtpTagBytes: tagBytes } = profileOf(suite);
  const [masterKey, masterSalt] = [random.bytes(keyBytes), random.bytes(saltBytes)];
  const keying = () => ({ suite, masterKey: masterKey.slice(), masterSalt: masterSalt.slice() });
  const reference = new ReferenceSrtp({ masterKey, masterSalt, aead, tagBytes });
  const sender = new SrtpSender(keying(), ciphers);
  const receiver = new SrtpReceiver(keying(), ciphers);
  let index = random.below(0x8000);
  for (let count = 0; count < packetsPerSuite[cipher]; count += 1) {
    const { packet, headerBytes } = randomPacket(random, index);
    const wanted = reference.protect(packet, headerBytes, index);
    arena.bytes.set(packet, at);
    const length = sender.protectRtp(at, packet.length);
    check(length === wanted.length && wanted.equals(arena.bytes.subarray(at, at + length)), `packet ${index} differs`);
    arena.bytes.set(wanted, at);
    checkEqual(receiver.unprotectRtp(at, wanted.length), packet.length, `length of packet ${index} received`);
    check(packet.equals(arena.bytes.subarray(at, at + packet.length)), `packet ${index} came back changed`);
    if (count % 16 === 0) {
      const forged = Buffer.from(wanted);
      const place = random.below(forged.length);
      forged[place] = (forged[place] ?? 0) ^ (1 << random.below(8));
      arena.bytes.set(forged, at);
      check(receiver.unprotectRtp(at, forged.length) < 0, `packet ${index} was taken with bit of byte ${place} turned`);
    }
    index += 1 + random.below(longestStep[cipher]);
  }
  check(index > 0x30000, `the sequence number wrapped ${index >> 16} times only`);
}

function openssl(arena: ReturnType<typeof createArena>): SrtpCipherFactory {
  const factory = opensslCipherFactory(arena);
  check(factory.ok, `OpenSSL could not be used: ${factory.ok ? '' : factory.error}`);
  return factory.value;
}

/** Any CSRC count, with and without extension, from an empty payload to a full datagram; one SSRC. */
function randomPacket(random: SeededRandom, index: number): { readonly packet: Buffer; readonly headerBytes: number } {
  const csrcs = random.below(16);
  const extensionWords = random.below(2) === 0 ? -1 : random.below(8);
  const headerBytes = 12 + 4 * csrcs + (extensionWords < 0 ? 0 : 4 + 4 * extensionWords);
  const packet = Buffer.from(random.bytes(headerBytes + random.below(random.below(4) === 0 ? longest : 200)));
  packet[0] = 0x80 | (extensionWords < 0 ? 0 : 0x10) | csrcs;
  packet.writeUInt16BE(index & 0xffff, 2);
  packet.writeUInt32BE(0xcafe_f00d, 8);
  if (extensionWords >= 0) packet.writeUInt16BE(extensionWords, headerBytes - 4 * extensionWords - 2);
  return { packet, headerBytes };
}
