// `npm run test:shuffle20`: the whole vitest suite twenty times, each in another order. Stops at the first order that fails.
import { closingLine } from './test/tally.ts';
import { allSuites, randomSeed, runVitest } from './test/vitest-run.ts';

const rounds = Number(process.argv[2] ?? 20);
for (let round = 1; round <= rounds; round += 1) {
  const seed = randomSeed();
  const started = performance.now();
  const { tally, output } = await runVitest(allSuites, { seed, quiet: true });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${round}/${rounds}  seed ${seed}  ${closingLine(tally)}  ${seconds} s`);
  if (tally.failed === 0 && tally.passed > 0) continue;
  console.log(output);
  for (const remark of tally.remarks) console.log(remark);
  process.exitCode = 1;
  break;
}
