// Projects: the tests of pure folders run with the clock, timers and chance of the process poisoned (test/support/poison.ts). Files
// that replace modules always have a process of their own; the others may share (PORTCULLIS_SHARED), which is a third faster.
// One seed, PORTCULLIS_SEED or a fresh one, sets the order of files and tests and the examples of every property.
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { withTraps } from './scripts/package/plain-fields.ts';

const seed = Number(process.env['PORTCULLIS_SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
const isShared = process.env['PORTCULLIS_SHARED'] === '1';

export const pureFolders = [
  'sip/{message,transaction,dialog,auth}',
  'media/{sdp,rtp,srtp,dtls,ice}',
  'policy',
  'b2bua',
];
export const pureTests = pureFolders.map((folder) => `test/unit/${folder}/**/*.test.ts`);

const allTests = ['test/{unit,vectors,scenario,torture,attack,browser}/**/*.test.ts', 'test/*.test.ts'];
const replacing = globSync(allTests).filter((file) => readFileSync(file, 'utf8').includes('vi.mock('));

const seeded = ['test/support/trapped-fields.ts', 'test/support/seed.ts'];
const guarded = [...seeded, 'test/support/poison.ts'];
const pure = { include: pureTests, setupFiles: guarded };
const rest = { include: allTests, setupFiles: seeded };
const alone = { isolate: true };

/** The bundle has plain fields where sources have private ones: whoever reads all fields of such an object is told so (test/support/trapped-fields.ts). */
const trappedFields = {
  name: 'trapped-fields',
  enforce: 'pre',
  transform: (code: string, id: string) => (isOurs.test(id) ? { code: withTraps(id, code), map: null } : undefined),
} as const;
const isOurs = /^[^?]*\/src\/(?!.*\/node_modules\/).*\.ts$/;

export default defineConfig({
  plugins: [trappedFields],
  test: {
    sequence: { shuffle: true, seed },
    env: { PORTCULLIS_SEED: String(seed) },
    isolate: !isShared,
    retry: 0,
    testTimeout: 20_000,
    // Some start several SBCs.
    hookTimeout: 60_000,
    // What is waited for comes at once; a machine that others use may need seconds for it.
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks',
    // Left to itself vitest keeps a core free, which is half of a machine that has two.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      { extends: true, test: { name: 'pure', ...pure, exclude: replacing } },
      { extends: true, test: { name: 'rest', ...rest, exclude: [...pureTests, ...replacing] } },
      { extends: true, test: { name: 'pure, alone', ...pure, ...alone, include: inBoth(pureTests) } },
      { extends: true, test: { name: 'rest, alone', ...rest, ...alone, include: replacing, exclude: pureTests } },
    ].filter(({ test }) => test.include.length > 0),
  },
});

function inBoth(patterns: readonly string[]): string[] {
  const matched = new Set(globSync([...patterns]));
  return replacing.filter((file) => matched.has(file));
}
