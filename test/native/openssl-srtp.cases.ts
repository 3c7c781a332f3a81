// SRTP on OpenSSL by its symbols: known answers, and packet by packet the same as node:crypto. Everything runs on guarded
// memory too, where one byte read or written beyond an allocation ends the process.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Arena } from '../../src/media/native/arena.ts';
import { createArena, createGuardedArena } from '../../src/media/native/arena-memory.ts';
import { loadLibc } from '../../src/media/native/libc.ts';
import { type OpensslForms, opensslCipherFactory } from '../../src/media/native/openssl-cipher.ts';
import type { SrtpCipherFactory } from '../../src/media/srtp/cipher.ts';
import { deriveSessionKeys } from '../../src/media/srtp/key-derivation.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpKeying, type SrtpSuite, srtpSuites } from '../../src/media/srtp/profile.ts';
import { SeededRandom } from '../support/fake-time.ts';
import { packetOffset, vectorChecks } from '../support/srtp-vector-checks.ts';
import { check, checkEqual, type NativeCase } from './case.ts';

const forms: readonly (OpensslForms & { readonly title: string })[] = [
  { title: 'fast' },
  { title: 'evp-mac', hmac: 'evp-mac' },
  { title: 'evp', counter: 'evp' },
];

export const cases: readonly NativeCase[] = [
  ...forms.flatMap(({ title, ...form }) =>
    vectorChecks.map((vector) => ({
      name: `${vector.name} (${title})`,
      run: () => vector.run(openssl(arenaWithPacket(createArena(1 << 20)), form)),
    })),
  ),
  {
    name: 'the fast forms are those that are used where the processor has them, and the others when they are asked for',
    run: () => {
      const used = forms.map(({ title, ...form }) => {
        const factory = opensslCipherFactory(createArena(1 << 20), form);
        check(factory.ok, `OpenSSL could not be used: ${title}`);
        return `${factory.value.hmacForm} ${factory.value.counterForm}`;
      });
      const fast = hasAesNi ? 'aes-ni' : 'evp';
      checkEqual(used, [`sha1-update ${fast}`, 'evp-mac evp', 'sha1-update evp'], 'forms');
    },
  },
  ...srtpSuites.map((suite) => ({
    name: `${suite}: the keys that are derived are those of node:crypto (RFC 3711 §4.3)`,
    run: () => {
      const { encryptBlocks } = openssl(createGuardedArena(loadLibc(), 1 << 24));
      check(encryptBlocks !== undefined, 'OpenSSL derives keys itself');
      const random = new SeededRandom(5);
      for (let count = 0; count < 100; count += 1) {
        const keying = keyingOf(suite, random);
        checkEqual(deriveSessionKeys(keying, encryptBlocks), deriveSessionKeys(keying), 'keys');
      }
    },
  })),
  ...srtpSuites.map((suite) => ({
    name: `${suite}: any RTP packet is protected as by node:crypto, and comes back`,
    run: () => compareRtp(suite, createArena(1 << 20)),
  })),
  ...srtpSuites.map((suite) => ({
    name: `${suite}: any RTCP packet is protected as by node:crypto, and comes back`,
    run: () => compareRtcp(suite, createArena(1 << 20)),
  })),
  ...srtpSuites.map((suite) => ({
    name: `${suite}: no byte beyond packet and tailroom is touched (guarded memory)`,
    run: () => compareRtp(suite, createGuardedArena(loadLibc(), 1 << 24)),
  })),
  {
    name: 'ten thousand ciphers are opened and closed without growth',
    run: () => {
      const ciphers = openssl(createArena(1 << 20));
      const openAndClose = (): void => {
        for (const suite of srtpSuites) {
          const cipher = ciphers.open(
            profileOf(suite),
            deriveSessionKeys(keyingOf(suite, new SeededRandom(3))),
            'protect',
          );
          cipher.close();
          cipher.close();
        }
      };
      for (let round = 0; round < 500; round++) openAndClose();
      const before = process.memoryUsage.rss();
      for (let round = 0; round < 2000; round++) openAndClose();
      const grownBytes = process.memoryUsage.rss() - before;
      // 12,000 contexts of 0.8 to 1.2 kB would be more than 10 MB.
      check(grownBytes < 8_000_000, `resident memory grew by ${grownBytes} B`);
    },
  },
  {
    name: 'a closed cipher refuses to work instead of reaching freed memory',
    run: () => {
      const ciphers = openssl(arenaWithPacket(createArena(1 << 20)));
      for (const suite of srtpSuites) {
        const cipher = ciphers.open(
          profileOf(suite),
          deriveSessionKeys(keyingOf(suite, new SeededRandom(3))),
          'protect',
        );
        cipher.close();
        assert.throws(() => cipher.protectRtp(packetOffset, 12, 100, 0));
      }
    },
  },
];

const hasAesNi = process.arch === 'x64' && /^flags\s*:.*\baes\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'));

