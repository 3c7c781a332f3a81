import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Random } from '../../../src/core/random.ts';
import {
  generatedLength,
  generatePassword,
  maxPasswordLength,
  passwordFaults,
} from '../../../src/policy/password-policy.ts';
import { SeededRandom } from '../../support/fake-time.ts';

describe('a password', () => {
  test.each(['Wonderland-1865', 'aB3!aB3!aB3!', 'Grüße-aus-Köln7', 'with blanks In 2026!'])(
    'will do when it has everything: %s',
    (password) => {
      expect(passwordFaults(password, 'eve')).toEqual([]);
    },
  );

  test.each([
    ['Short-1a', 'has 8 characters, at least 12 are needed'],
    ['ALL-UPPER-2026', 'has no lower-case letter'],
    ['all-lower-2026', 'has no upper-case letter'],
    ['No-Digits-Here', 'has no digit'],
    ['NoSpecials20261', 'has no special character'],
    ['Blanks Are 2 Few', 'has no special character'],
    ['My-ALICE-Pass-1', 'contains the user name'],
    ['Line\nBreak-2026', 'has a control character'],
    [`Long-1${'x'.repeat(maxPasswordLength)}`, `has more than ${maxPasswordLength} characters`],
  ])('%j %s', (password, fault) => {
    expect(passwordFaults(password, 'alice')).toEqual([fault]);
  });

  test('is told all of its faults at once', () => {
    expect(passwordFaults('', 'alice')).toHaveLength(5);
  });

  test('counts characters, not code units', () => {
    expect(passwordFaults('aB3!😀😀😀😀', 'eve')).toEqual(['has 8 characters, at least 12 are needed']);
  });

  test('may hold a name that is too short to mean anything', () => {
    expect(passwordFaults('Wonderland-1865', 'a')).toEqual([]);
  });
});

describe('a generated password', () => {
  test('has no fault, whatever chance and the name are, and is safe to quote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.constantFrom('alice', 'bob', '100', 'abc'), (seed, name) => {
        const password = generatePassword(name, new SeededRandom(seed));
        expect(passwordFaults(password, name)).toEqual([]);
        expect(password).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(password).toHaveLength(generatedLength);
      }),
    );
  });

  test('is not made where chance is broken', () => {
    const broken: Random = { bytes: (size) => new Uint8Array(size), below: () => 0 };
    expect(() => generatePassword('alice', broken)).toThrow(expect.objectContaining({ code: 'random-broken' }));
  });
});
