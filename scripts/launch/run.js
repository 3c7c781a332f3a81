// The one door of every npm script: it makes the toolchain, the packages and the build ready, then hands over to the pinned
// Node. Plain JavaScript without packages, because a fresh machine has only npm and whatever Node came with it (20).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildNow, ensureBuild } from './build-state.js';
import { withConfigOf } from './caller-paths.js';
import { runProgram, runService } from './child.js';
import { root, say } from './place.js';
import { ensurePackages, findNode } from './toolchain.js';

const tasks = {
  start: { program: 'dist/main.js', args: ['start'], build: 'stale', service: true },
  demo: { program: 'demo/demo.ts' },
  setup: {},
  build: { build: 'always' },
  pack: { program: 'scripts/pack.ts', build: 'stale' },
  check: { program: 'scripts/check.ts' },
  test: { program: 'scripts/test.ts', build: 'stale' },
  'test:shuffle20': { program: 'scripts/shuffle.ts' },
  bench: { program: 'bench/run.ts', build: 'stale' },
  fuzz: { program: 'scripts/fuzz.ts' },
  screenshots: { program: 'scripts/screenshots.ts' },
  mutate: { program: 'scripts/mutate.ts' },
  // Small heaps: what grows then is a leak, not a collection that waits.
  soak: { program: 'test/native/soak.ts', flags: ['--max-semi-space-size=2', '--max-old-space-size=128'] },
  'soak-tests': { program: 'scripts/shuffle.ts', args: ['--minutes', '30'] },
  ratchet: { program: 'scripts/ratchet.ts' },
};

const [name = '', ...given] = process.argv.slice(2);
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;

if (task === undefined) {
  say(`unknown task "${name}"; expected one of: ${Object.keys(tasks).join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await perform(task, given);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

async function perform({ program, flags = [], args = [], build = 'never', service = false }, extra) {
  const node = await findNode();
  await ensurePackages(node);
  if (build === 'always') await buildNow(node);
  if (build === 'stale') await ensureBuild(node);
  if (program === undefined) return 0;
  if (!existsSync(join(root, program))) throw new Error(`${program} does not exist in this checkout`);
  const command = [...args, ...(service ? withConfigOf(process.env['INIT_CWD'] ?? root, extra) : extra)];
  return service ? runService(node, program, command) : runProgram(node, [...flags, program, ...command]);
}
