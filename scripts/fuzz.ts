// `npm run fuzz`: each program of test/fuzz in turn, in its long form.
//   --seconds N   for each (default 60)          --seed N   repeat a run
import { globSync } from 'node:fs';
import { root, runNode } from './process.ts';

const programs = globSync('test/fuzz/*.ts', { cwd: root, exclude: ['**/*.test.ts', '**/*-mutation.ts'] }).sort();
if (programs.length === 0) throw new Error('test/fuzz holds no program');

for (const program of programs) {
  console.log(`-- ${program}`);
  const { code } = await runNode([program, ...process.argv.slice(2)], { quiet: false });
  if (code !== 0) process.exitCode = 1;
}
