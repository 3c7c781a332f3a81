import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeCipherFactory } from '../../../../src/media/srtp/node-cipher.ts';
import {
  isKeyingComplete,
  profileOf,
  type SrtpKeying,
  type SrtpSuite,
  srtpSuites,
} from '../../../../src/media/srtp/profile.ts';
import { replayWindowSize } from '../../../../src/media/srtp/replay-window.ts';
import { srtpFailure, srtpLimits } from '../../../../src/media/srtp/srtp-limits.ts';
import { SrtpReceiver } from '../../../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../../../src/media/srtp/srtp-sender.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import { cname, compound, rtp, senderReport } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory();
const ciphers = nodeCipherFactory(memory);
const offset = 1024;
const suite80: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80';

function keying(suite: SrtpSuite = suite80, seed = 5): SrtpKeying {
  const random = new SeededRandom(seed);
  const { keyBytes, saltBytes } = profileOf(suite);
  return { suite, masterKey: random.bytes(keyBytes), masterSalt: random.bytes(saltBytes) };
}

/** Puts `packet` into memory, has it transformed, and takes it out again: the packet, or the failure. */
function through(packet: Uint8Array, transform: (offset: number, length: number) => number): Uint8Array | number {
  memory.bytes.set(packet, offset);
  const length = transform(offset, packet.length);
  return length < 0 ? length : memory.bytes.slice(offset, offset + length);
}

const protect = (sender: SrtpSender, packet: Uint8Array) => {
  const result = through(packet, (at, length) => sender.protectRtp(at, length));
  if (typeof result === 'number') throw new Error(`protect failed: ${result}`);
  return result;
};
const unprotect = (receiver: SrtpReceiver, packet: Uint8Array) =>
  through(packet, (at, length) => receiver.unprotectRtp(at, length));

