// CPU milliseconds that the signalling of one call costs: the composed SBC on fake time and fake sockets, without kernel,
// TLS and media workers, so that two versions can be told apart on a busy machine. Time passes as at 150 calls
// a second (`call-load.ts`).
//   node bench/micro/call.ts [--warm-up CALLS] [--rounds N]
import { parseArgs } from 'node:util';
import { quantile } from '../lib/statistics.ts';
import { CallLoad } from './call-load.ts';

const { values: options } = parseArgs({
  options: { 'warm-up': { type: 'string', default: '5000' }, rounds: { type: 'string', default: '200' } },
});
const warmUp = Number(options['warm-up']);
const rounds = Number(options.rounds);
const callsEach = 20;

const load = new CallLoad();
let serial = 0;
for (; serial < warmUp; serial += 1) await load.one(serial);
const own: number[] = [];
const all: number[] = [];
const allocated: number[] = [];
for (let round = 0; round < rounds; round += 1) {
  const before = { own: process.threadCpuUsage(), all: process.cpuUsage(), heap: process.memoryUsage().heapUsed };
  for (const end = serial + callsEach; serial < end; serial += 1) await load.one(serial);
  own.push(millisOf(process.threadCpuUsage(), before.own) / callsEach);
  all.push(millisOf(process.cpuUsage(), before.all) / callsEach);
  // A round is short enough that most of them see no collection; one that does frees more than it takes.
  const kilobytes = (process.memoryUsage().heapUsed - before.heap) / 1_024 / callsEach;
  if (kilobytes > 0) allocated.push(kilobytes);
}
process.stdout.write(
  `ms a call, best tenth and median of ${rounds} rounds: own thread ${spread(own)}, with the threads of V8 ${spread(all)}\n` +
    `KB allocated a call: ${quantile(
      allocated.toSorted((a, b) => a - b),
      0.5,
    ).toFixed(1)}\n`,
);
// What the fake peers never end (probes, sessions of the last calls) is of no interest.
process.exit(0);

function millisOf(now: NodeJS.CpuUsage, before: NodeJS.CpuUsage): number {
  return (now.user - before.user + now.system - before.system) / 1_000;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${quantile(sorted, 0.1).toFixed(3)} / ${quantile(sorted, 0.5).toFixed(3)}`;
}
