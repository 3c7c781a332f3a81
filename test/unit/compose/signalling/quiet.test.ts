import { expect, test } from 'vitest';
import { fewPhones, isQuiet } from '../../../../src/compose/signalling/quiet.ts';

function quiet(calls: number, transactions: number, phones: number): boolean {
  return isQuiet({
    b2bua: { active: calls },
    userAgent: { layer: { active: transactions } },
    registrar: { flows: phones },
  });
}

test('signalling is quiet without calls and transactions, as long as few phones may ask for something', () => {
  expect(quiet(0, 0, 0)).toBe(true);
  expect(quiet(0, 0, fewPhones)).toBe(true);
  expect(quiet(0, 0, fewPhones + 1)).toBe(false);
});

test('a call, or somebody who waits for an answer, would notice that it stands still', () => {
  expect(quiet(1, 0, 0)).toBe(false);
  expect(quiet(0, 1, 0)).toBe(false);
});
