import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatLedger,
  IndexLedger,
  KeyLedger,
  LedgerPast,
  ledgerBytes,
  ledgerHeaderBytes,
  ledgerKind,
} from '../../../../src/media/srtp/index-ledger.ts';
import type { SentIndices } from '../../../../src/media/srtp/index-record.ts';
import { nodeCipherFactory } from '../../../../src/media/srtp/node-cipher.ts';
import type { SrtpKeying } from '../../../../src/media/srtp/profile.ts';
import { replayWindowSize } from '../../../../src/media/srtp/replay-window.ts';
import { srtpFailure, srtpLimits } from '../../../../src/media/srtp/srtp-limits.ts';
import { SrtpReceiver } from '../../../../src/media/srtp/srtp-receiver.ts';
import { SrtpSender } from '../../../../src/media/srtp/srtp-sender.ts';
import { cname, compound, rtp, senderReport } from '../../../support/rtp-packets.ts';
import { plainMemory } from '../../../support/srtp-vectors.ts';

const memory = plainMemory();
const ciphers = nodeCipherFactory(memory);
const offset = 1024;
const keyName = new Uint8Array(32).fill(7);
const report = compound(senderReport(1, 2), cname(1, 'abc'));

const keying = (): SrtpKeying => ({
  suite: 'AES_CM_128_HMAC_SHA1_80',
  masterKey: new Uint8Array(16).fill(1),
  masterSalt: new Uint8Array(14).fill(2),
});

function through(packet: Uint8Array, transform: (offset: number, length: number) => number): Uint8Array | number {
  memory.bytes.set(packet, offset);
  const length = transform(offset, packet.length);
  return length < 0 ? length : memory.bytes.slice(offset, offset + length);
}

/** The packet or report protected, unprotected or refused. */
const send = (sender: SrtpSender, sequence: number, ssrc = 1) =>
  through(rtp({ sequence, ssrc, payload: Uint8Array.of(1) }), (at, length) => sender.protectRtp(at, length));
const sendReport = (sender: SrtpSender) => through(report, (at, length) => sender.protectRtcp(at, length));
const receive = (receiver: SrtpReceiver, wire: Uint8Array | number) =>
  typeof wire === 'number' ? wire : through(wire, (at, length) => receiver.unprotectRtp(at, length));
const receiveReport = (receiver: SrtpReceiver, wire: Uint8Array | number) =>
  typeof wire === 'number' ? wire : through(wire, (at, length) => receiver.unprotectRtcp(at, length));

/** A sender that stands right behind that index. */
function senderAt(highest: number, rtcp = 0, ssrc = 1): SrtpSender {
  const sender = new SrtpSender(keying(), ciphers);
  sender.resume({ rtp: [{ ssrc, highest }], rtcp });
  return sender;
}

/** The memory that outlives a process, and a ledger of each process that has it. */
class Kept {
  readonly #buffer: ArrayBuffer;

