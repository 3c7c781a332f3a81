// Several processes as operators see them: `portcullis top` and the metrics of all, with calls in each, and one that hangs.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePorts } from '../support/free-ports.ts';
import type { Phone } from '../support/phone.ts';
import { check, checkEqual, type NativeCase } from './case.ts';
import { lastingCalls, type ProcessSite, processId, registersAt, withProcesses } from './support/process-site.ts';

export const cases: readonly NativeCase[] = [
  {
    name: 'top and the metrics are of all processes, and say of one that hangs that it does not answer',
    limitMs: 120_000,
    run: async () => {
      const port = await freePorts(2);
      await withProcesses({ media: lastingCalls, admin: `address = "127.0.0.1:${port}"` }, (site) => shown(site, port));
    },
  },
];

const looked = z.object({
  node: z.string(),
  calls: z.object({ active: z.number() }),
  rates: z.object({ packetsIn: z.number(), workers: z.array(z.object({ packets: z.number() })) }),
  list: z.array(z.object({ caller: z.string(), callee: z.string() })),
  processes: z.array(z.object({ number: z.number(), answers: z.boolean(), why: z.string().optional() })),
});

async function shown({ nodes, node, ports }: ProcessSite, port: number): Promise<void> {
  const [alice, carol] = [await nodes.phone('alice', ports), await nodes.phone('carol', ports)];
  await registersAt(node, alice, 'alice', 1);
  await registersAt(node, carol, 'carol', 2);
  const calls = [await alice.call('600').answered, await carol.call('600').answered];
  let isOver = false;
  const talking = calls.map(async (call) => {
    while (!isOver) await call.talk(5);
  });
  const seen = await look(node.file);
  isOver = true;
  await Promise.all(talking);
  checkEqual([seen.node, seen.calls.active], ['edge', 2], 'the site and its calls');
  checkEqual(seen.list.map(({ caller }) => caller).toSorted(), ['alice@pbx.test', 'carol@pbx.test'], 'callers');
  checkEqual(
    seen.processes.map(({ number, answers }) => [number, answers]),
    [
      [1, true],
      [2, true],
    ],
    'processes',
  );
  const { workers, packetsIn } = seen.rates;
  check(workers.length === 2 && workers.every(({ packets }) => packets > 0), 'a worker of each has moved packets');
  check(packetsIn > 0, 'packets came in');

  const each = ['sbc_calls_active{process="1"} 1', 'sbc_calls_active{process="2"} 1'];
  checkEqual(await samples(port, 'sbc_calls_active'), each, 'calls at the address of the first');
  checkEqual(await samples(port + 1, 'sbc_calls_active'), ['sbc_calls_active 1'], 'calls at that of the second');

  await crosses(node, port, alice, carol);

  const second = await processId(node, 2);
  process.kill(second, 'SIGSTOP');
  try {
    const without = await look(node.file);
    checkEqual(
      without.list.map(({ caller }) => caller),
      ['alice@pbx.test'],
      'callers without the second process',
    );
    const [, hanging] = without.processes;
    check(hanging?.answers === false && hanging.why?.includes('no answer') === true, 'the second process hangs');
    const up = ['sbc_process_up{process="1"} 1', 'sbc_process_up{process="2"} 0'];
    checkEqual(await samples(port, 'sbc_process_up'), up, 'processes that answer');
    checkEqual(await samples(port, 'sbc_calls_active'), each.slice(0, 1), 'calls without the second process');
  } finally {
    process.kill(second, 'SIGCONT');
  }
  for (const call of calls) await call.hangUp();
  checkEqual(await node.stop(), 0, 'exit code');
}

/**
 * A call from the PBX at one process to a phone of the other is one, wherever it is counted or listed. Alice calls Carol through the PBX: that
 * are two calls of the first process.
 */
async function crosses(node: ProcessSite['node'], port: number, alice: Phone, carol: Phone): Promise<void> {
  const dialling = alice.call('carol');
  await (await carol.nextCall()).answer();
  const call = await dialling.answered;
  const seen = await look(node.file);
  checkEqual([seen.calls.active, seen.list.length], [4, 4], 'calls with one of two processes');
  const of = seen.list.filter(({ callee }) => callee === 'carol@pbx.test');
  checkEqual(
    of.map(({ caller }) => caller),
    ['main'],
    'the call of two processes',
  );
  const active = ['sbc_calls_active{process="1"} 3', 'sbc_calls_active{process="2"} 1'];
  checkEqual(await samples(port, 'sbc_calls_active'), active, 'calls that are counted');
  const relayed = ['sbc_calls_relayed_active{process="1"} 0', 'sbc_calls_relayed_active{process="2"} 1'];
  checkEqual(await samples(port, 'sbc_calls_relayed_active'), relayed, 'calls that are relayed');
  await call.hangUp();
}

/** As a script has it. Workers tell once a second what they have moved. */
async function look(file: string): Promise<z.output<typeof looked>> {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const args = [main, 'top', '--once', '--json', '--interval', '2s', '--config', file];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, SITE_KEY: 'k1:none' },
  });
  return looked.parse(JSON.parse(stdout));
}

async function samples(port: number, metric: string): Promise<readonly string[]> {
  const scraped = await fetch(`http://127.0.0.1:${port}/metrics`);
  return (await scraped.text()).split('\n').filter((line) => line.startsWith(metric));
}