/** The factory's scratch and the vectors' packets must not overlap: what lies below `packetOffset` + 4096 is taken first. */
function arenaWithPacket(arena: Arena): Arena {
  arena.allocate(packetOffset + 4096 - 64, 16);
  return arena;
}

function openssl(arena: Arena, form: OpensslForms = {}): SrtpCipherFactory {
  const factory = opensslCipherFactory(arena, form);
  check(factory.ok, `OpenSSL could not be used: ${factory.ok ? '' : factory.error}`);
  return factory.value;
}

const packetRoom = 2048;
const tailroom = 128;
const packetsPerSuite = 400;

function compareRtp(suite: SrtpSuite, arena: Arena): void {
  const random = new SeededRandom(7);
  const fast = openssl(arena);
  const slow = nodeCipherFactory(arena);
  const keying = keyingOf(suite, random);
  const open = (ciphers: SrtpCipherFactory, direction: 'protect' | 'unprotect') =>
    ciphers.open(profileOf(suite), deriveSessionKeys(keying), direction);
  const [protector, unprotector] = [open(fast, 'protect'), open(fast, 'unprotect')];
  const expected = open(slow, 'protect');
  const packet = arena.allocate(packetRoom, 16);
  for (let count = 0; count < packetsPerSuite; count++) {
    const { headerBytes, bytes } = randomRtp(random, count);
    // The packet and its tailroom end exactly where the allocation does, up to the alignment of packets.
    const offset = packet + ((packetRoom - tailroom - bytes.length) & ~3);
    const rollOver = count % 3 === 0 ? 0 : random.below(0x7fffffff);
    arena.bytes.set(bytes, offset);
    const expectedLength = expected.protectRtp(offset, headerBytes, bytes.length, rollOver);
    const wanted = arena.bytes.slice(offset, offset + expectedLength);
    arena.bytes.set(bytes, offset);
    const length = protector.protectRtp(offset, headerBytes, bytes.length, rollOver);
    const got = arena.bytes.slice(offset, offset + length);
    check(Buffer.compare(got, wanted) === 0, `packet ${count} (${bytes.length} B, header ${headerBytes} B) differs`);
    checkEqual(unprotector.unprotectRtp(offset, headerBytes, length, rollOver), bytes.length, 'length after unprotect');
    check(
      Buffer.compare(arena.bytes.slice(offset, offset + bytes.length), bytes) === 0,
      `packet ${count} came back changed`,
    );
  }
}

function compareRtcp(suite: SrtpSuite, arena: Arena): void {
  const random = new SeededRandom(11);
  const fast = openssl(arena);
  const slow = nodeCipherFactory(arena);
  const keying = keyingOf(suite, random);
  const open = (ciphers: SrtpCipherFactory, direction: 'protect' | 'unprotect') =>
    ciphers.open(profileOf(suite), deriveSessionKeys(keying), direction);
  const [protector, unprotector, expected] = [open(fast, 'protect'), open(fast, 'unprotect'), open(slow, 'protect')];
  const offset = arena.allocate(packetRoom, 16);
  for (let count = 0; count < packetsPerSuite; count++) {
    const bytes = random.bytes(8 + 4 * random.below(300));
    const index = random.below(0x7fffffff);
    arena.bytes.set(bytes, offset);
    const expectedLength = expected.protectRtcp(offset, bytes.length, index);
    const wanted = arena.bytes.slice(offset, offset + expectedLength);
    arena.bytes.set(bytes, offset);
    const length = protector.protectRtcp(offset, bytes.length, index);
    check(Buffer.compare(arena.bytes.slice(offset, offset + length), wanted) === 0, `packet ${count} differs`);
    checkEqual(unprotector.unprotectRtcp(offset, length), bytes.length, 'length after unprotect');
    check(
      Buffer.compare(arena.bytes.slice(offset, offset + bytes.length), bytes) === 0,
      `packet ${count} came back changed`,
    );
  }
}

/** Every CSRC count, with and without extension, payloads from nothing to the longest. */
function randomRtp(random: SeededRandom, count: number): { headerBytes: number; bytes: Uint8Array } {
  const csrcs = count % 16;
  const extensionWords = count % 2 === 0 ? random.below(8) : -1;
  const headerBytes = 12 + 4 * csrcs + (extensionWords < 0 ? 0 : 4 + 4 * extensionWords);
  const payload = count % 5 === 0 ? count % 40 : random.below(packetRoom - tailroom - headerBytes);
  const bytes = random.bytes(headerBytes + payload);
  bytes[0] = 0x80 | (extensionWords < 0 ? 0 : 0x10) | csrcs;
  if (extensionWords >= 0) bytes.set([0, extensionWords], headerBytes - 4 * extensionWords - 2);
  return { headerBytes, bytes };
}

function keyingOf(suite: SrtpSuite, random: SeededRandom): SrtpKeying {
  const { keyBytes, saltBytes } = profileOf(suite);
  return { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
}
