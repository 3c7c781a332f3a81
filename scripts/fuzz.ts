// `npm run fuzz`: each program of test/fuzz in turn, in its long form.
//   --seconds N   for each (default 60)          --seed N   repeat a run
// `npm run fuzz -- --live --messages N` sends N mutants over each transport into a running SBC instead (test/fuzz/live.ts).
import { globSync } from 'node:fs';
import { serviceFlags } from './launch/service-flags.js';
import { root, runNode } from './process.ts';

const live = 'test/fuzz/live.ts';
/** As the service runs, with room for young objects from the beginning: V8 adds to it 64 MB at once, whenever that may be. */
const flags = [...serviceFlags, '--min-semi-space-size=32'];
const programs = process.argv.includes('--live')
  ? [live]
  : globSync('test/fuzz/*.ts', { cwd: root, exclude: ['**/*.test.ts', '**/*-mutation.ts', live] }).sort();
if (programs.length === 0) throw new Error('test/fuzz holds no program');

for (const program of programs) {
  console.log(`-- ${program}`);
  const own = program === live ? flags : [];
  const { code } = await runNode([...own, program, ...process.argv.slice(2)], { quiet: false });
  if (code !== 0) process.exitCode = 1;
}