describe('SRTP sender and receiver', () => {
  test.each(srtpSuites)('%s: what was protected comes back, RTP and RTCP (RFC 3711 §3.3, §3.4)', (suite) => {
    const sender = new SrtpSender(keying(suite), ciphers);
    const receiver = new SrtpReceiver(keying(suite), ciphers);
    const packet = rtp({ sequence: 7 });
    const report = compound(senderReport(1, 2), cname(1, 'abc'));
    expect(unprotect(receiver, protect(sender, packet))).toEqual(packet);
    const wire = through(report, (at, length) => sender.protectRtcp(at, length));
    expect(wire).not.toEqual(report);
    if (typeof wire === 'number') throw new Error('RTCP was not protected');
    expect(through(wire, (at, length) => receiver.unprotectRtcp(at, length))).toEqual(report);
    expect(through(wire, (at, length) => receiver.unprotectRtcp(at, length))).toBe(srtpFailure.replayed);
  });

  test.each(srtpSuites)('%s: so does what is nothing but a header', (suite) => {
    const sender = new SrtpSender(keying(suite), ciphers);
    const receiver = new SrtpReceiver(keying(suite), ciphers);
    const packet = rtp({ sequence: 7, payload: new Uint8Array() });
    const whole = protect(sender, packet);
    expect(unprotect(receiver, whole.subarray(0, whole.length - 1))).toBe(srtpFailure.malformed);
    expect(unprotect(receiver, whole)).toEqual(packet);
    const report = senderReport(1, 2).subarray(0, 8);
    const wire = through(report, (at, length) => sender.protectRtcp(at, length));
    if (typeof wire === 'number') throw new Error('RTCP was not protected');
    const cut = wire.subarray(0, wire.length - 1);
    expect(through(cut, (at, length) => receiver.unprotectRtcp(at, length))).toBe(srtpFailure.malformed);
    expect(through(wire, (at, length) => receiver.unprotectRtcp(at, length))).toEqual(report);
  });

  test('the roll-over counter follows the sequence across the wrap, loss and reordering included (RFC 3711 §3.3.1)', () => {
    const jitter = fc.array(fc.record({ skip: fc.integer({ min: 1, max: 200 }), swap: fc.boolean() }), {
      minLength: 400,
      maxLength: 600,
    });
    fc.assert(
      fc.property(jitter, fc.integer({ min: 50_000, max: 0xffff }), (steps, first) => {
        const sender = new SrtpSender(keying(), ciphers);
        const receiver = new SrtpReceiver(keying(), ciphers);
        // A receiver that hears nothing before the wrap cannot know of it: its counter begins with the first packet at 0.
        const opening = rtp({ sequence: first });
        expect(unprotect(receiver, protect(sender, opening))).toEqual(opening);
        let sequence = first;
        let late: { readonly plain: Uint8Array; readonly wire: Uint8Array } | undefined;
        for (const { skip, swap } of steps) {
          sequence += skip;
          const plain = rtp({ sequence, payload: Uint8Array.of(sequence & 0xff) });
          const wire = protect(sender, plain);
          if (swap && late === undefined) {
            late = { plain, wire };
            continue;
          }
          expect(unprotect(receiver, wire)).toEqual(plain);
          // The one that was overtaken is still good inside the window.
          const isInWindow = skip < replayWindowSize;
          if (late !== undefined)
            expect(unprotect(receiver, late.wire)).toEqual(isInWindow ? late.plain : srtpFailure.replayed);
          late = undefined;
        }
      }),
      // Each run is half a thousand packets: a failure is reported as it is, not shrunk.
      { numRuns: 8, endOnFailure: true },
    );
  });

  test('a first packet above 0x8000, then the wrap, then a late one from before it (RFC 3711 §3.3.1)', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const [before, late, after] = [0xfffd, 0xfffe, 0x10001].map((sequence) => protect(sender, rtp({ sequence })));
    for (const wire of [before, after, late])
      expect(unprotect(receiver, wire ?? new Uint8Array())).toBeInstanceOf(Uint8Array);
  });

  test('a packet comes through once (RFC 3711 §3.3.2)', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const wire = protect(sender, rtp({ sequence: 1 }));
    expect(unprotect(receiver, wire)).toBeInstanceOf(Uint8Array);
    expect(unprotect(receiver, wire)).toBe(srtpFailure.replayed);
  });

  test('a forged packet changes nothing: neither roll-over counter nor replay window nor sources', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    expect(unprotect(receiver, protect(sender, rtp({ sequence: 10 })))).toBeInstanceOf(Uint8Array);
    for (const sequence of [11, 40_000, 0xffff]) {
      const forged = Uint8Array.from([...rtp({ sequence }), ...new Uint8Array(10)]);
      expect([srtpFailure.forged, srtpFailure.replayed]).toContain(unprotect(receiver, forged));
    }
    for (let ssrc = 0; ssrc < srtpLimits.sources + 5; ssrc++) {
      const forged = Uint8Array.from([
        ...rtp({ sequence: 1, ssrc, payload: new Uint8Array(1) }),
        ...new Uint8Array(10),
      ]);
      expect(unprotect(receiver, forged)).toBe(srtpFailure.forged);
    }
    expect(unprotect(receiver, protect(sender, rtp({ sequence: 11 })))).toBeInstanceOf(Uint8Array);
    expect(unprotect(receiver, protect(sender, rtp({ sequence: 1, ssrc: 99 })))).toBeInstanceOf(Uint8Array);
  });

  test('headers that do not fit into the packet are refused before any cryptography', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const fifteenCsrcs = rtp({ sequence: 1, payload: new Uint8Array(20) });
    fifteenCsrcs[0] = 0x8f;
    const longExtension = rtp({ sequence: 1, payload: Uint8Array.of(0xbe, 0xde, 0xff, 0xff, 0, 0) });
    longExtension[0] = 0x90;
    const versionOne = rtp({ sequence: 1 });
    versionOne[0] = 0x40;
    for (const packet of [fifteenCsrcs, longExtension, versionOne, new Uint8Array(11), new Uint8Array(0)]) {
      expect(through(packet, (at, length) => sender.protectRtp(at, length))).toBe(srtpFailure.malformed);
      const padded = Uint8Array.from([...packet, ...new Uint8Array(10)]);
      expect(unprotect(receiver, padded)).toBe(srtpFailure.malformed);
    }
    expect(through(new Uint8Array(7), (at, length) => sender.protectRtcp(at, length))).toBe(srtpFailure.malformed);
    expect(through(new Uint8Array(21), (at, length) => receiver.unprotectRtcp(at, length))).toBe(srtpFailure.malformed);
  });

  test('no bytes from the network make a receiver throw', () => {
    const receivers = srtpSuites.map((suite) => new SrtpReceiver(keying(suite), ciphers));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const receiver of receivers) {
          expect(unprotect(receiver, bytes)).toBeLessThan(0);
          expect(through(bytes, (at, length) => receiver.unprotectRtcp(at, length))).toBeLessThan(0);
        }
      }),
    );
  });

  test('a sender refuses an index that was used, and tells it from one too far behind (RFC 3711 §9.1)', () => {
    const sender = new SrtpSender(keying(), ciphers);
    for (const sequence of [1000, 1002]) protect(sender, rtp({ sequence }));
    const result = (sequence: number) => through(rtp({ sequence }), (at, length) => sender.protectRtp(at, length));
    expect(result(1002)).toBe(srtpFailure.indexUsed);
    expect(result(1001)).toBeInstanceOf(Uint8Array);
    expect(result(1001)).toBe(srtpFailure.indexUsed);
    expect(result(500)).toBe(srtpFailure.indexBehind);
    expect(result(60_000)).toBe(srtpFailure.indexBehind);
  });

  test('sources under one key are bounded, and known ones go on', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const packet = (ssrc: number, sequence: number) => rtp({ ssrc, sequence, payload: Uint8Array.of(1) });
    const other = new SrtpSender(keying(), ciphers);
    for (let ssrc = 0; ssrc < srtpLimits.sources; ssrc++) unprotect(receiver, protect(sender, packet(ssrc, 1)));
    const oneMore = protect(other, packet(srtpLimits.sources, 1));
    expect(unprotect(receiver, oneMore)).toBe(srtpFailure.tooManySources);
    const refused = through(packet(srtpLimits.sources, 1), (at, length) => sender.protectRtp(at, length));
    expect(refused).toBe(srtpFailure.tooManySources);
    expect(unprotect(receiver, protect(sender, packet(0, 2)))).toBeInstanceOf(Uint8Array);
  });

  test('a packet that would not fit the scratch is refused', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const packet = rtp({ sequence: 1, payload: new Uint8Array(2048) });
    expect(through(packet, (at, length) => sender.protectRtp(at, length))).toBe(srtpFailure.tooLarge);
  });

  test('an E flag that was cleared on the way is noticed (RFC 3711 §3.4)', () => {
    const receiver = new SrtpReceiver(keying('AEAD_AES_128_GCM'), ciphers);
    const wire = through(senderReport(1, 2), (at, length) =>
      new SrtpSender(keying('AEAD_AES_128_GCM'), ciphers).protectRtcp(at, length),
    );
    if (typeof wire === 'number') throw new Error('not protected');
    const flagged = Uint8Array.from(wire);
    const flagAt = flagged.length - 4;
    flagged[flagAt] = (flagged[flagAt] ?? 0) & 0x7f;
    expect(through(flagged, (at, length) => receiver.unprotectRtcp(at, length))).toBe(srtpFailure.forged);
  });
});

