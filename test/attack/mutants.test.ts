// The short form of `npm run fuzz -- --live`: mutants over each transport into a running SBC.
import { expect, test } from 'vitest';
import { fuzzLive } from '../support/live-fuzz.ts';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? 1);

test.each(['udp', 'tcp', 'tls'] as const)('mutants over %s harm neither the SBC nor its call', async (transport) => {
  const outcome = await fuzzLive({ transport, messages: 400, seed, say: () => {} });
  expect(outcome.sent).toBe(400);
  expect(outcome.heard).toBeGreaterThan(0);
});
