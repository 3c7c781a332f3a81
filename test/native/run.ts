// Runs every native case in a process of its own, so that a segmentation fault is a failed case and not a missing one:
//   node test/native/run.ts [--report FILE] [--only TEXT]... [--jobs N] [--folder deploy] [--require]
// --folder takes the cases of another folder of test/; with --require a case that cannot run here has failed.
// Exit 1 when a case failed. The report is JSON { passed, failed, skipped, cases: [{ name, status, reason? }] }.
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface CaseResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly reason?: string | undefined;
  readonly seconds?: number | undefined;
}

interface ListedCase {
  readonly file: string;
  readonly name: string;
  readonly limitMs?: number | undefined;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly isLate: boolean;
  readonly output: string;
}

const skippedCode = 77;
const defaultLimitMs = 30_000;
const defaultJobs = '2';

const { values } = parseArgs({
  options: {
    report: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: defaultJobs },
    folder: { type: 'string', default: 'native' },
    require: { type: 'boolean', default: false },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const results: CaseResult[] = [];
  const waiting: ListedCase[] = [];
  for (const file of readdirSync(new URL(`../${values.folder}/`, import.meta.url)).filter((name) =>
    name.endsWith('.cases.ts'),
  )) {
    const listed = await list(file);
    if (Array.isArray(listed)) waiting.push(...listed.filter(isChosen));
    else report(results, listed);
  }
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) report(results, await run(next));
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs)) }, worker));
  const count = (status: CaseResult['status']): number => results.filter((result) => result.status === status).length;
  const totals = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  if (values.report !== undefined) {
    writeFileSync(values.report, `${JSON.stringify({ ...totals, cases: results }, null, 2)}\n`);
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed > 0 || results.length === 0 ? 1 : 0;
}

function report(results: CaseResult[], result: CaseResult): void {
  results.push(result);
  const took = result.seconds === undefined ? '' : ` (${result.seconds.toFixed(1)} s)`;
  console.log(`${result.status === 'failed' ? 'FAILED' : result.status} ${result.name}${took}`);
  if (result.reason !== undefined) console.log(result.reason.replaceAll(/^/gm, '  '));
}

function isChosen({ file, name }: ListedCase): boolean {
  return values.only.length === 0 || values.only.some((text) => `${file} ${name}`.includes(text));
}

/** A file that cannot even be listed is one failed case. */
async function list(file: string): Promise<ListedCase[] | CaseResult> {
  const ended = await child(['--list', `${values.folder}/${file}`], defaultLimitMs);
  if (ended.code !== 0) return { name: file, status: 'failed', reason: reasonOf(ended) };
  const listed: unknown = JSON.parse(ended.output);
  if (!isList(listed)) return { name: file, status: 'failed', reason: `it listed: ${ended.output}` };
  return listed.map((one) => ({ ...one, file }));
}

function isList(listed: unknown): listed is readonly Omit<ListedCase, 'file'>[] {
  return (
    Array.isArray(listed) && listed.every((one: unknown) => typeof one === 'object' && one !== null && 'name' in one)
  );
}

async function run(one: ListedCase): Promise<CaseResult> {
  const begun = performance.now();
  const result = await outcome(one);
  return { ...result, seconds: (performance.now() - begun) / 1_000 };
}

async function outcome({ file, name, limitMs }: ListedCase): Promise<CaseResult> {
  const ended = await child([`${values.folder}/${file}`, name], limitMs ?? defaultLimitMs);
  const fullName = `${file.replace('.cases.ts', '')}: ${name}`;
  if (ended.code === 0 && !ended.isLate) {
    return { name: fullName, status: 'passed', ...(ended.output === '' ? {} : { reason: ended.output }) };
  }
  const status = ended.code === skippedCode && !ended.isLate && !values.require ? 'skipped' : 'failed';
  return { name: fullName, status, reason: reasonOf(ended) };
}

function child(parameters: readonly string[], limitMs: number): Promise<Ended> {
  const script = fileURLToPath(new URL('run-case.ts', import.meta.url));
  return new Promise((resolve) => {
    const running = spawn(process.execPath, [script, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      running.kill('SIGKILL');
    }, limitMs);
    const listen = (chunk: unknown): void => {
      output += String(chunk);
    };
    running.stdout.on('data', listen);
    running.stderr.on('data', listen);
    running.on('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, isLate, output: output.trim() });
    });
  });
}

function reasonOf({ signal, isLate, output }: Ended): string {
  if (isLate) return `did not end in time${output === '' ? '' : `\n${output}`}`;
  return signal === null ? output : `ended by ${signal}${output === '' ? '' : `\n${output}`}`;
}
