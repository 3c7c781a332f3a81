// `npm run check`: format, lint, types, layers, dead code, suppressions, dependencies, unit tests. Two lanes side by side,
// because the lint that needs types takes as long as all the others. A stage that takes more than one and a half of its
// budget fails, so that the whole stays fast; --no-budgets is for a machine that is busy with other things.
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { belowFloor } from './check/ratchet-file.ts';
import { type Ended, root, runNode } from './process.ts';
import { closingLine } from './test/tally.ts';
import { randomSeed, runVitest } from './test/vitest-run.ts';

interface Stage {
  readonly name: string;
  readonly budgetSeconds: number;
  readonly run: () => Promise<Ended>;
}

const tool = (...args: readonly string[]) =>
  runNode([join(root, 'node_modules', args[0] ?? ''), ...args.slice(1)], { quiet: true });
const own = (...args: readonly string[]) => runNode(args, { quiet: true });

// Named one by one: left to itself biome walks through .cache as well, and trips over the links in a peer's tree.
const formatted = globSync(['{src,test,bench,demo,scripts,bin}/', '*.{ts,js,json}'], { cwd: root });

const lanes: readonly (readonly Stage[])[] = [
  [{ name: 'lint with types', budgetSeconds: 150, run: () => tool('eslint/bin/eslint.js', '.', '--max-warnings=0') }],
  [
    {
      name: 'format and lint',
      budgetSeconds: 20,
      run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...formatted),
    },
    { name: 'types', budgetSeconds: 40, run: () => tool('typescript/bin/tsc') },
    { name: 'types of the page', budgetSeconds: 15, run: () => tool('typescript/bin/tsc', '-p', 'tsconfig.page.json') },
    { name: 'layers', budgetSeconds: 25, run: () => own('scripts/check/layers.ts') },
    { name: 'dead code', budgetSeconds: 25, run: () => tool('knip/bin/knip.js') },
    {
      name: 'product code that only tests use',
      budgetSeconds: 25,
      // With the dependencies: were no product file seen at all, each of them would count as unused.
      run: () => tool('knip/bin/knip.js', '--production', '--include', 'files,dependencies'),
    },
    { name: 'suppressions', budgetSeconds: 20, run: () => own('scripts/check/suppressions.ts') },
    { name: 'dependencies', budgetSeconds: 30, run: () => own('scripts/check/dependencies.ts') },
    { name: 'unit tests', budgetSeconds: 130, run: runUnitTests },
  ],
];
const totalBudgetSeconds = 200;

const { values } = parseArgs({ options: { 'no-budgets': { type: 'boolean', default: false } } });
const started = performance.now();
const passed = (await Promise.all(lanes.map(runLane))).every(Boolean);
const inTime = !isLate(Number(seconds(started)), totalBudgetSeconds);
console.log(`${passed && inTime ? 'ok' : 'FAILED'} in ${seconds(started)} s of ${totalBudgetSeconds} s`);
process.exitCode = passed && inTime ? 0 : 1;

async function runLane(stages: readonly Stage[]): Promise<boolean> {
  let good = true;
  for (const stage of stages) good = (await runStage(stage)) && good;
  return good;
}

async function runStage({ name, budgetSeconds, run }: Stage): Promise<boolean> {
  const begun = performance.now();
  const { code, output } = await run();
  const took = Number(seconds(begun));
  const late = isLate(took, budgetSeconds);
  console.log(`${code === 0 && !late ? 'ok    ' : 'FAILED'} ${name}: ${took} s of ${budgetSeconds} s`);
  if (code !== 0) console.log(output.trimEnd());
  else for (const [, note = ''] of output.matchAll(/^note: (.*)$/gm)) console.log(`       ${note}`);
  if (late) console.log(`${name} took more than one and a half of its budget`);
  return code === 0 && !late;
}

async function runUnitTests(): Promise<Ended> {
  const { tally, testsBySuite, output } = await runVitest(['unit'], { seed: randomSeed(), quiet: true, shared: true });
  const fewer = belowFloor(testsBySuite);
  const bad = tally.failed > 0 || tally.passed === 0 || fewer.length > 0;
  if (!bad) console.log(`       ${closingLine(tally)}`);
  return { code: bad ? 1 : 0, output: [output, ...tally.remarks, ...fewer, closingLine(tally)].join('\n') };
}

function isLate(took: number, budget: number): boolean {
  return took > budget * 1.5 && !values['no-budgets'];
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}
