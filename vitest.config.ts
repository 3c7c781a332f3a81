// Two projects: the tests of pure folders run with the clock, timers and chance of the process poisoned (test/support/poison.ts).
// One seed, PORTCULLIS_SEED or a fresh one, sets the order of files and tests and the examples of every property.
import { defineConfig } from 'vitest/config';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
export const pureFolders = ['sip/{message,transaction,dialog,auth}', 'media/{sdp,rtp,srtp,ice}', 'policy', 'b2bua'];
export const pureTests = pureFolders.map((folder) => `test/unit/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    sequence: { shuffle: true, seed },
    env: { PORTCULLIS_SEED: String(seed) },
    retry: 0,
    testTimeout: 20_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: pureTests, setupFiles: ['test/support/seed.ts', 'test/support/poison.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'rest',
          include: ['test/{unit,vectors,scenario,torture}/**/*.test.ts', 'test/*.test.ts'],
          exclude: pureTests,
          setupFiles: ['test/support/seed.ts'],
        },
      },
    ],
  },
});
