// `npm run fuzz`: each program of test/fuzz in turn, in its long form.
//   --seconds N   for each (default 60)          --seed N   repeat a run
// `npm run fuzz -- --live --messages N` sends N mutants over each transport into a running SBC instead (test/fuzz/live.ts).
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serviceFlags } from './launch/service-flags.js';
import { root, runNode } from './process.ts';

const live = 'test/fuzz/live.ts';
const youngSpace = 'test/fuzz/young-space.ts';
/** As the service runs, with room for young objects from the beginning, in each thread: V8 adds to it 64 MB, whenever that may be. */
const flags = [...serviceFlags, '--min-semi-space-size=32', '--import', pathToFileURL(join(root, youngSpace)).href];
const programs = process.argv.includes('--live')
  ? [live]
  : globSync('test/fuzz/*.ts', { cwd: root, exclude: ['**/*.test.ts', '**/*-mutation.ts', live, youngSpace] }).sort();
if (programs.length === 0) throw new Error('test/fuzz holds no program');

for (const program of programs) {
  console.log(`-- ${program}`);
  const own = program === live ? flags : [];
  const { code } = await runNode([...own, program, ...process.argv.slice(2)], { quiet: false });
  if (code !== 0) process.exitCode = 1;
}
