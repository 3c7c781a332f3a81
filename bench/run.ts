// npm run bench [-- SUITE…] [--quick] [--runs N] [--note TEXT] [--list] [--rtpengine newest]
// This program and the reference (Kamailio with rtpengine) side by side, in one run, on one core. Writes bench/results/<date>.json,
// and from the newest figures of each suite bench/results/README.md, its charts and the comparison in README.md.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensurePeers, ensureTree, type Tree } from '../test/interop/peers/install.ts';
import { enterLab, isInLab, Lab } from '../test/interop/peers/lab.ts';
import { NEWEST_RTPENGINE } from '../test/interop/peers/trees.ts';
import { Estimate, inWords } from './lib/estimate.ts';
import {
  fullPlan,
  type Plan,
  promised,
  quickPlan,
  secondsOf,
  withLongWarmUp,
  withMishaps,
  withRuns,
} from './lib/plan.ts';
import { type KeptName, keepFigures, newest, type SuiteName, tableOf, writeTables } from './lib/results.ts';
import { roundsUntil } from './lib/rounds.ts';
import { policySuite } from './policy/policy-suite.ts';
import { relaySuite } from './relay/relay-suite.ts';
import { signallingSuite } from './signalling/signalling-suite.ts';
import { startupSuite } from './startup/startup-suite.ts';
import { surviveSuite } from './survive/survive-suite.ts';

interface RunOptions {
  readonly plan: Plan;
  readonly isQuick: boolean;
  readonly note: string | undefined;
  /** Undefined where there are no peers. */
  readonly lab: Lab | undefined;
  /** What the relay is compared with instead of Debian 12's. */
  readonly rtpengine: Tree | undefined;
  /** Whether there is time for another round, when so many are done. */
  readonly another: (done: number) => boolean;
  readonly progress: (line: string) => void;
}

interface Suite {
  readonly about: string;
  /** Kamailio, rtpengine and SIPp in a lab of network namespaces: Linux, root and apt. */
  readonly needsPeers: boolean;
  /** Runs it, and keeps or shows its figures. */
  readonly run: (options: RunOptions) => Promise<void>;
}

const suites: Readonly<Record<SuiteName, Suite>> = {
  startup: {
    about: 'how long a start takes until it is ready, and the memory of an idle process, with 10,000 users',
    needsPeers: false,
    run: ({ plan: { startup }, ...options }) =>
      measured('startup', options, () => startupSuite({ ...startup, ...options })),
  },
  survive: {
    about:
      'what it costs to keep calls, how soon the next process has 1,000 of them; asked for by name, how long they hear nothing',
    needsPeers: false,
    run: ({ plan: { survive }, ...options }) =>
      measured('survive', options, () =>
        surviveSuite({ ...survive, ...options, earlier: newest('survive')?.gaps ?? [] }),
      ),
  },
  policy: {
    about: 'decisions of the policy engine a second, with 200 rules and up to 50,000 users',
    needsPeers: false,
    run: ({ plan: { policy }, ...options }) =>
      measured('policy', options, () => policySuite({ ...policy, ...options })),
  },
  relay: {
    about: 'CPU, latency and memory of relayed packets, SRTP on one side, beside rtpengine and a relay in C',
    needsPeers: true,
    run: ({ plan: { relay }, ...options }) =>
      measured(options.rtpengine === undefined ? 'relay' : 'relayNewest', options, () =>
        relaySuite(needed(options.lab), { ...relay, ...options }),
      ),
  },
  signalling: {
    about: 'CPU, rates and memory of calls and registrations over TLS, beside Kamailio with rtpengine',
    needsPeers: true,
    run: ({ plan: { signalling }, ...options }) => {
      const { another, progress } = options;
      return measured('signalling', options, () =>
        signallingSuite(needed(options.lab), { ...signalling, another, progress }),
      );
    },
  },
};

