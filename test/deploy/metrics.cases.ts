// What Prometheus' own checker says of a scrape of the running process, and of the alert rules.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/process.ts';
import { mergedMetrics } from '../../src/admin/merged-metrics.ts';
import { ensureTree, findObstacle } from '../interop/peers/install.ts';
import type { TreeSpec } from '../interop/peers/trees.ts';
import { check, fetchLimitMs, type NativeCase, Skipped } from '../native/case.ts';
import { runCommand } from './support/run-command.ts';
import { echoCall, moveToLoopback, ready, stop } from './support/try-out.ts';

const prometheus: TreeSpec = {
  name: 'prometheus',
  suite: 'bookworm',
  packages: ['prometheus'],
  probes: [{ argv: ['/usr/bin/promtool', '--version'], expect: /promtool, version 2\./ }],
};

export const cases: readonly NativeCase[] = [
  {
    name: 'promtool has nothing to say against a scrape of the running process, and finds the alert rules good',
    limitMs: fetchLimitMs + 60_000,
    run: async () => {
      const obstacle = await findObstacle();
      if (obstacle !== undefined) throw new Skipped(`promtool: ${obstacle}`);
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-metrics-'));
      try {
        await judge(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

const isCounted = (metrics: string): boolean => /^sbc_calls_total\{outcome="answered"\} 1$/m.test(metrics);

async function judge(folder: string): Promise<void> {
  const tree = await ensureTree(prometheus, (line) => console.log(line));
  const promtool = (args: readonly string[], input = ''): Promise<string> =>
    runCommand('chroot', [tree.root, '/usr/bin/promtool', ...args], { input });

  const main = [process.execPath, join(root, 'src', 'main.ts')] as const;
  await runCommand(main[0], [main[1], 'init'], { cwd: folder });
  const tryOut = await moveToLoopback(join(folder, 'portcullis.toml'));
  const child = spawn(main[0], [main[1], 'start'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  await ready(child);
  // Before the first call and after it: counters that were never raised are there too, and histograms have samples.
  const scrapes = [await scrape(tryOut.admin)];
  await echoCall(tryOut);
  // A call is counted when its media worker has told what it carried, a moment after its end.
  const deadline = performance.now() + 10_000;
  let after = await scrape(tryOut.admin);
  while (!isCounted(after) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    after = await scrape(tryOut.admin);
  }
  scrapes.push(after);
  await stop(child);
  // What the first of several processes says of all, one of which does not answer.
  const ofSeveral = mergedMetrics([...scrapes, undefined]);
  for (const text of [...scrapes, ofSeveral]) {
    check((text.match(/^# HELP sbc_/gm)?.length ?? 0) > 30, 'hardly a metric was scraped');
    const said = await promtool(['check', 'metrics'], text);
    check(said.trim() === '', `promtool says of the metrics: ${said}`);
  }
  check(isCounted(after), 'the call was not counted');
  // One that is wrong, so that a checker which says nothing is not taken for one that found nothing.
  const wrong = '# HELP sbc_wrong Without its ending.\n# TYPE sbc_wrong counter\nsbc_wrong 1\n';
  await runCommand('chroot', [tree.root, '/usr/bin/promtool', 'check', 'metrics'], { input: wrong, expects: 3 });

  const place = join(tree.root, 'tmp', `rules-${process.pid}`);
  mkdirSync(place, { recursive: true });
  try {
    copyFileSync(join(root, 'deploy/prometheus/alerts.yml'), join(place, 'alerts.yml'));
    const said = await promtool(['check', 'rules', `/tmp/rules-${process.pid}/alerts.yml`]);
    check(/SUCCESS: \d+ rules found/.test(said), `promtool says of the rules: ${said}`);
    console.log(
      `promtool ${tree.versions['prometheus'] ?? ''}: metrics clean; ${said.trim().split('\n').at(-1)?.trim()}`,
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function scrape(admin: string): Promise<string> {
  const answer = await fetch(`${admin}/metrics`);
  check(answer.status === 200, `/metrics answered ${answer.status}`);
  return answer.text();
}
