import { expect, test } from 'vitest';
import { formatLedger, IndexLedger, LedgerPast, ledgerBytes } from '../../../../src/media/srtp/index-ledger.ts';
import { nodeCipherFactory } from '../../../../src/media/srtp/node-cipher.ts';
import { profileOf, type SrtpKeying } from '../../../../src/media/srtp/profile.ts';
import { srtpFailure } from '../../../../src/media/srtp/srtp-limits.ts';
import { EndpointKeys } from '../../../../src/media/worker/endpoint-keys.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { cname, compound, rtp, senderReport } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory();
const ciphers = nodeCipherFactory(memory);
const offset = 1_024;
const report = compound(senderReport(1, 2), cname(1, 'abc'));
/** The index of SRTCP stands before the tag of 80 bits, with the flag that the packet is encrypted (RFC 3711 §3.4). */
const indexFromEnd = 14;

function keying(seed: number): SrtpKeying {
  const random = new SeededRandom(seed);
  const suite = 'AES_CM_128_HMAC_SHA1_80';
  const { keyBytes, saltBytes } = profileOf(suite);
  return { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
}

function through(packet: Uint8Array, transform: (offset: number, length: number) => number): Uint8Array | number {
  memory.bytes.set(packet, offset);
  const length = transform(offset, packet.length);
  return length < 0 ? length : memory.bytes.slice(offset, offset + length);
}

function reportIndex(keys: EndpointKeys): number {
  const wire = through(report, (at, length) => keys.sender?.protectRtcp(at, length) ?? -1);
  if (typeof wire === 'number') throw new Error('the report was not protected');
  return Buffer.from(wire).readUInt32BE(wire.length - indexFromEnd) & 0x7fffffff;
}

const remote = (seed: number): { readonly receive: SrtpKeying; readonly send: SrtpKeying } => ({
  receive: keying(seed),
  send: keying(seed + 1),
});

test('keys that a process before used go on at its indices, though all that is left of it is the ledger (RFC 3711 §9.1)', () => {
  const buffer = new ArrayBuffer(ledgerBytes(16));
  formatLedger(new Uint8Array(buffer), new Uint8Array(16));
  const before = new EndpointKeys({ ciphers, ledger: new IndexLedger(buffer, new LedgerPast()) }, 'one', undefined);
  before.apply(remote(5));
  const packet = rtp({ sequence: 7, ssrc: 9 });
  const heard = new EndpointKeys({ ciphers }, 'peer', undefined);
  heard.apply({ receive: keying(6), send: keying(5) });
  const wire = through(packet, (at, length) => heard.sender?.protectRtp(at, length) ?? -1);
  if (typeof wire === 'number') throw new Error('the packet was not protected');
  expect(through(wire, (at, length) => before.receiver?.unprotectRtp(at, length) ?? -1)).toEqual(packet);
  expect([reportIndex(before), reportIndex(before)]).toEqual([0, 1]);
  expect(through(packet, (at, length) => before.sender?.protectRtp(at, length) ?? -1)).not.toBeTypeOf('number');

  const past = new LedgerPast();
  past.add(new Uint8Array(buffer.slice(0)));
  const ledger = new IndexLedger(new ArrayBuffer(ledgerBytes(16)), past);
  const after = new EndpointKeys({ ciphers, ledger }, 'one', undefined);
  after.apply(remote(5));
  expect(reportIndex(after)).toBe(2);
  expect(through(packet, (at, length) => after.sender?.protectRtp(at, length) ?? -1)).toBe(srtpFailure.indexUsed);
  expect(through(wire, (at, length) => after.receiver?.unprotectRtp(at, length) ?? -1)).toBe(srtpFailure.replayed);

  const fresh = new EndpointKeys({ ciphers, ledger }, 'two', undefined);
  fresh.apply(remote(50));
  expect(reportIndex(fresh)).toBe(0);
});
