// `npm run ratchet`: counts suppressions and tests, and commits to the numbers that became better. With --reason "…" also to
// those that became worse.
import { parseArgs } from 'node:util';
import { aboveCeiling, belowFloor, type Ratchet, readRatchet, writeRatchet } from './check/ratchet-file.ts';
import { countSuppressions } from './check/suppressions.ts';
import { allSuites, randomSeed, runVitest } from './test/vitest-run.ts';

const { values } = parseArgs({ options: { reason: { type: 'string' } } });
const before = readRatchet();
const suppressions = countSuppressions();
const { tally, testsBySuite, output } = await runVitest(allSuites, { seed: randomSeed(), quiet: true });
const worse = [...aboveCeiling(suppressions), ...belowFloor(testsBySuite)];

if (tally.failed > 0) {
  console.log(output);
  for (const remark of tally.remarks) console.log(remark);
  console.log('tests fail; nothing was changed');
  process.exitCode = 1;
} else if (worse.length > 0 && values.reason === undefined) {
  for (const line of worse) console.log(line);
  console.log('nothing was changed: moving a number the wrong way needs --reason "…"');
  process.exitCode = 1;
} else {
  const tests: Ratchet['tests'] = Object.fromEntries(testsBySuite);
  writeRatchet({ suppressions, tests, reason: worse.length > 0 ? (values.reason ?? '') : before.reason });
  console.log(`committed: ${JSON.stringify(tests)}`);
}