  constructor(slots = 64) {
    this.#buffer = new ArrayBuffer(ledgerBytes(slots));
    formatLedger(new Uint8Array(this.#buffer), new Uint8Array(16));
  }

  next(): { readonly ledger: IndexLedger; readonly ofKey: KeyLedger } {
    const past = new LedgerPast();
    past.add(new Uint8Array(this.#buffer.slice(ledgerHeaderBytes)));
    const ledger = new IndexLedger(this.#buffer, past);
    return { ledger, ofKey: new KeyLedger(ledger, keyName) };
  }
}

const nothing: SentIndices = { rtp: [], rtcp: 0 };

describe('a sender that goes on with a key of another process (RFC 3711 §9.1)', () => {
  test('uses no index up to the one that is written down or the one that it is told of, whichever is higher', () => {
    fc.assert(
      fc.property(fc.nat(3 * 0x10000), fc.nat(3 * 0x10000), (written, told) => {
        const kept = new Kept();
        kept.next().ofKey.note({ mark: -1 }, ledgerKind.sentRtcp, 0, 4);
        kept.next().ofKey.note({ mark: -1 }, ledgerKind.sentRtp, 1, written);
        const sender = new SrtpSender(keying(), ciphers, undefined, kept.next().ofKey);
        expect([...sender.resume({ rtp: [{ ssrc: 1, highest: told }], rtcp: 2 })]).toEqual([1]);
        const highest = Math.max(written, told);
        expect(sender.indices()).toEqual({ rtp: [{ ssrc: 1, highest }], rtcp: 5 });
        expect(send(sender, highest)).toBe(srtpFailure.indexUsed);
        expect(send(sender, highest + 1)).toBeInstanceOf(Uint8Array);
        expect(sender.indices().rtp).toEqual([{ ssrc: 1, highest: highest + 1 }]);
      }),
      { numRuns: 30 },
    );
  });

  test('needs fresh names where nothing was written down, and goes on from what it is told all the same', () => {
    const told: SentIndices = { rtp: [{ ssrc: 1, highest: 70_000 }], rtcp: 9 };
    for (const ledger of [undefined, new Kept().next().ofKey]) {
      const sender = new SrtpSender(keying(), ciphers, undefined, ledger);
      expect(sender.resume(told).size).toBe(0);
      expect(sender.indices()).toEqual(told);
      expect([sender.hasUsed(1), sender.hasUsed(2), sender.hasRolledOver]).toEqual([true, false, true]);
    }
  });

  test('that never sent under an SSRC may use it from the beginning', () => {
    const sender = senderAt(-1);
    expect([sender.hasUsed(1), sender.hasRolledOver]).toEqual([false, false]);
    expect(send(sender, 5)).toBeInstanceOf(Uint8Array);
  });

  test('moves on in the place that a source has, also when all places are taken', () => {
    const full = Array.from({ length: srtpLimits.sources }, (_, ssrc) => ({ ssrc, highest: 10 }));
    const kept = new Kept();
    const { ofKey } = kept.next();
    ofKey.note({ mark: -1 }, ledgerKind.sentRtcp, 0, 0);
    ofKey.note({ mark: -1 }, ledgerKind.sentRtp, 5, 500);
    const sender = new SrtpSender(keying(), ciphers, undefined, kept.next().ofKey);
    sender.resume({ rtp: full, rtcp: 0 });
    expect(send(sender, 500, 5)).toBe(srtpFailure.indexUsed);
    expect(send(sender, 501, 5)).toBeInstanceOf(Uint8Array);
    expect(send(sender, 11, srtpLimits.sources - 1)).toBeInstanceOf(Uint8Array);
  });

  test('keeps one place of the ledger for each source, and gives all back with the key', () => {
    const { ledger, ofKey } = new Kept().next();
    const before = ledger.freeSlots;
    const sender = new SrtpSender(keying(), ciphers, undefined, ofKey);
    sender.resume({ rtp: [{ ssrc: 1, highest: 10 }], rtcp: 0 });
    sender.resume({ rtp: [{ ssrc: 1, highest: 20 }], rtcp: 0 });
    send(sender, 21);
    send(sender, 1, 2);
    sendReport(sender);
    expect(ledger.freeSlots).toBe(before - 3);
    sender.close();
    sender.close();
    expect(ledger.freeSlots).toBe(before);
  });

  test('says nothing of its streams where the ledger has no place for RTCP', () => {
    const kept = new Kept(2);
    const first = kept.next();
    first.ofKey.note({ mark: -1 }, ledgerKind.sentRtp, 1, 5);
    const sender = new SrtpSender(keying(), ciphers, undefined, first.ofKey);
    send(sender, 6, 2);
    const second = new SrtpSender(keying(), ciphers, undefined, kept.next().ofKey);
    expect(second.resume(nothing).size).toBe(0);
  });

  test('takes up no index of its predecessor, whose own goes on undisturbed', () => {
    const first = senderAt(70_000, 3);
    const second = new SrtpSender(keying(), ciphers, first);
    expect(second.indices()).toEqual({ rtp: [{ ssrc: 1, highest: 70_000 }], rtcp: 3 });
    send(second, 70_001);
    expect(first.indices().rtp).toEqual([{ ssrc: 1, highest: 70_000 }]);
  });
});

describe('the end of a key (RFC 3711 §9.2)', () => {
  test('comes for a sender after 2^48 packets and 2^31 reports', () => {
    const sender = senderAt(2 ** 48 - 2, srtpLimits.highestRtcpIndex);
    expect(send(sender, 0xffff)).toBeInstanceOf(Uint8Array);
    expect(send(sender, 0x10000)).toBe(srtpFailure.indexUsed);
    expect(sendReport(sender)).toBeInstanceOf(Uint8Array);
    expect(sendReport(sender)).toBe(srtpFailure.indexUsed);
  });

  test('comes for a receiver with the last index too', () => {
    const receiver = new SrtpReceiver(keying(), ciphers);
    receiver.resume({ rtp: [{ ssrc: 1, highest: 2 ** 48 - 2 }], rtcp: [] });
    const last = send(senderAt(2 ** 48 - 2), 0xffff);
    expect(receive(receiver, last)).toBeInstanceOf(Uint8Array);
    expect(receive(receiver, send(new SrtpSender(keying(), ciphers), 0))).toBe(srtpFailure.replayed);
  });
});

describe('a receiver that goes on with a key of another process', () => {
  test('takes nothing up to what is written down, and the next packet at once (RFC 3711 §3.3.2)', () => {
    fc.assert(
      fc.property(fc.nat(3 * 0x10000), fc.integer({ min: -300, max: 300 }), (written, by) => {
        const kept = new Kept();
        kept.next().ofKey.note({ mark: -1 }, ledgerKind.receivedRtp, 1, written);
        const receiver = new SrtpReceiver(keying(), ciphers, undefined, undefined, kept.next().ofKey);
        receiver.resume({ rtp: [{ ssrc: 1, highest: Math.floor(written / 2) }], rtcp: [] });
        expect(receiver.indices().rtp).toEqual([{ ssrc: 1, highest: written }]);
        const index = Math.max(0, written + by);
        const packet = receive(receiver, send(senderAt(index - 1), index));
        if (index <= written) expect(packet).toBe(srtpFailure.replayed);
        else expect(packet).toBeInstanceOf(Uint8Array);
      }),
      { numRuns: 50 },
    );
  });

  test('without a ledger finds how often the sequence number wrapped within so many packets as it tries counters', () => {
    const wraps = fc.integer({ min: 0, max: srtpLimits.rollOversSearched });
    fc.assert(
      fc.property(fc.nat(3 * 0x10000), wraps, fc.integer({ min: 1, max: 1_000 }), (known, wrapped, gap) => {
        const receiver = new SrtpReceiver(keying(), ciphers);
        receiver.resume({ rtp: [{ ssrc: 1, highest: known }], rtcp: [] });
        const captured = send(senderAt(known - 1), known);
        const first = known + wrapped * 0x10000 + gap;
        const sender = senderAt(first - 1);
        expect(receive(receiver, captured)).toBe(srtpFailure.forged);
        const heard = Array.from({ length: srtpLimits.rollOversSearched }, (_, n) =>
          receive(receiver, send(sender, first + n)),
        );
        const isFound = wrapped < srtpLimits.rollOversSearched;
        expect(heard.some((one) => typeof one !== 'number')).toBe(isFound);
        expect(receiver.hasReceived).toBe(isFound);
        expect(receive(receiver, captured)).toBeLessThan(0);
        if (isFound) expect(receive(receiver, send(sender, first + 50))).toBeInstanceOf(Uint8Array);
      }),
      { numRuns: 50 },
    );
  });

  test('takes a report once, and none up to the last one that is known', () => {
    for (const hasLedger of [true, false]) {
      const kept = new Kept();
      kept.next().ofKey.note({ mark: -1 }, ledgerKind.receivedRtcp, 1, 30);
      const ledger = hasLedger ? kept.next().ofKey : undefined;
      const receiver = new SrtpReceiver(keying(), ciphers, undefined, undefined, ledger);
      receiver.resume({ rtp: [], rtcp: [{ ssrc: 1, highest: 20 }] });
      const last = hasLedger ? 30 : 20;
      expect(receiver.indices().rtcp).toEqual([{ ssrc: 1, highest: last }]);
      for (const index of [last - 1, last]) {
        expect(receiveReport(receiver, sendReport(senderAt(1, index)))).toBe(srtpFailure.replayed);
      }
      expect(receiveReport(receiver, sendReport(senderAt(1, last + 1)))).toEqual(report);
      expect(receiver.indices().rtcp).toEqual([{ ssrc: 1, highest: last + 1 }]);
    }
  });

  test('moves on in the place that a source of reports has, also when all places are taken', () => {
    const full = Array.from({ length: srtpLimits.sources }, (_, ssrc) => ({ ssrc, highest: 1 }));
    const kept = new Kept();
    kept.next().ofKey.note({ mark: -1 }, ledgerKind.receivedRtcp, 1, 30);
    const receiver = new SrtpReceiver(keying(), ciphers, undefined, undefined, kept.next().ofKey);
    receiver.resume({ rtp: [], rtcp: [...full, { ssrc: srtpLimits.sources, highest: 1 }] });
    expect(receiveReport(receiver, sendReport(senderAt(1, 30)))).toBe(srtpFailure.replayed);
    expect(receiver.indices().rtcp).toHaveLength(srtpLimits.sources);
  });

  test('keeps one place of the ledger for each source, and gives all back with the key', () => {
    const { ledger, ofKey } = new Kept().next();
    const before = ledger.freeSlots;
    const receiver = new SrtpReceiver(keying(), ciphers, undefined, undefined, ofKey);
    receiver.resume({ rtp: [], rtcp: [{ ssrc: 1, highest: 2 }] });
    receiver.resume({ rtp: [], rtcp: [{ ssrc: 1, highest: 4 }] });
    for (const sequence of [7, 8]) receive(receiver, send(senderAt(sequence - 1), sequence));
    expect(ledger.freeSlots).toBe(before - 2);
    receiver.close();
    receiver.close();
    expect(ledger.freeSlots).toBe(before);
  });
});

describe('reports (RFC 3711 §3.4)', () => {
  const wires = Array.from({ length: 2 * replayWindowSize }, (_, index) => sendReport(senderAt(1, index)));

  test('come through once each, in any order inside the window', () => {
    const steps = fc.array(fc.integer({ min: -replayWindowSize - 2, max: 9 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, (jumps) => {
        const receiver = new SrtpReceiver(keying(), ciphers);
        const seen = new Set<number>();
        let highest = -1;
        for (const jump of jumps) {
          const index = Math.min(wires.length - 1, Math.max(0, highest + jump));
          const isFresh = highest < 0 || (index > highest - replayWindowSize && !seen.has(index));
          const got = receiveReport(receiver, wires[index] ?? 0);
          if (isFresh) expect(got).toEqual(report);
          else expect(got).toBe(srtpFailure.replayed);
          seen.add(index);
          highest = Math.max(highest, index);
        }
        expect(receiver.indices().rtcp).toEqual([{ ssrc: 1, highest }]);
      }),
      { numRuns: 40 },
    );
  });

  test('that are forged change nothing, and take no place of a source', () => {
    const receiver = new SrtpReceiver(keying(), ciphers);
    for (let ssrc = 0; ssrc <= srtpLimits.sources; ssrc += 1) {
      const forged = compound(senderReport(ssrc, 2), new Uint8Array(14).fill(0xff));
      expect(receiveReport(receiver, forged)).toBe(srtpFailure.forged);
    }
    expect([receiver.hasReceived, receiver.indices()]).toEqual([false, { rtp: [], rtcp: [] }]);
    expect(receiveReport(receiver, wires[0] ?? 0)).toEqual(report);
    expect(receiver.hasReceived).toBe(true);
  });

  test('of so many sources are taken as there are places', () => {
    const receiver = new SrtpReceiver(keying(), ciphers);
    const sender = new SrtpSender(keying(), ciphers);
    const results = Array.from({ length: srtpLimits.sources + 1 }, (_, ssrc) => {
      const wire = through(senderReport(ssrc, 2), (at, length) => sender.protectRtcp(at, length));
      return typeof receiveReport(receiver, wire);
    });
    expect(results.indexOf('number')).toBe(srtpLimits.sources);
  });

  test('and packets are at most so long as a cipher takes them, and at least so long as their headers', () => {
    const sender = new SrtpSender(keying(), ciphers);
    const receiver = new SrtpReceiver(keying(), ciphers);
    const [packetTrailer, reportTrailer] = [10, 14];
    for (const [length, expected] of [
      [2_048, 'protected'],
      [2_049, srtpFailure.tooLarge],
    ] as const) {
      const packet = rtp({ sequence: length, payload: new Uint8Array(length - 12) });
      const long = compound(senderReport(1, 2), new Uint8Array(length - 52));
      const sent = [
        through(packet, (at, bytes) => sender.protectRtp(at, bytes)),
        through(long, (at, bytes) => sender.protectRtcp(at, bytes)),
      ];
      if (expected === 'protected') {
        expect(sent.map((wire) => (typeof wire === 'number' ? wire : wire.length - length))).toEqual([10, 14]);
        expect(receive(receiver, sent[0] ?? 0)).toEqual(packet);
        expect(receiveReport(receiver, sent[1] ?? 0)).toEqual(long);
      } else {
        expect(sent).toEqual([expected, expected]);
        expect(receive(receiver, compound(packet, new Uint8Array(packetTrailer)))).toBe(expected);
        expect(receiveReport(receiver, compound(long, new Uint8Array(reportTrailer)))).toBe(expected);
      }
    }
    // A header and the SSRC of who sends (RFC 3550 §6.4.2).
    const shortest = senderReport(1, 2).subarray(0, 8);
    const wire = through(shortest, (at, length) => sender.protectRtcp(at, length));
    expect(receiveReport(receiver, wire)).toEqual(shortest);
    const shorter = shortest.subarray(1);
    expect(through(shorter, (at, length) => sender.protectRtcp(at, length))).toBe(srtpFailure.malformed);
    expect(receiveReport(receiver, compound(shorter, new Uint8Array(reportTrailer)))).toBe(srtpFailure.malformed);
    expect(receive(receiver, compound(rtp({ sequence: 1 }).subarray(0, 11), new Uint8Array(packetTrailer)))).toBe(
      srtpFailure.malformed,
    );
    const bare = through(rtp({ sequence: 1 }).subarray(0, 12), (at, length) => senderAt(-1).protectRtp(at, length));
    expect(receive(new SrtpReceiver(keying(), ciphers), bare)).toHaveLength(12);
  });
});
