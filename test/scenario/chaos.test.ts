// Random orders of events: quick CANCELs, early BYEs, crossing re-INVITEs, transfers, pickups, redirects, lost messages, lost connections, slow and broken
// stores and workers. No exception, no leak, exactly one record a call.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EndCause } from '../../src/b2bua/call/end-cause.ts';
import { Chaos, type Move } from '../support/scenario-chaos.ts';

/** `CHAOS_RUNS=20000` is the long form. */
const runs = Number(process.env['CHAOS_RUNS'] ?? 150);

const move: fc.Arbitrary<Move> = fc.record({ what: fc.nat(10_000), how: fc.nat(10_000) });
const moves = fc.array(move, { minLength: 30, maxLength: 90, size: 'max' });

test('whatever happens in whatever order, nothing is left and each call has one record', {
  timeout: 120_000 + 400 * runs,
}, async () => {
  const causes = new Set<EndCause>();
  let answered = 0;
  let refreshed = 0;
  let transfers = 0;
  let redirects = 0;
  let pickups = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), moves, async (seed, list) => {
      const chaos = await Chaos.begin(seed);
      for (const one of list) await chaos.play(one);
      await chaos.finish();
      refreshed += chaos.refreshes;
      pickups += chaos.s.logged.filter(({ event }) => event === 'call-picked-up').length;
      for (const { cause, answeredAt, transferOf, trace } of chaos.s.records) {
        causes.add(cause);
        if (transferOf !== undefined) transfers += 1;
        if (trace.some(({ rule }) => rule === 'redirect')) redirects += 1;
        if (answeredAt !== undefined) answered += 1;
      }
    }),
    { numRuns: runs },
  );
  // Else it would have proven nothing.
  expect(answered).toBeGreaterThan(20);
  // Few of the short form's get so far.
  if (runs >= 500) for (const count of [refreshed, transfers, redirects, pickups]) expect(count).toBeGreaterThan(5);
  expect([...causes]).toEqual(
    expect.arrayContaining(['caller-cancelled', 'refused', 'failed', 'operator', 'caller-hung-up', 'media-lost']),
  );
});
