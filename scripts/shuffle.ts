// The vitest suite over and over, each time in another order.
//   npm run test:shuffle20                    twenty rounds; stops at the first order that fails; -- --rounds 3: three
//   npm run soak-tests -- --minutes 30        as many rounds as fit, failures counted: how often does an order fail?
import { parseArgs } from 'node:util';
import { closingLine } from './test/tally.ts';
import { allSuites, randomSeed, runVitest } from './test/vitest-run.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string' }, minutes: { type: 'string' } } });
const rounds = values.minutes === undefined ? Number(values.rounds ?? 20) : Number.POSITIVE_INFINITY;
const end = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
const failed: number[] = [];
let round = 0;

while (round < rounds && performance.now() < end) {
  round += 1;
  const seed = randomSeed();
  const started = performance.now();
  // A round takes minutes, and one that hangs would say nothing of its seed.
  console.log(`${round}${Number.isFinite(rounds) ? ` of ${rounds}` : ''}  seed ${seed}  …`);
  const { tally, output } = await runVitest(allSuites, { seed, quiet: true });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${round}  seed ${seed}  ${closingLine(tally)}  ${seconds} s`);
  if (tally.failed === 0 && tally.passed > 0) continue;
  failed.push(seed);
  for (const remark of tally.remarks) console.log(remark);
  if (values.minutes !== undefined) continue;
  console.log(output);
  break;
}

console.log(
  failed.length === 0 ? `${round} rounds, none failed` : `${round} rounds, failed with seed ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 && round > 0 ? 0 : 1;
