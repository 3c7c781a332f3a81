// The long form of the mutation test of the SIP parser, serialiser and framer:
//   node test/fuzz/sip-message.ts [--seconds 60] [--seed N]
// A failure prints its bytes as a file for the corpus, under the name that it should have there, and exits 1.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check, corpus, dice, mutant } from './sip-message-mutation.ts';

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const seed = Number(options.seed ?? Date.now() % 2 ** 32);
const roll = dice(seed);
const samples = corpus();
const end = performance.now() + Number(options.seconds) * 1000;
let runs = 0;
process.stdout.write(`seed ${seed}, ${samples.length} samples, ${options.seconds} s\n`);
while (performance.now() < end) {
  const bytes = mutant(samples, roll);
  runs += 1;
  try {
    check(bytes, roll);
  } catch (thrown) {
    const name = `${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.sip`;
    writeFileSync(join(tmpdir(), name), bytes);
    process.stderr.write(`run ${runs}: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
    process.stderr.write(`${join(tmpdir(), name)} belongs into test/fuzz/corpus/sip-message\n`);
    process.exit(1);
  }
}
process.stdout.write(`${runs} mutants, no failure\n`);
