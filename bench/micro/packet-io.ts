// CPU time a packet of each driver, forwarding between the sockets of many calls over the loopback. A reflector in this process
// sends back whatever comes (recvmmsg, sendmmsg), so that the number of packets on their way stays the same: a flood.
// Usage: node bench/micro/packet-io.ts [--calls 500] [--seconds 4] [--window 2] [--rounds 3] [--driver io_uring] [--mode latched]
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { driverNames } from '../../src/media/packet-io/packet-io.ts';
import { Reflector } from './reflector.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '4' },
    window: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    driver: { type: 'string' },
    mode: { type: 'string' },
  },
});
/** Percent of a core. */
const saturated = 80;
const seconds = Number(values.seconds);
const drivers = values.driver === undefined ? driverNames : [values.driver];
const modes = values.mode === undefined ? ['latched', 'unlatched'] : [values.mode];

for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const driver of drivers) for (const mode of modes) await measure(driver, mode);
}
process.exit(0);

async function measure(driver: string, mode: string): Promise<void> {
  const reflector = new Reflector();
  const { child, ports } = await startRelay(driver, mode, reflector.port);
  const pid = child.pid ?? 0;
  reflector.flood(ports, Number(values.window));
  reflector.reflectFor(1);
  const cpuBefore = cpuMicroseconds(pid);
  const packets = reflector.reflectFor(seconds);
  const cpu = cpuMicroseconds(pid) - cpuBefore;
  const perPacket = (cpu / packets).toFixed(3);
  const busy = Math.round((100 * cpu) / (seconds * 1e6));
  const remark = busy < saturated ? ' (not saturated: batches were small, or the core was shared)' : '';
  console.log(
    `${driver.padEnd(8)} ${mode.padEnd(9)} ${perPacket} µs/packet  ${Math.round(packets / seconds)} packets/s  relay ${busy} % busy${remark}`,
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  reflector.close();
}

async function startRelay(
  driver: string,
  mode: string,
  port: number,
): Promise<{ child: ChildProcess; ports: number[] }> {
  const script = fileURLToPath(new URL('packet-io-relay.ts', import.meta.url));
  const node = [process.execPath, script, driver, values.calls, mode, String(port)];
  const child = spawn('taskset', ['-c', '0', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  if (!text.includes('\n')) throw new Error('the relay ended before it was ready');
  const ports: unknown = JSON.parse(text);
  if (!Array.isArray(ports)) throw new Error('the relay did not print its ports');
  return { child, ports: ports.map(Number) };
}

/** What all threads of a process have used. The relay's loop answers no questions, so the kernel is asked. */
function cpuMicroseconds(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu = '0'] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    nanoseconds += Number(onCpu);
  }
  return nanoseconds / 1000;
}
