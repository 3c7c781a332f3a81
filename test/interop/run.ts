// Runs the interop cases, each in a lab of its own with a time limit:
//   node test/interop/run.ts [--self-test] [--only NAME]... [--list] [--report FILE] [--require-peers] [--jobs N] [--keep]
// --self-test runs only what proves the harness and its peers, without the SBC.
// Exit 1 when a case failed, or when the peers are missing and required; else missing peers count as skipped, with the reason.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Case, removeWorkDir } from './case.ts';
import { loadCases } from './load-cases.ts';
import { ensurePeers, isOnPath } from './peers/install.ts';
import { enterLab } from './peers/lab.ts';

interface CaseResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly reason?: string | undefined;
}

const DEFAULT_LIMIT_MS = 60_000;
/** Cases mostly wait (people talk, transactions linger), so a few at a time are no load. */
const DEFAULT_JOBS = 3;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      report: { type: 'string' },
      'require-peers': { type: 'boolean', default: false },
      'self-test': { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      jobs: { type: 'string', default: String(DEFAULT_JOBS) },
      keep: { type: 'boolean', default: false },
    },
  });
  const cases = choose(await loadCases(), values['self-test'], values.only);
  if (values.list) {
    for (const one of cases) process.stdout.write(`${one.name}\n`);
    return 0;
  }
  if (cases.length === 0) {
    process.stderr.write('interop: no such case\n');
    return 1;
  }
  const peers = await ensurePeers((line) => process.stdout.write(`${line}\n`));
  const results = new Map<string, CaseResult>();
  const waiting = [...cases];
  const worker = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const reason = peers.available ? missingProgram(one) : peers.reason;
      const missing = { name: one.name, status: values['require-peers'] ? ('failed' as const) : ('skipped' as const) };
      results.set(one.name, reason === undefined ? await runInLab(one, values.keep) : { ...missing, reason });
      if (peers.available && reason !== undefined) process.stdout.write(`${missing.status} ${one.name}: ${reason}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs) || DEFAULT_JOBS) }, worker));
  const ordered = cases.flatMap(({ name }) => results.get(name) ?? []);
  const count = (status: CaseResult['status']) => ordered.filter((result) => result.status === status).length;
  const totals = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  if (!peers.available) {
    for (const { name, status, reason } of ordered) process.stdout.write(`${status} ${name}: ${reason}\n`);
  }
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`);
  if (values.report !== undefined) {
    await writeFile(values.report, `${JSON.stringify({ ...totals, cases: ordered }, null, 2)}\n`);
  }
  return totals.failed === 0 ? 0 : 1;
}

/** Why it cannot run on this machine. */
function missingProgram({ needs = [] }: Case): string | undefined {
  const program = needs.find((one) => !isOnPath(one));
  return program === undefined ? undefined : `no ${program} on this machine: apt-get install ${program}`;
}

function choose(cases: readonly Case[], selfTest: boolean, only: readonly string[] | undefined): readonly Case[] {
  if (only !== undefined) return cases.filter(({ name }) => only.includes(name));
  return selfTest ? cases.filter((one) => one.selfTest) : cases;
}

async function runInLab(one: Case, keep: boolean): Promise<CaseResult> {
  const limitMs = one.limitMs ?? DEFAULT_LIMIT_MS;
  const workDir = await mkdtemp(join(tmpdir(), 'portcullis-lab-'));
  const started = performance.now();
  let said = '';
  const listen = (chunk: string) => {
    said += chunk;
  };
  const child = fileURLToPath(new URL('./run-case.ts', import.meta.url));
  const exit = await enterLab([process.execPath, child, one.name], {
    workDir,
    timeoutMs: limitMs,
    onStdout: listen,
    onStderr: listen,
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  if (exit.code === 0) {
    process.stdout.write(`passed ${one.name} (${seconds} s)\n${indented(said)}`);
    if (keep) process.stdout.write(`  kept: ${workDir}\n`);
    else await removeWorkDir(workDir);
    return { name: one.name, status: 'passed' };
  }
  const reason = exit.timedOut ? `did not end within ${limitMs} ms` : said.trim();
  process.stdout.write(`FAILED ${one.name} (${seconds} s)\n${indented(reason)}  its logs: ${workDir}\n`);
  return { name: one.name, status: 'failed', reason };
}

function indented(text: string): string {
  const lines = text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => `  ${line}\n`).join('');
}