const names = ['startup', 'survive', 'policy', 'relay', 'signalling'] as const satisfies readonly SuiteName[];
const labLimit = 3_600_000;
/** For what comes after the last round. */
const closingSeconds = 10;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

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
      list: { type: 'boolean', default: false },
      /** `newest`: the newest that Debian has, for the relay suite; it is fetched on first use. */
      rtpengine: { type: 'string' },
      /** Writes tables and charts of the figures that are there, and measures nothing. */
      tables: { type: 'boolean', default: false },
    },
  });
  const asked = names.filter((name) => positionals.length === 0 || positionals.includes(name));
  const unknown = positionals.filter((name) => !asked.some((one) => one === name));
  const runs = values.runs === undefined ? undefined : Number(values.runs);
  const isKnownReference = values.rtpengine === undefined || values.rtpengine === 'newest';
  if (unknown.length > 0 || !isKnownReference || (runs !== undefined && !(Number.isInteger(runs) && runs > 0))) {
    say(
      `bench: expected suites of ${names.join(', ')}, --runs N and --rtpengine newest, got ${process.argv.slice(2).join(' ')}`,
    );
    return 2;
  }
  if (values.tables) {
    writeTables();
    return 0;
  }
  const usual = values.quick ? quickPlan : fullPlan;
  const repeated = runs === undefined ? usual : withRuns(usual, runs);
  const longer = positionals.includes('signalling') && !values.quick ? withLongWarmUp(repeated) : repeated;
  const plan = positionals.includes('survive') ? withMishaps(longer) : longer;
  const seconds = secondsOf(plan);
  const expected = asked.map((name) => ({ name, seconds: seconds[name] }));
  if (!isInLab()) explain(expected, values.quick);
  if (values.list) return 0;

  const peers = asked.some((name) => suites[name].needsPeers) ? await ensurePeers(say) : undefined;
  const rtpengine =
    values.rtpengine === undefined || peers?.available !== true ? undefined : await ensureTree(NEWEST_RTPENGINE, say);
  if (peers?.available === true && !isInLab()) {
    const workDir = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
    const argv = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    const { code: ended } = await enterLab(argv, { workDir, timeoutMs: labLimit });
    return ended ?? 1;
  }
  const lab = peers?.available === true ? await Lab.open(peers) : undefined;
  const possible = expected.filter(({ name }) => lab !== undefined || !suites[name].needsPeers);
  for (const { name } of expected.filter((one) => !possible.includes(one))) {
    say(`bench: ${name} is left out: ${peers?.available === false ? peers.reason : 'it needs peers'}`);
  }
  const now = (): number => performance.now() / 1_000;
  const estimate = new Estimate(possible, now);
  // Whoever asks for a number of runs gets them, however long they take.
  const end = runs === undefined ? now() + promised[values.quick ? 'quick' : 'full'] - closingSeconds : undefined;
  const progress = (line: string): void => say(`[${estimate.said}] ${line}`);
  for (const { name } of possible) {
    progress(`${name}: ${suites[name].about}`);
    const another = roundsUntil(end === undefined ? undefined : end - estimate.later, now);
    await suites[name].run({ plan, isQuick: values.quick, note: values.note, lab, rtpengine, another, progress });
    estimate.next();
  }
  return possible.length === expected.length ? 0 : 1;
}

function explain(expected: readonly { readonly name: SuiteName; readonly seconds: number }[], isQuick: boolean): void {
  const total = expected.reduce((sum, { seconds }) => sum + seconds, 0);
  say(`Measures, in about ${inWords(total)}:`);
  for (const { name, seconds } of expected) say(`  ${name.padEnd(12)}${suites[name].about} (${inWords(seconds)})`);
  say(
    isQuick
      ? 'A quick run shows that everything works; its figures spread widely, are printed, and are not kept.'
      : 'Ratios are of pairs of runs, in alternating order on the same core. Leave the machine to it: what else runs is measured too.',
  );
}

/** Figures of a quick run are shown; others are kept, and where they are is said. */
async function measured<Name extends KeptName>(
  name: Name,
  { isQuick, note, progress }: Omit<RunOptions, 'plan'>,
  measure: () => Promise<Parameters<typeof keepFigures<Name>>[1]>,
): Promise<void> {
  const begun = performance.now();
  const figures = await measure();
  const notes = { seconds: (performance.now() - begun) / 1_000, note };
  if (isQuick) say(`\n${tableOf(name, figures, notes)}\n`);
  else progress(`${name}: ${keepFigures(name, figures, notes)}`);
}

function needed(lab: Lab | undefined): Lab {
  if (lab === undefined) throw new Error('a suite with peers was asked to run without them');
  return lab;
}
