// `npm test`: what vitest runs (unit to attack) in shuffled order, then the native suite, interop with real peers, and what is
// delivered (package, image, metrics), each by its own runner. Tests run once; what could not run is named and counted as skipped; the last line is the sum.
//   --seed N          repeat an order            --require-peers   a peer that is missing fails (implied by CI=true)
//   --only KIND       one of: vitest, native, interop, deploy
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { belowFloor } from './check/ratchet-file.ts';
import { root, runNode } from './process.ts';
import { closingLine, sum, type Tally, tallyOfRunner } from './test/tally.ts';
import { allSuites, randomSeed, runVitest } from './test/vitest-run.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, 'require-peers': { type: 'boolean' }, only: { type: 'string' } },
});
const seed = values.seed === undefined ? randomSeed() : Number(values.seed);
const requirePeers = values['require-peers'] ?? process.env['CI'] === 'true';

const stages: Readonly<Record<string, () => Promise<Tally>>> = {
  vitest: vitestStage,
  native: () => runnerStage('native', []),
  interop: () => runnerStage('interop', requirePeers ? ['--require-peers'] : []),
  deploy: () => runnerStage('native', ['--folder', 'deploy', ...(requirePeers ? ['--require'] : [])], 'deploy'),
};

const chosen = Object.keys(stages).filter((name) => values.only === undefined || values.only === name);
if (chosen.length === 0) throw new Error(`--only expects one of ${Object.keys(stages).join(', ')}, not ${values.only}`);
const tallies: Tally[] = [];
for (const name of chosen) {
  const started = performance.now();
  const tally = await stages[name]?.();
  if (tally !== undefined) tallies.push(tally);
  console.log(`-- ${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
const total = sum(tallies);
console.log('');
for (const remark of total.remarks) console.log(remark);
console.log(closingLine(total));
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function vitestStage(): Promise<Tally> {
  console.log(`-- vitest, shuffled with seed ${seed} (repeat: npm test -- --seed ${seed})`);
  const { tally, testsBySuite } = await runVitest(allSuites, { seed, quiet: false });
  const fewer = belowFloor(testsBySuite).map((why) => `failed: ${why}`);
  return { ...tally, failed: tally.failed + fewer.length, remarks: [...tally.remarks, ...fewer] };
}

async function runnerStage(runner: string, flags: readonly string[], name = runner): Promise<Tally> {
  const program = `test/${runner}/run.ts`;
  const reportFile = join(root, '.cache', 'test', `${name}-${process.pid}.json`);
  mkdirSync(join(root, '.cache', 'test'), { recursive: true });
  console.log(`-- ${name}`);
  const { code } = await runNode([program, '--report', reportFile, ...flags], { quiet: false });
  const tally = tallyOfRunner(name, reportFile, code);
  rmSync(reportFile, { force: true });
  return tally;
}
