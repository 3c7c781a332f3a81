// Another version is installed over a process that runs, from the bundle as it is published: what it starts afterwards is still of its own version.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { check, checkEqual, type NativeCase, Skipped } from './case.ts';
import { workerMortality } from './support/mortal-worker.ts';
import { RunningCalls } from './support/running-calls.ts';
import { ServedSite } from './support/served-site.ts';

const root = join(import.meta.dirname, '../..');

export const cases: readonly NativeCase[] = [
  {
    name: 'threads that are started after another version was installed are of the one that runs: media workers, records, the store',
    limitMs: 90_000,
    run: async () => {
      if (!existsSync(join(root, 'dist/main.js'))) throw new Skipped('dist is not built');
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-installed-'));
      try {
        await installOver(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

async function installOver(folder: string): Promise<void> {
  install(folder);
  const site = await ServedSite.start({
    users: ['alice'],
    program: join(folder, 'dist/main.js'),
    nodeArgs: workerMortality,
    sbc: 'spare = false',
  });
  try {
    const { process: serving } = await site.status();
    const workers = (): number => site.log.filter(({ event }) => event === 'media-worker-ready').length;
    breakAll(folder);
    const alice = await site.phone('alice');
    checkEqual(await alice.register(), 200, 'a registration');
    const call = await alice.call('600').answered;
    const running = new RunningCalls();
    running.add(call);
    // A worker in reserve is started when there is a call, and another one when it is needed.
    const before = workers();
    await reaches(workers, before + 1);
    const from = site.log.length;
    process.kill(serving, 'SIGWINCH');
    const gap = await running.gapWhile(site.until('media-sessions-moved', from));
    console.log(`silent for ${Math.round(gap)} ms while a worker took the place of another`);
    checkEqual([running.lost, running.spoilt.unusable], [0, 0], 'calls that were lost, packets without use');
    await reaches(workers, before + 2);
    running.stop();
    await call.hangUp();
    checkEqual(await site.stop(), 0, 'exit code');
    const database = new DatabaseSync(join(site.folder, 'var/cdr/cdr.db'), { readOnly: true });
    const found = database.prepare('SELECT count(*) AS records FROM call_record').get();
    database.close();
    checkEqual(found, { records: 1 }, 'records in the database');
    checkEqual(
      site.errors().filter((event) => event !== 'media-worker-lost'),
      [],
      'errors',
    );
  } catch (thrown) {
    console.log(site.said());
    throw thrown;
  } finally {
    await site.close();
  }
}

async function reaches(count: () => number, wanted: number): Promise<void> {
  for (const end = performance.now() + 20_000; count() < wanted; ) {
    check(performance.now() < end, `${count()} workers were ready, not ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The bundle, and the one package that it asks for here. */
function install(folder: string): void {
  const isOfTheProgram = (path: string): boolean => !path.endsWith('.map');
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true, filter: isOfTheProgram });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of ['koffi', '@koromix']) {
    const from = realpathSync(join(root, 'node_modules', name));
    const to = join(folder, 'node_modules', name);
    mkdirSync(to, { recursive: true });
    const isSource = (path: string): boolean =>
      !/\/(doc|vendor|src\/koffi\/src\/abi)(\/|$)/.test(path.slice(from.length));
    cpSync(from, to, { recursive: true, filter: isSource });
  }
}

/** Whatever is read from now on ends its reader. */
function breakAll(folder: string): void {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const programs = names.filter((name) => /\.(c?js|node)$/.test(name));
  check(programs.length > 20, `${programs.length} files are installed`);
  for (const name of programs) {
    // As npm does: another file, not the same with other contents, which is mapped into the process.
    rmSync(join(folder, name));
    writeFileSync(join(folder, name), 'throw new Error("it is of another version");');
  }
}
