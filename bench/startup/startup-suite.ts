// How long the built program takes from its start until it is ready, and what memory it has once it idles: with 10,000 users in its
// database, with as many in its file, with two; and, users in the database, with the supervisor and the process that stands by, which is
// how `portcullis run` starts by itself. Each start is that of new processes on files that were read before.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serviceFlags } from '../../scripts/launch/service-flags.js';
import { cpuNanoseconds, processTree, proportionalBytes, residentBytes } from '../lib/cpu.ts';
import type { StartupPlan } from '../lib/plan.ts';
import { type Summary, summarise } from '../lib/statistics.ts';

export const startupSites = ['two', 'database', 'file', 'supervised'] as const;
export type StartupSite = (typeof startupSites)[number];

export interface StartupFigures {
  readonly users: number;
  /** Until a process of Node that does nothing has ended. */
  readonly nodeMillis: Summary;
  readonly sites: Readonly<Record<StartupSite, StartupSummary>>;
}

export interface StartupSummary {
  readonly readyMillis: Summary;
  /** Of all of its threads until then: what a busy machine changes least. */
  readonly cpuMillis: Summary;
  readonly residentBytes: Summary;
  readonly proportionalBytes: Summary;
}

export interface StartupSuiteOptions extends StartupPlan {
  /** Whether there is time for another round. */
  readonly another: (done: number) => boolean;
  readonly progress: (line: string) => void;
}

const users = 10_000;
const command = fileURLToPath(new URL('../../bin/portcullis.js', import.meta.url));

export async function startupSuite(options: StartupSuiteOptions): Promise<StartupFigures> {
  const { runs, idleSeconds, warmsUp, another, progress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-startup-'));
  try {
    for (const site of startupSites) await prepare(folder, site);
    const measured: Record<StartupSite, Start[]> = { two: [], database: [], file: [], supervised: [] };
    const node: number[] = [];
    for (let run = warmsUp ? -1 : 0; run < runs && another(Math.max(0, run)); run += 1) {
      const floor = await bareNode();
      if (run >= 0) node.push(floor);
      for (const site of startupSites) {
        const one = await startOnce(join(folder, `${site}.toml`), {
          isSupervised: site === 'supervised',
          idleSeconds: run === 0 ? idleSeconds : undefined,
        });
        // The first of each reads its files from the disk.
        if (run < 0) continue;
        measured[site].push(one);
        const [ready, cpu] = [Math.round(one.readyMillis), Math.round(one.cpuMillis)];
        const memory = one.memory === undefined ? '' : `, ${Math.round(one.memory.residentBytes / 1e6)} MB`;
        progress(`startup run ${run + 1}/${runs} ${site}: ready after ${ready} ms (CPU ${cpu})${memory}`);
      }
    }
    return {
      users,
      nodeMillis: summarise(node),
      sites: {
        two: summaryOf(measured.two),
        database: summaryOf(measured.database),
        file: summaryOf(measured.file),
        supervised: summaryOf(measured.supervised),
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Start {
  readonly readyMillis: number;
  readonly cpuMillis: number;
  /** Of one that was left to idle. */
  readonly memory: { readonly residentBytes: number; readonly proportionalBytes: number } | undefined;
}

function summaryOf(starts: readonly Start[]): StartupSummary {
  const memory = starts.flatMap((start) => start.memory ?? []);
  return {
    readyMillis: summarise(starts.map(({ readyMillis }) => readyMillis)),
    cpuMillis: summarise(starts.map(({ cpuMillis }) => cpuMillis)),
    residentBytes: summarise(memory.map(({ residentBytes }) => residentBytes)),
    proportionalBytes: summarise(memory.map(({ proportionalBytes }) => proportionalBytes)),
  };
}

/** A site as `init` writes it, on any free ports, and its users where they belong. */
async function prepare(folder: string, site: StartupSite): Promise<void> {
  const template = join(folder, 'portcullis.toml');
  if (site === startupSites[0]) await run([command, 'init'], folder);
  const text = readFileSync(template, 'utf8')
    .replace(/address = "[^"]*:5061"\nadvertise = .*\n/, 'address = "127.0.0.1:0"\n')
    .replace('127.0.0.1:5080', '127.0.0.1:0')
    .replace('state_dir = "var"', `state_dir = "${site}"`)
    .replace('var/admin.sock', `${site}/admin.sock`);
  const more = site === 'file' ? Array.from({ length: users }, (_, n) => user(`phone${n}`)).join('') : '';
  const file = join(folder, `${site}.toml`);
  writeFileSync(file, `${text}\n${more}`, { mode: 0o600 });
  if (site !== 'database' && site !== 'supervised') return;
  // As Kamailio's table of subscribers has them, which `import` reads.
  const rows = Array.from({ length: users }, (_, n) => `phone${n},pbx.test,${ha1(n)}`);
  writeFileSync(join(folder, 'subscribers.csv'), ['username,domain,ha1', ...rows, ''].join('\n'));
  await run([command, 'user', 'import', 'subscribers.csv', '--format', 'kamailio', '--config', file], folder);
}

function user(name: string): string {
  return `[[user]]\nname = "${name}"\nha1 = { "SHA-256" = "${'0123456789abcdef'.repeat(4)}" }\n`;
}

function ha1(n: number): string {
  return n.toString(16).padStart(32, 'a');
}

interface StartOptions {
  readonly isSupervised: boolean;
  /** Undefined: it is ended when it is ready. */
  readonly idleSeconds: number | undefined;
}

async function startOnce(configFile: string, { isSupervised, idleSeconds }: StartOptions): Promise<Start> {
  const begun = performance.now();
  const alone = isSupervised ? [] : ['--no-supervisor'];
  const child = spawn(process.execPath, [...serviceFlags, command, 'run', ...alone, '--config', configFile], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout });
    const [ready, spare] = [says('ready', lines), says('spare-ready', lines)];
    // Where there is none, nobody waits for it.
    spare.catch(() => {});
    await ready;
    const readyMillis = performance.now() - begun;
    const pid = child.pid ?? 0;
    const cpuMillis = cpuNanoseconds(...processTree(pid)) / 1e6;
    if (idleSeconds === undefined) return { readyMillis, cpuMillis, memory: undefined };
    if (isSupervised) await spare;
    await pause(idleSeconds * 1_000);
    const pids = processTree(pid);
    const memory = { residentBytes: residentBytes(...pids), proportionalBytes: proportionalBytes(...pids) };
    return { readyMillis, cpuMillis, memory };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** Resolves with the line that says this event; rejects when the process ends before. */
function says(event: string, lines: Interface): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      if (line.includes(`"event":"${event}"`)) resolve();
    });
    lines.once('close', () => reject(new Error(`it ended before "${event}": ${said.slice(-5).join('\n')}`)));
  });
}

async function bareNode(): Promise<number> {
  const begun = performance.now();
  await run(['--eval', '0'], tmpdir());
  return performance.now() - begun;
}

async function run(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended: readonly unknown[] = await once(child, 'exit');
  const [code] = ended;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${String(code)}`);
}