describe('a new key in the same call', () => {
  /** Sequence numbers that wrap once. */
  const wrapping = [0xfff0, 0xffff, 0x10001];

  test('carries the roll-over counter on, in both directions (RFC 3711 §3.3.1)', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    for (const sequence of wrapping) unprotect(receiver, protect(sender, rtp({ sequence })));
    const rekeyed = keying(suite80, 77);
    const nextSender = new SrtpSender(rekeyed, ciphers, sender);
    const nextReceiver = new SrtpReceiver(rekeyed, ciphers, receiver);
    sender.close();
    receiver.close();
    expect(nextSender.hasRolledOver).toBe(true);
    expect(unprotect(nextReceiver, protect(nextSender, rtp({ sequence: 0x10002 })))).toBeInstanceOf(Uint8Array);
  });

  test('is understood from a peer that starts its counter at 0 again', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    for (const sequence of wrapping) unprotect(receiver, protect(sender, rtp({ sequence })));
    const rekeyed = keying(suite80, 77);
    const forgetful = new SrtpSender(rekeyed, ciphers);
    const next = new SrtpReceiver(rekeyed, ciphers, receiver);
    const results = [0x10002, 0x10003, 0x10004].map((sequence) =>
      unprotect(next, protect(forgetful, rtp({ sequence }))),
    );
    expect(results.filter((result) => result === srtpFailure.forged).length).toBeLessThanOrEqual(1);
    expect(results[2]).toBeInstanceOf(Uint8Array);
  });

  test('that is an old one lets nothing be used or replayed twice', () => {
    const first = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const captured = protect(first, rtp({ sequence: 100 }));
    unprotect(receiver, captured);
    const second = new SrtpSender(keying(suite80, 77), ciphers, first);
    const again = new SrtpSender(keying(), ciphers, second);
    const result = through(rtp({ sequence: 100 }), (at, length) => again.protectRtp(at, length));
    expect(result).toBe(srtpFailure.indexUsed);
    const between = new SrtpReceiver(keying(suite80, 77), ciphers, receiver);
    const receiverAgain = new SrtpReceiver(keying(), ciphers, between, receiver);
    expect(unprotect(receiverAgain, captured)).toBe(srtpFailure.replayed);
  });
});

describe('keying', () => {
  test.each(srtpSuites)('%s takes keys of its own length only', (suite) => {
    expect(isKeyingComplete(keying(suite))).toBe(true);
    expect(isKeyingComplete({ ...keying(suite), masterKey: new Uint8Array(15) })).toBe(false);
    expect(isKeyingComplete({ ...keying(suite), masterSalt: new Uint8Array(13) })).toBe(false);
  });
});
