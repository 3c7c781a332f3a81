// The benchmarks: this program and the reference (Kamailio with rtpengine) side by side, in one run, on one core.
//   npm run bench [-- SUITE…] [--quick] [--runs N] [--note TEXT]   suites: relay, signalling; policy, by name only, needs no peers
// Writes bench/results/<date>-<suite>.json and the table bench/results/README.md. Needs root, Debian and two cores.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensurePeers } from '../test/interop/peers/install.ts';
import { enterLab, isInLab, Lab } from '../test/interop/peers/lab.ts';
import { writeResults } from './lib/results.ts';
import { policySuite } from './policy/policy-suite.ts';
import { relaySuite } from './relay/relay-suite.ts';
import { signallingSuite } from './signalling/signalling-suite.ts';

const labLimit = 3_600_000;

const code = await main();
// In a lab, what still runs ends with this process: it is the first of its namespace.
process.exit(code);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      runs: { type: 'string' },
      note: { type: 'string' },
    },
  });
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  if (positionals.includes('policy') && !isInLab()) {
    const runs = Number(values.runs ?? (values.quick ? 3 : 7));
    say(writeResults('policy', await policySuite({ runs, seconds: values.quick ? 0.5 : 2, progress: say })));
    if (positionals.length === 1) return 0;
  }
  const peers = await ensurePeers(say);
  if (!peers.available) {
    say(`bench: ${peers.reason}`);
    return 1;
  }
  if (!isInLab()) {
    const workDir = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
    const argv = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    const { code } = await enterLab(argv, { workDir, timeoutMs: labLimit });
    return code ?? 1;
  }
  const lab = await Lab.open(peers);
  const runs = Number(values.runs ?? (values.quick ? 1 : 7));
  // A quick run shows that all works; its figures are not worth keeping.
  const keep = (suite: string, figures: object): void => {
    if (!values.quick) say(writeResults(suite, figures, values.note));
  };
  const suites = positionals.length > 0 ? positionals : ['relay', 'signalling'];
  if (suites.includes('relay')) {
    const seconds = values.quick ? 1 : 2.5;
    keep('relay', await relaySuite(lab, { runs, seconds, isQuick: values.quick, progress: say }));
  }
  if (suites.includes('signalling')) {
    const figures = await signallingSuite(lab, {
      runs: Number(values.runs ?? (values.quick ? 1 : 3)),
      seconds: values.quick ? 3 : 8,
      warmUpCalls: values.quick ? 3_000 : 6_000,
      callsPerSecond: 150,
      registersPerSecond: 300,
      connections: values.quick ? 50 : 200,
      idlePhones: values.quick ? 500 : 5_000,
      progress: say,
    });
    keep('signalling', figures);
  }
  return 0;
}
