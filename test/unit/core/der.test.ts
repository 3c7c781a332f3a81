import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boolean, integer, objectIdentifier, octetString, sequence, time } from '../../../src/core/der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('DER', () => {
  test.each([
    ['zero', [0], '020100'],
    ['leading zeros', [0, 0, 0x7f], '02017f'],
    ['a first bit that would mean a sign (X.690 §8.3)', [0x80], '02020080'],
    ['nothing at all', [], '020100'],
  ])('writes an integer of %s', (_name, bytes, expected) => {
    expect(hex(integer(Uint8Array.from(bytes)))).toBe(expected);
  });

  test.each([
    ['2.5.29.17', '0603551d11'],
    ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
    ['2.999.3', '0603883703'],
  ])('writes the object identifier %s (X.690 §8.19)', (dotted, expected) => {
    expect(hex(objectIdentifier(dotted))).toBe(expected);
  });

  test.each([
    [0x7f, '047f'],
    [0x80, '048180'],
    [0xff, '0481ff'],
    [0x100, '04820100'],
    [0x10000, '0483010000'],
  ])('writes a length of %i in its shortest form (X.690 §10.1)', (size, head) => {
    expect(hex(octetString(new Uint8Array(size))).slice(0, head.length)).toBe(head);
  });

  test('changes from UTCTime to GeneralizedTime with the year 2050 (RFC 5280 §4.1.2.5)', () => {
    expect(Buffer.from(time(Date.UTC(2049, 11, 31, 23, 59, 59, 999))).toString('latin1')).toBe('\x17\x0d491231235959Z');
    expect(Buffer.from(time(Date.UTC(2050, 0, 1))).toString('latin1')).toBe('\x18\x0f20500101000000Z');
  });

  test('writes true as ones, and nests', () => {
    expect(hex(sequence(boolean(true), sequence(boolean(false))))).toBe('30080101ff3003010100');
  });

  test('writes elements whose length is what follows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
        const written = octetString(bytes);
        const first = written[1] ?? 0;
        const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
        expect(hex(written.subarray(2 + lengthBytes))).toBe(hex(bytes));
      }),
      { numRuns: 30 },
    );
  });
});
