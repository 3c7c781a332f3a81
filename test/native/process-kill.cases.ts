// An SBC without a supervisor is killed while calls run, and started again: media goes on within two seconds, and a BYE still ends the calls.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { developmentCertificates } from '../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom } from '../../src/core/random.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { startEmbeddedPbx } from '../../src/embedded-pbx/embedded-pbx.ts';
import { freePort, mediaRange } from '../support/free-ports.ts';
import { loopbackToml } from '../support/loopback-toml.ts';
import { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { check, checkEqual, type NativeCase } from './case.ts';

const loopback = '127.0.0.1';
const server = 'sbc.pbx.test';
const domain = 'pbx.test';
const password = 'a-password-of-some-length-1';
/** Until audio is heard through the next process, from when it says that it is ready; how long Node takes until then is the machine's affair. */
const longestSilence = 2_000;

export const cases: readonly NativeCase[] = [
  {
    name: 'calls outlive a process that is killed: audio within two seconds, BYE from both sides, a record each',
    limitMs: 60_000,
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-killed-'));
      try {
        await killAndGoOn(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

async function killAndGoOn(folder: string): Promise<void> {
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    throw thrown;
  });
  const pbx = await startEmbeddedPbx({
    address: { address: loopback, port: 0 },
    scheduler,
    random: systemRandom,
    logger: silentLogger,
  });
  const names = { dnsNames: [server], addresses: [loopback] };
  const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
  writeFileSync(join(folder, 'edge.crt'), certificate);
  writeFileSync(join(folder, 'edge.key'), key, { mode: 0o600 });
  const [edge, inside] = [await freePort(), await freePort()];
  const configFile = join(folder, 'portcullis.toml');
  writeFileSync(configFile, configuration(edge, inside, pbx.address.port), { mode: 0o600 });

  const killed = await start(configFile);
  const phone = (name: string): Promise<Phone> =>
    Phone.start({
      name,
      domain,
      password,
      transport: 'tls',
      sbc: { address: loopback, port: edge },
      trust: { ca: authority, serverName: server },
      scheduler,
    });
  const [alice, bob] = [await phone('alice'), await phone('bob')];
  checkEqual([await alice.register(), await bob.register()], [200, 200], 'registrations');
  const dialling = alice.call('bob');
  const bobsEnd = await (await bob.nextCall()).answer();
  const alicesEnd = await dialling.answered;
  // A kill may cost what changed in the second before it, and the first write of a process waits for its thread.
  await Promise.all([alicesEnd.talk(75), bobsEnd.talk(75)]);
  check(alicesEnd.heard.packets > 0 && bobsEnd.heard.packets > 0, 'nothing was heard before the kill');

  const exited = once(killed, 'exit');
  const began = performance.now();
  killed.kill('SIGKILL');
  await exited;
  const starting = start(configFile).then((child) => ({ child, ready: performance.now() - began }));
  const silence = await heardAgain([alicesEnd, bobsEnd], began);
  const { child: next, ready } = await starting;
  console.log(`ready after ${Math.round(ready)} ms, heard after ${Math.round(silence)} ms`);
  const unusable = [alicesEnd, bobsEnd].map(({ heard }) => heard.unusable);
  checkEqual(unusable, [0, 0], 'packets that could not be read');
  check(silence - ready < longestSilence, `ready after ${ready} ms, heard after ${silence} ms`);

  // Alice hangs up over a new connection; the PBX ends the other call; Bob hears of it when he is back.
  await alicesEnd.hangUp();
  checkEqual(await bob.register(), 200, 'registration after the restart');
  checkEqual((await bobsEnd.ended).cause, 'bye', 'end at the callee');
  const stopped = once(next, 'exit');
  next.kill('SIGTERM');
  await stopped;
  const records = readFileSync(join(folder, 'var/cdr/cdr.ndjson'), 'utf8').trimEnd().split('\n');
  const causes = records.map((line) => causeIn(JSON.parse(line))).toSorted();
  checkEqual(causes, ['caller-hung-up', 'caller-hung-up'], 'records');
  await pbx.close();
  for (const one of [alice, bob]) one.close();
}

function causeIn(record: unknown): unknown {
  return typeof record === 'object' && record !== null && 'cause' in record ? record.cause : undefined;
}

/** Both talk until both have heard something that was said after `began`; resolves with how long that took. */
async function heardAgain(ends: readonly PhoneCall[], began: number): Promise<number> {
  const before = ends.map(({ heard }) => heard.packets);
  while (ends.some(({ heard }, at) => heard.packets <= (before[at] ?? 0) + 1)) {
    check(performance.now() - began < 20_000, 'nothing was heard again');
    await Promise.all(ends.map((end) => end.talk(2)));
  }
  return performance.now() - began;
}

/** Resolves when it says that it is ready. */
async function start(configFile: string): Promise<ChildProcess> {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, 'run', '--no-supervisor', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.includes('"ready"')) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error(`it did not start: ${said.join('\n')}`);
}

function configuration(edge: number, inside: number, pbx: number): string {
  const passwords = ['alice', 'bob'].map((user) => [user, password] as const);
  const mediaPorts = 200;
  const firstMediaPort = mediaRange(mediaPorts);
  return loopbackToml({ name: 'killed', domain, edge, inside, pbx, firstMediaPort, mediaPorts, passwords });
}
