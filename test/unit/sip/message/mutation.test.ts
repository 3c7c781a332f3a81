import { describe, expect, test } from 'vitest';
import { check, corpus, dice, mutant } from '../../../fuzz/sip-message-mutation.ts';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? 1);

describe('any bytes at all', () => {
  test.each(corpus().map((sample) => [sample.name, sample] as const))(
    '%s of the corpus breaks no rule',
    (_, { bytes }) => {
      expect(() => check(bytes, dice(seed))).not.toThrow();
    },
  );

  test('nor do its mutants; they parse, are answered and are dropped', () => {
    const roll = dice(seed);
    const samples = corpus();
    for (let run = 0; run < 2000; run += 1) {
      const bytes = mutant(samples, roll);
      try {
        check(bytes, roll);
      } catch (cause) {
        throw new Error(`mutant ${run} of seed ${seed}: ${JSON.stringify(bytes.toString('latin1'))}`, { cause });
      }
    }
  });

  test('a seed repeats its mutants', () => {
    const [first, second] = [dice(seed), dice(seed)];
    for (let run = 0; run < 20; run += 1) expect(mutant(corpus(), first).equals(mutant(corpus(), second))).toBe(true);
  });
});
