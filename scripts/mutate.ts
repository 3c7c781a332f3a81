// `npm run mutate`: would the unit tests notice? Plants one small fault at a time in srtp, transaction and policy, runs the tests that
// mirror the folder, and names the faults that survived. Two copies of the tree work side by side.
//   --seconds N   stop after N seconds (default 600); mutants are drawn in a random order, so a part is a fair sample
//   --seed N      repeat an order          --only TEXT   files whose path contains TEXT
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf } from './mutate/mutants.ts';
import { root, runNode } from './process.ts';

const mutated = ['media/srtp', 'sip/transaction', 'policy'];
const workers = 2;
const mutantTimeoutMillis = 60_000;

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const deadline = performance.now() + Number(values.seconds ?? 600) * 1000;
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const folders = mutated.filter((folder) => mutantsUnder(folder).length > 0);
const mutants = shuffled(folders.flatMap(mutantsUnder), seed);
console.log(`${mutants.length} mutants in ${folders.join(', ')}, seed ${seed}`);

const survivors: Mutant[] = [];
let [tried, killed] = [0, 0];
const trees = Array.from({ length: workers }, (_, index) => copyTree(index));
try {
  const healthy = await Promise.all(trees.map(isHealthy));
  if (healthy.every(Boolean)) {
    await Promise.all(trees.map(work));
    report();
  } else {
    console.log('the tests fail without any mutant; nothing can be learnt');
    process.exitCode = 1;
  }
} finally {
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
}

async function isHealthy(tree: string): Promise<boolean> {
  for (const folder of folders) if (!(await testsPass(tree, folder))) return false;
  return true;
}

async function work(tree: string): Promise<void> {
  for (let mutant = mutants.shift(); mutant !== undefined && performance.now() < deadline; mutant = mutants.shift()) {
    const file = join(tree, mutant.file);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, mutant.start) + mutant.replacement + text.slice(mutant.end));
    const survived = await testsPass(tree, folders.find((folder) => mutant.file.startsWith(`src/${folder}/`)) ?? '');
    writeFileSync(file, text);
    tried += 1;
    if (!survived) killed += 1;
    else survivors.push(mutant);
    if (survived) console.log(`survived: ${describe(mutant)}`);
    if (tried % 50 === 0) console.log(`${tried} tried, ${killed} killed`);
  }
}

function report(): void {
  console.log('');
  for (const folder of folders) {
    const here = survivors.filter(({ file }) => file.startsWith(`src/${folder}/`));
    console.log(`${folder}: ${here.length} survivors`);
    for (const mutant of here.sort((a, b) => describe(a).localeCompare(describe(b))))
      console.log(`  ${describe(mutant)}`);
  }
  const score = tried === 0 ? 0 : (100 * killed) / tried;
  console.log(`${killed} of ${tried} mutants killed (${score.toFixed(1)} %), ${mutants.length} not tried`);
}

function describe({ file, line, original, replacement }: Mutant): string {
  return `${file}:${line}  ${original.replaceAll(/\s+/g, ' ').slice(0, 60)} → ${replacement}`;
}

function mutantsUnder(folder: string): readonly Mutant[] {
  const files = globSync(`src/${folder}/**/*.ts`, { cwd: root }).map((file) => file.split(sep).join('/'));
  return files
    .filter((file) => file.includes(values.only ?? ''))
    .sort()
    .flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
}

function copyTree(index: number): string {
  const tree = join(root, '.cache', 'mutate', `${process.pid}-${index}`);
  mkdirSync(tree, { recursive: true });
  for (const name of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
  return tree;
}

/** The tests that mirror `folder`, and the vectors, which speak for srtp as well. */
async function testsPass(tree: string, folder: string): Promise<boolean> {
  const tests = [`test/unit/${folder}/`, ...(folder === 'media/srtp' ? ['test/vectors/'] : [])].filter((path) =>
    existsSync(join(tree, path)),
  );
  if (tests.length === 0) throw new Error(`test/unit/${folder} does not exist`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--bail=1', '--reporter=dot', '--maxWorkers=1', ...tests];
  const { code } = await runNode(vitest, {
    quiet: true,
    env: { PORTCULLIS_SHARED: '1' },
    cwd: tree,
    timeoutMillis: mutantTimeoutMillis,
  });
  return code === 0;
}

function shuffled<T>(items: readonly T[], from: number): T[] {
  let state = from | 0 || 1;
  const keyed = items.map((item) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return [state, item] as const;
  });
  return keyed.sort(([a], [b]) => a - b).map(([, item]) => item);
}
