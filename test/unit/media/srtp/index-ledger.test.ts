import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatLedger,
  IndexLedger,
  isLedgerOf,
  KeyLedger,
  LedgerPast,
  ledgerBytes,
  ledgerHeaderBytes,
  ledgerKind,
  ledgerSlotBytes,
} from '../../../../src/media/srtp/index-ledger.ts';

const bootId = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
const keyA = new Uint8Array(32).fill(0xa1);
const keyB = new Uint8Array(32).fill(0xb2);

function formatted(slots = 8): ArrayBuffer {
  const buffer = new ArrayBuffer(ledgerBytes(slots));
  formatLedger(new Uint8Array(buffer), bootId);
  return buffer;
}

/** What a successor reads in the same memory. */
function pastOf(buffer: ArrayBuffer): LedgerPast {
  const past = new LedgerPast();
  past.add(new Uint8Array(buffer.slice(ledgerHeaderBytes)));
  return past;
}

describe('the ledger of packet indices (RFC 3711 §9.1)', () => {
  test('a successor reads the highest index of each key, kind and SSRC', () => {
    const buffer = formatted();
    const ledger = new IndexLedger(buffer, new LedgerPast());
    const [one, two] = [{ mark: -1 }, { mark: -1 }];
    const a = new KeyLedger(ledger, keyA);
    a.note(one, ledgerKind.sentRtp, -5, 65_535);
    a.note(one, ledgerKind.sentRtp, -5, 65_536);
    new KeyLedger(ledger, keyB).note(two, ledgerKind.receivedRtp, 7, 2 ** 48 - 1);
    const past = pastOf(buffer);
    expect(past.entries(keyA, ledgerKind.sentRtp)).toEqual([{ ssrc: -5, highest: 65_536 }]);
    expect(past.entries(keyA, ledgerKind.receivedRtp)).toEqual([]);
    expect(past.entries(keyB, ledgerKind.receivedRtp)).toEqual([{ ssrc: 7, highest: 2 ** 48 - 1 }]);
  });

  test('the layout of version 1 stays as it is', () => {
    const buffer = formatted(4);
    new KeyLedger(new IndexLedger(buffer, new LedgerPast()), keyA).note({ mark: -1 }, ledgerKind.sentRtcp, 9, 3);
    const view = new DataView(buffer);
    expect(Buffer.from(buffer, 0, 12).toString('hex')).toBe('5049444c0100000004000000');
    expect(view.getFloat64(ledgerHeaderBytes, true)).toBe(3);
    expect(Buffer.from(buffer, ledgerHeaderBytes + 8, 16).toString('hex')).toBe('a1'.repeat(16));
    expect([view.getInt32(ledgerHeaderBytes + 24, true), view.getInt32(ledgerHeaderBytes + 28, true)]).toEqual([9, 2]);
  });

  test('is empty when it is formatted, whatever stood in its memory', () => {
    const buffer = new ArrayBuffer(ledgerBytes(3));
    new Uint8Array(buffer).fill(0x01);
    formatLedger(new Uint8Array(buffer), bootId);
    expect(isLedgerOf(new Uint8Array(buffer), buffer.byteLength, bootId)).toBe(true);
    expect(new Uint8Array(buffer, ledgerHeaderBytes).every((byte) => byte === 0)).toBe(true);
  });

  test('an index is one aligned store: a copy taken at any moment has the old one or the new one', () => {
    for (let slot = 0; slot < 64; slot += 1) expect((ledgerHeaderBytes + slot * ledgerSlotBytes) % 8).toBe(0);
  });

  test('another boot, another version, another length or a cut file is not a ledger', () => {
    const bytes = new Uint8Array(formatted());
    expect(isLedgerOf(bytes, bytes.length, bootId)).toBe(true);
    expect(isLedgerOf(bytes, bytes.length, bootId.toReversed())).toBe(false);
    for (const length of [0, 12, ledgerHeaderBytes, bytes.length - 1]) {
      expect(isLedgerOf(bytes.subarray(0, length), length, bootId)).toBe(false);
    }
    for (const at of [0, 4, 8]) {
      const changed = bytes.slice();
      changed[at] = 0x77;
      expect(isLedgerOf(changed, changed.length, bootId)).toBe(false);
    }
  });

  test('a full ledger goes on without a place, and a released place is used again', () => {
    const buffer = formatted(3);
    const ledger = new IndexLedger(buffer, new LedgerPast());
    const key = new KeyLedger(ledger, keyA);
    const positions = [0, 1, 2].map((ssrc) => {
      const position = { mark: -1 };
      key.note(position, ledgerKind.sentRtp, ssrc, 10 + ssrc);
      key.note(position, ledgerKind.sentRtp, ssrc, 20 + ssrc);
      return position;
    });
    expect(positions.map((position) => key.isNoted(position))).toEqual([true, true, false]);
    expect(pastOf(buffer).entries(keyA, ledgerKind.sentRtp)).toEqual([
      { ssrc: 0, highest: 20 },
      { ssrc: 1, highest: 21 },
    ]);
    for (const position of positions) key.forget(position);
    expect(ledger.freeSlots).toBe(2);
    expect(pastOf(buffer).entries(keyA, ledgerKind.sentRtp)).toEqual([]);
  });

  test('what the past wrote is overwritten last, and stays when the process ends on purpose', () => {
    const buffer = formatted(4);
    new KeyLedger(new IndexLedger(buffer, new LedgerPast()), keyA).note({ mark: -1 }, ledgerKind.sentRtp, 1, 100);
    const next = new IndexLedger(buffer, pastOf(buffer));
    const key = new KeyLedger(next, keyB);
    const two = [{ mark: -1 }, { mark: -1 }];
    for (const [ssrc, position] of two.entries()) key.note(position, ledgerKind.sentRtp, ssrc, 1);
    expect(pastOf(buffer).entries(keyA, ledgerKind.sentRtp)).toEqual([{ ssrc: 1, highest: 100 }]);
    next.keep();
    for (const position of two) key.forget(position);
    expect(pastOf(buffer).entries(keyB, ledgerKind.sentRtp)).toHaveLength(2);
    const third = { mark: -1 };
    key.note(third, ledgerKind.sentRtp, 9, 1);
    expect(pastOf(buffer).entries(keyA, ledgerKind.sentRtp)).toEqual([]);
  });

  test('what was read before need not be looked at again', () => {
    const buffer = formatted(4);
    new KeyLedger(new IndexLedger(buffer, new LedgerPast()), keyA).note({ mark: -1 }, ledgerKind.sentRtp, 1, 100);
    const used: number[] = [];
    new LedgerPast().add(new Uint8Array(buffer.slice(ledgerHeaderBytes)), (slot) => used.push(slot));
    expect(used).toEqual([0]);
    // Others than these are taken first, whatever stands there.
    const key = new KeyLedger(new IndexLedger(buffer, new LedgerPast(), new Set([1, 2])), keyB);
    const position = { mark: -1 };
    key.note(position, ledgerKind.sentRtp, 1, 1);
    expect(position.mark).toBe(0);
  });

  test('over random claims, stores and releases a successor reads exactly what is held', () => {
    const step = fc.record({ release: fc.boolean(), ssrc: fc.integer({ min: -3, max: 3 }), index: fc.maxSafeNat() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const buffer = formatted(6);
        const ledger = new IndexLedger(buffer, new LedgerPast());
        const key = new KeyLedger(ledger, keyA);
        const held = new Map<number, { mark: number; highest: number }>();
        for (const { release, ssrc, index } of steps) {
          const position = held.get(ssrc) ?? { mark: -1, highest: -1 };
          if (release) {
            key.forget(position);
            held.delete(ssrc);
          } else {
            position.highest = index % 2 ** 48;
            key.note(position, ledgerKind.sentRtp, ssrc, position.highest);
            held.set(ssrc, position);
          }
        }
        const expected = [...held]
          .filter(([, position]) => key.isNoted(position))
          .map(([ssrc, { highest }]) => ({ ssrc, highest }));
        const read = pastOf(buffer).entries(keyA, ledgerKind.sentRtp);
        const bySsrc = (a: { ssrc: number }, b: { ssrc: number }): number => a.ssrc - b.ssrc;
        expect([...read].sort(bySsrc)).toEqual(expected.sort(bySsrc));
      }),
    );
  });

  test('bytes of any kind can be read as a past', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => new LedgerPast().add(bytes)));
  });
});
