// `npm run mutate`: would the tests notice? Plants one small fault at a time in srtp, transaction and policy, runs the unit tests that
// mirror the folder and import the file, then the nearest of the other unit tests, and names the faults that survived.
//   --seconds N      stop after N seconds (default 600); mutants are drawn in a random order, so a part is a fair sample
//   --seed N         repeat an order, and the examples of the properties
//   --folders A,B    other folders of src          --only TEXT,…   files, or file:line:, that contain one of the texts
//   --workers N      copies of the tree that work side by side (default 2)
//   --also KIND,…    folders of test whose tests are asked too, where unit tests are not what holds the folder: scenario, attack
//   --verbose        name for each mutant the test that noticed it
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf } from './mutate/mutants.ts';
import { Reach } from './mutate/reach.ts';
import { Tester, type TestOutcome } from './mutate/tester.ts';
import { root } from './process.ts';

const mutated = ['media/srtp', 'sip/transaction', 'policy'];
/** Beyond the mirror of a folder so many tests are asked, the nearest ones. */
const neighbours = 12;

interface Tried {
  readonly mutant: Mutant;
  readonly noticedBy: 'mirror' | 'neighbours' | 'time' | undefined;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string' },
    folders: { type: 'string', default: mutated.join(',') },
    only: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    also: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const kinds = ['unit', 'vectors', ...(values.also?.split(',') ?? [])];
const only = values.only.split(',');
const folders = values.folders.split(',').filter((folder) => mutantsUnder(folder).length > 0);
const mutants = shuffled(folders.flatMap(mutantsUnder), seed);
console.log(`${mutants.length} mutants in ${folders.join(', ')}, seed ${seed}`);

const tried: Tried[] = [];
const reach = new Reach(root);
const trees = Array.from({ length: Number(values.workers) }, (_, index) => copyTree(index));
const testers = trees.map((tree) => new Tester(tree, seed));
process.on('exit', () => {
  for (const tester of testers) tester.close();
  for (const tree of trees) rmSync(tree, { recursive: true, force: true });
});
const healthyMillis = new Map<string, number>();
const millisOfTests = new Map<string, number>();
if (await isHealthy()) {
  const deadline = performance.now() + Number(values.seconds) * 1000;
  await Promise.all(testers.map((tester, index) => work(tester, trees[index] ?? '', deadline)));
  report();
} else {
  console.log('the tests fail without any mutant; nothing can be learnt');
  process.exitCode = 1;
}
process.exit();

/** The tests that mirror each folder pass without a mutant; how long that takes is what a mutant is measured by. */
async function isHealthy(): Promise<boolean> {
  for (const folder of folders) {
    const tests = globSync(mirrorOf(folder), { cwd: root }).map((path) => path.split(sep).join('/'));
    if (tests.length === 0) throw new Error(`test/unit/${folder} does not exist`);
    for (const tester of testers) {
      const started = performance.now();
      const { result, failure, millis = {} } = await tester.run({ changed: undefined, tests }, 300_000);
      for (const [test, took] of Object.entries(millis)) millisOfTests.set(test, took);
      healthyMillis.set(folder, performance.now() - started);
      if (result !== 'passed') console.log(`${folder}: ${result} ${failure ?? ''}`);
      if (result !== 'passed') return false;
    }
  }
  return true;
}

async function work(tester: Tester, tree: string, deadline: number): Promise<void> {
  for (let mutant = mutants.shift(); mutant !== undefined && performance.now() < deadline; mutant = mutants.shift()) {
    const file = join(tree, mutant.file);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, mutant.start) + mutant.replacement + text.slice(mutant.end));
    const noticedBy = await whoNotices(tester, mutant);
    writeFileSync(file, text);
    tried.push({ mutant, noticedBy });
    if (noticedBy === undefined) console.log(`survived: ${describe(mutant)}`);
    if (tried.length % 50 === 0) console.log(`${tried.length} tried, ${survivorsOf(tried).length} survived`);
  }
}

async function whoNotices(tester: Tester, mutant: Mutant): Promise<Tried['noticedBy']> {
  const folder = folderOf(mutant);
  const testsIn = (...patterns: readonly string[]): readonly string[] =>
    reach.testsOf(mutant.file, patterns, (test) => millisOfTests.get(test) ?? 0);
  const mirror = testsIn(mirrorOf(folder), ...(folder === 'media/srtp' ? ['test/vectors/*.ts'] : []));
  const anywhere = testsIn(...kinds.map((kind) => `test/${kind}/**/*.test.ts`));
  const others = anywhere.filter((test) => !mirror.includes(test)).slice(0, neighbours);
  for (const [tests, who] of [
    [mirror, 'mirror'],
    [others, 'neighbours'],
  ] as const) {
    if (tests.length === 0) continue;
    // Starts of workers and translated files are in the time of the healthy run; other work of the machine may not be.
    const timeoutMillis = 15_000 + 4 * (healthyMillis.get(folder) ?? 0);
    const outcome = await tester.run({ changed: mutant.file, tests }, timeoutMillis);
    if (values.verbose) console.log(`${describe(mutant)}: ${who}: ${wordsOf(outcome)}`);
    if (outcome.result === 'timed out') return 'time';
    if (outcome.result === 'failed') return who;
  }
  return undefined;
}

function wordsOf({ result, failure }: TestOutcome): string {
  return failure === undefined ? result : failure.split('\n', 1).join('');
}

function report(): void {
  console.log('');
  for (const folder of folders) {
    const here = tried.filter(({ mutant }) => folderOf(mutant) === folder);
    console.log(`${folder}: ${scoreOf(here)}`);
    const survivors = survivorsOf(here).map(describe);
    for (const survivor of survivors.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))) {
      console.log(`  ${survivor}`);
    }
  }
  console.log(`all: ${scoreOf(tried)}, ${mutants.length} not tried`);
}

function scoreOf(some: readonly Tried[]): string {
  const survived = survivorsOf(some).length;
  const by = (who: Tried['noticedBy']): number => some.filter(({ noticedBy }) => noticedBy === who).length;
  const score = some.length === 0 ? 0 : (100 * (some.length - survived)) / some.length;
  const how = `${by('neighbours')} by tests of other folders, ${by('time')} by taking too long`;
  return `${some.length - survived} of ${some.length} noticed (${score.toFixed(1)} %; ${how})`;
}

function survivorsOf(some: readonly Tried[]): readonly Mutant[] {
  return some.filter(({ noticedBy }) => noticedBy === undefined).map(({ mutant }) => mutant);
}

function describe({ file, line, original, replacement }: Mutant): string {
  const short = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 60);
  return `${file}:${line}:  ${short(original)} → ${short(replacement)}`;
}

function folderOf({ file }: Mutant): string {
  return folders.find((folder) => file.startsWith(`src/${folder}/`)) ?? '';
}

function mirrorOf(folder: string): string {
  return `test/unit/${folder}/**/*.test.ts`;
}

function mutantsUnder(folder: string): readonly Mutant[] {
  const files = globSync(`src/${folder}/**/*.ts`, { cwd: root }).map((file) => file.split(sep).join('/'));
  const all = files.sort().flatMap((file) => mutantsOf(file, readFileSync(join(root, file), 'utf8')));
  return all.filter(({ file, line }) => only.some((text) => `${file}:${line}:`.includes(text)));
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
