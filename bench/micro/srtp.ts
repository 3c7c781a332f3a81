// What SRTP costs a packet, crypto only: protect and unprotect, in nanoseconds of CPU, best of several rounds.
// Usage: node bench/micro/srtp.ts [contexts=500] [openssl|evp|evp-mac|node]
import koffi from 'koffi';
import { Arena } from '../../src/media/native/arena.ts';
import { opensslCipherFactory } from '../../src/media/native/openssl-cipher.ts';
import type { SrtpCipherFactory } from '../../src/media/srtp/cipher.ts';
import { nodeCipherFactory } from '../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpKeying, type SrtpSuite } from '../../src/media/srtp/profile.ts';
import { SrtpReceiver } from '../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../src/media/srtp/srtp-sender.ts';

const contexts = Number(process.argv[2] ?? 500);
const form = process.argv[3] ?? 'openssl';
const packetsPerRound = 200_000;
const rounds = 5;
const suites: readonly SrtpSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM'];

const buffer = new ArrayBuffer(1 << 25);
const arena = new Arena(buffer, Number(koffi.address(new Uint8Array(buffer))));
const ciphers = factory();
const packet = arena.allocate(4096);

console.log(`${ciphers.name} (${form}), Node ${process.version}, ${contexts} contexts`);
for (const suite of suites) for (const sizeBytes of [172, 1200]) measure(suite, sizeBytes);

function factory(): SrtpCipherFactory {
  if (form === 'node') return nodeCipherFactory(arena);
  const loaded = opensslCipherFactory(arena, {
    hmac: form === 'evp-mac' ? 'evp-mac' : 'any',
    counter: form === 'evp' ? 'evp' : 'any',
  });
  if (!loaded.ok) throw new Error(loaded.error);
  return loaded.value;
}

function measure(suite: SrtpSuite, sizeBytes: number): void {
  const senders = Array.from({ length: contexts }, (_, index) => new SrtpSender(keying(suite, index), ciphers));
  const receivers = Array.from({ length: contexts }, (_, index) => new SrtpReceiver(keying(suite, index), ciphers));
  let sent = 0;
  let failures = 0;
  const run = (isBoth: boolean): void => {
    const index = sent % contexts;
    writeHeader(Math.floor(sent / contexts));
    sent += 1;
    const length = senders[index]?.protectRtp(packet, sizeBytes) ?? -1;
    if (length < 0 || (isBoth && receivers[index]?.unprotectRtp(packet, length) !== sizeBytes)) failures += 1;
  };
  const both = best(() => run(true));
  const protect = best(() => run(false));
  const perPacket = { protect: Math.round(protect), unprotect: Math.round(both - protect), failures };
  console.log(suite.padEnd(24), `${sizeBytes} B`.padStart(7), perPacket);
  for (const context of [...senders, ...receivers]) context.close();
}

function best(run: () => void): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    for (let count = 0; count < packetsPerRound; count++) run();
    const { user, system } = process.cpuUsage(before);
    lowest = Math.min(lowest, ((user + system) * 1000) / packetsPerRound);
  }
  return lowest;
}

function writeHeader(sequence: number): void {
  arena.view.setUint32(packet, (0x8000_0000 | (sequence & 0xffff)) >>> 0);
  arena.view.setUint32(packet + 8, 0x1234_5678);
}

function keying(suite: SrtpSuite, seed: number): SrtpKeying {
  const { keyBytes, saltBytes } = profileOf(suite);
  const bytes = (count: number) => Uint8Array.from({ length: count }, (_, index) => (seed * 31 + index * 7) & 0xff);
  return { suite, masterKey: bytes(keyBytes), masterSalt: bytes(saltBytes) };
}
