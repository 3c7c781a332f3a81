// The unit of deploy/systemd under a real systemd, installed by the written steps (docs/operations.md) and operated as an operator would:
//   node test/native/run.ts --folder systemd
// No part of `npm test`: it fetches a Debian with systemd once, and takes a minute or two.
import { chownSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { wayOut } from '../../scripts/image/build-image.ts';
import { root as checkout, runNode } from '../../scripts/process.ts';
import { developmentCertificates } from '../../src/cli/pki/development-certificates.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom } from '../../src/core/random.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from '../../src/embedded-pbx/embedded-pbx.ts';
import { version } from '../../src/version.ts';
import { findObstacle } from '../interop/peers/install.ts';
import { check, checkEqual, type NativeCase, Skipped } from '../native/case.ts';
import { freePort, mediaRange } from '../support/free-ports.ts';
import { loopbackToml } from '../support/loopback-toml.ts';
import { Phone } from '../support/phone.ts';
import type { PhoneCall } from '../support/phone-call.ts';
import { Machine } from './support/machine.ts';

const domain = 'pbx.test';
const server = 'sbc.pbx.test';
const password = 'a-password-of-some-length-1';
const loopback = '127.0.0.1';
const mediaPorts = 200;
const file = '/etc/portcullis/portcullis.toml';
const drainTimeout = 6_000;

export const cases: readonly NativeCase[] = [
  {
    name: 'the unit, installed by the written steps: calls, reload, upgrade, a kill, a drain, and nothing that its sandbox keeps from working',
    limitMs: 600_000,
    run: async () => {
      const obstacle = (await findObstacle()) ?? Machine.obstacle();
      if (obstacle !== undefined) throw new Skipped(`systemd: ${obstacle}`);
      const folder = mkdtempSync(join(tmpdir(), 'portcullis-systemd-'));
      try {
        await inMachine(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
];

async function inMachine(folder: string): Promise<void> {
  const machine = await Machine.boot(folder, (line) => console.log(line));
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    throw thrown;
  });
  const pbx = await startEmbeddedPbx({
    address: { address: loopback, port: 0 },
    scheduler,
    random: systemRandom,
    logger: silentLogger,
  });
  try {
    const site = await install(machine, folder, pbx);
    const phone = await Phone.start({
      name: 'alice',
      domain,
      password,
      transport: 'tls',
      sbc: { address: loopback, port: site.edge },
      trust: { ca: site.authority, serverName: server },
      scheduler,
    });
    await operate(machine, phone);
    phone.close();
  } catch (thrown) {
    console.log((await machine.say('systemctl status --no-pager --full portcullis; journalctl --no-pager -n 60')).text);
    throw thrown;
  } finally {
    await pbx.close();
    await machine.halt();
  }
}

interface Site {
  readonly edge: number;
  readonly authority: string;
}

/** The steps of docs/operations.md, word by word. */
async function install(machine: Machine, folder: string, pbx: EmbeddedPbx): Promise<Site> {
  const [before = '', after = ''] = writtenSteps();
  const { code, output } = await runNode(['scripts/launch/run.js', 'pack', '--to', folder], {
    quiet: true,
    env: { INIT_CWD: folder },
  });
  checkEqual(code, 0, output);
  for (const tarball of globSync('*.tgz', { cwd: folder })) {
    cpSync(join(folder, tarball), join(machine.root, 'root', basename(tarball)));
  }
  const trust = process.env['NODE_EXTRA_CA_CERTS'];
  if (trust !== undefined) cpSync(trust, join(machine.root, 'root/authorities.crt'));
  const way = { ...wayOut(), ...(trust === undefined ? {} : { NODE_EXTRA_CA_CERTS: '/root/authorities.crt' }) };
  await does(machine, before, way);
  const site = await configure(machine, pbx);
  console.log(await does(machine, after));
  return site;
}

/** The blocks for a shell of the section that tells how it is installed. */
function writtenSteps(): readonly string[] {
  const text = readFileSync(join(checkout, 'docs/operations.md'), 'utf8');
  const section = /^## Installing it$(.*?)^## /ms.exec(text)?.[1] ?? '';
  const blocks = Array.from(section.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block);
  checkEqual(blocks.length, 2, 'blocks of steps: those before there is a configuration, and those after');
  return blocks;
}

/** What the operator writes. */
async function configure(machine: Machine, pbx: EmbeddedPbx): Promise<Site> {
  const [edge, inside] = [await freePort(), await freePort()];
  const names = { dnsNames: [server], addresses: [loopback] };
  const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
  const toml = loopbackToml({
    name: 'edge',
    domain,
    edge,
    inside,
    pbx: pbx.address.port,
    firstMediaPort: mediaRange(mediaPorts),
    mediaPorts,
    passwords: [['alice', password]],
    sbc: `state_dir = "/var/lib/portcullis"\ndrain_timeout = "${drainTimeout / 1_000}s"`,
    media: 'timeout = "10m"',
    limits: 'total_calls = 40',
    more: '[fraud]\nmode = "shadow"',
  }).replace('socket = "var/admin.sock"', 'socket = "/run/portcullis/admin.sock"');
  const place = join(machine.root, 'etc/portcullis');
  for (const [name, text] of [
    ['portcullis.toml', toml],
    ['edge.crt', certificate],
    ['edge.key', key],
  ] as const) {
    writeFileSync(join(place, name), text);
    chownSync(join(place, name), 0, 0);
  }
  return { edge, authority };
}

async function operate(machine: Machine, phone: Phone): Promise<void> {
  await isSettled(machine);
  const status = await does(machine, 'systemctl status --no-pager portcullis');
  check(/Active: active \(running\)/.test(status), status);
  console.log(status);
  checkEqual(await phone.register(), 200, 'registration');
  const call = await phone.call('600').answered;
  await hears(call, 'a call');

  // As root, over the socket, with the configuration of the system.
  for (const command of ['status', 'calls', 'calls --media', 'registrations', 'top --once', 'trunks', 'bans']) {
    console.log(`$ portcullis ${command}\n${await does(machine, `portcullis ${command}`)}`);
  }
  const workers = await json(machine, 'status --json', statusShape);
  checkEqual(
    workers.mediaWorkers.map(({ alive, driver }) => [alive, driver]),
    [[true, 'io_uring']],
    'media workers',
  );
  const doctor = await machine.say('portcullis doctor');
  console.log(`$ portcullis doctor\n${doctor.text}`);
  check(!/critical|warning/.test(doctor.text), 'doctor finds something');

  await hasItsLimit(machine);
  await oneWay(machine, phone);

  await reloads(machine);
  await hears(call, 'a call after a reload');
  await upgrades(machine, call);
  await survivesAKill(machine, call);
  await drains(machine, phone);
  await isSandboxed(machine);
  await logIsClean(machine);
}

/** Of descriptors: what the unit says, or as much of it as this machine grants to anybody. `doctor` says the same in a shell that has another one. */
async function hasItsLimit(machine: Machine): Promise<void> {
  const limits = async (process: number): Promise<readonly number[]> => {
    const [, soft, hard] =
      /^Max open files +(\d+) +(\d+)/m.exec(await does(machine, `cat /proc/${process}/limits`)) ?? [];
    return [Number(soft), Number(hard)];
  };
  const unit = readFileSync(join(checkout, 'deploy/systemd/portcullis.service'), 'utf8');
  const wanted = Number(/^LimitNOFILE=(\d+)$/m.exec(unit)?.[1]);
  const [, granted = 0] = await limits(1);
  const expected = Math.min(wanted, granted);
  const { process, supervisor, descriptors } = await json(machine, 'status --json', statusShape);
  checkEqual([await limits(process), await limits(supervisor)], Array(2).fill([expected, expected]), 'descriptors');
  checkEqual(descriptors, expected, 'descriptors by status');
  console.log(`LimitNOFILE=${wanted}, this machine grants ${granted}, the service has ${expected}`);
  const many = file.replace('portcullis.toml', 'many.toml');
  await does(machine, `sed 's/^total_calls = .*$/total_calls = 1000000/' ${file} > ${many}`);
  const { text } = await machine.say(`ulimit -n 512; portcullis doctor --config ${many}; rm ${many}`);
  check(text.includes(`${expected} open files carry `), `doctor: ${text}`);
}

/** Of `systemd-analyze security` (systemd 257): no less is forbidden to the unit than was. */
const mostExposure = 1.7;

/** systemd reads every line of the unit, and what it thinks of the sandbox is no worse. */
async function isSandboxed(machine: Machine): Promise<void> {
  checkEqual(
    (await does(machine, 'systemd-analyze verify --man=no portcullis.service')).trim(),
    '',
    'what systemd-analyze verify says',
  );
  const judged = await does(machine, 'systemd-analyze --no-pager security portcullis');
  console.log(judged.split('\n').slice(-2).join('\n'));
  const level = Number(/exposure level for portcullis\.service: ([0-9.]+)/.exec(judged)?.[1]);
  check(level <= mostExposure, `the exposure of the unit is ${level}, ${mostExposure} at most`);
}

/** A phone that hears and says nothing, as behind a firewall. */
async function oneWay(machine: Machine, phone: Phone): Promise<void> {
  const call = await phone.call('601').answered;
  await sleep(13_000);
  const [id] = (await json(machine, 'calls --json', callsShape)).calls.filter(({ dialled }) => dialled === '601');
  const shown = await does(machine, `portcullis calls show ${id?.id}`);
  console.log(`$ portcullis calls show ${id?.id}\n${shown}`);
  check(/^a .* silent$/m.test(shown), 'a side that is silent is not shown as such');
  console.log(await does(machine, 'portcullis top --once'));
  await call.hangUp();
  await sleep(1_000);
  console.log(await does(machine, `portcullis calls --since 1h\nportcullis explain ${id?.id}`));
}

const callsShape = z.object({ calls: z.array(z.object({ id: z.string(), dialled: z.string() })) });
const statusShape = z.object({
  process: z.number(),
  supervisor: z.number(),
  descriptors: z.number(),
  activeCalls: z.number(),
  mediaWorkers: z.array(z.object({ alive: z.boolean(), driver: z.string() })),
});

async function reloads(machine: Machine): Promise<void> {
  const before = await json(machine, 'status --json', statusShape);
  await does(machine, `sed -i 's/^total_calls = 40$/total_calls = 30/' ${file} && systemctl reload portcullis`);
  checkEqual((await json(machine, 'status --json', statusShape)).process, before.process, 'the process after a reload');
  check((await events(machine)).includes('reloaded'), 'the log says nothing of a reload');
  await does(machine, `cp ${file} /root/kept.toml && echo 'nonsense = 1' >> ${file}`);
  const refused = await machine.say('systemctl reload portcullis');
  check(refused.code !== 0, 'a configuration with a mistake was taken');
  await does(machine, `cp /root/kept.toml ${file} && systemctl is-active portcullis`);
  checkEqual(
    (await json(machine, 'status --json', statusShape)).process,
    before.process,
    'the process after a refusal',
  );
}

/** By its own command, and by a reload once another version is installed. */
async function upgrades(machine: Machine, call: PhoneCall): Promise<void> {
  await isUpgradedBy(machine, call, 'portcullis upgrade');
  const installed = '$(dirname "$(readlink -f "$(command -v portcullis)")")/../dist';
  await does(machine, `sed -i 's/"${version}"/"${version}-next"/' ${installed}/*.js`);
  await isUpgradedBy(machine, call, 'systemctl reload portcullis');
  check(
    (await does(machine, 'portcullis status')).includes(`(portcullis ${version}-next)`),
    'the version before serves',
  );
}

async function isUpgradedBy(machine: Machine, call: PhoneCall, command: string): Promise<void> {
  await isSettled(machine);
  const before = await json(machine, 'status --json', statusShape);
  const talking = call.talk(100);
  console.log(await does(machine, command));
  await talking;
  const after = await json(machine, 'status --json', statusShape);
  check(after.process !== before.process, 'the same process serves');
  checkEqual([after.supervisor, after.activeCalls], [before.supervisor, 1], 'the main process, and calls');
  await hears(call, 'a call after an upgrade');
}

async function survivesAKill(machine: Machine, call: PhoneCall): Promise<void> {
  await isSettled(machine);
  const before = await json(machine, 'status --json', statusShape);
  await does(machine, `kill -KILL ${before.process}`);
  await call.talk(100);
  await hears(call, 'a call after a kill');
  const after = await json(machine, 'status --json', statusShape);
  checkEqual([after.supervisor, after.activeCalls], [before.supervisor, 1], 'the main process, and calls');
  await does(machine, 'systemctl is-active portcullis');
}

/** A call that runs is served until the deadline; then it gets its BYE, and the unit has ended well. */
async function drains(machine: Machine, phone: Phone): Promise<void> {
  checkEqual(await phone.register(), 200, 'registration after a kill');
  const call = await phone.call('600').answered;
  const begun = performance.now();
  const stopping = machine.say('systemctl stop portcullis');
  // It says nothing meanwhile, and lasts (`media.timeout`).
  checkEqual((await call.ended).cause, 'bye', 'end of a call at the deadline of a drain');
  const lasted = performance.now() - begun;
  check(lasted > drainTimeout - 1_000, `the call had ${Math.round(lasted)} ms`);
  checkEqual((await stopping).code, 0, 'systemctl stop');
  const shown = await does(machine, 'systemctl show -p Result,ActiveState,ExecMainStatus portcullis');
  check(/Result=success/.test(shown) && /ActiveState=inactive/.test(shown), shown);
}

/** What its sandbox refuses it, it would say. */
async function logIsClean(machine: Machine): Promise<void> {
  const lines = await log(machine);
  const bad = lines.filter(({ level, event, kind }) => {
    return (level === 'warn' || level === 'error') && !expected.has(kind === 'one-way-audio' ? 'media-one-way' : event);
  });
  checkEqual(bad, [], 'warnings and errors');
  const foreign = (await does(machine, 'journalctl --no-pager -o cat -u portcullis')).split('\n');
  const words = foreign.filter((line) => /EPERM|EACCES|not permitted|Operation not|denied/i.test(line));
  checkEqual(words, [], 'what was refused');
}

/**
 * A process that was killed, a phone that was silent, a configuration with a mistake that no spare could start with: all on purpose. And a machine
 * that grants less than `LimitNOFILE`.
 */
const expected = new Set(['process-lost', 'media-one-way', 'reload-refused', 'spare-lost', 'descriptors-limit-media']);

/** `kind`: of an alert. */
const logLine = z.looseObject({ level: z.string(), event: z.string(), kind: z.string().optional() });

async function log(machine: Machine): Promise<readonly z.output<typeof logLine>[]> {
  const text = await does(machine, 'journalctl --no-pager -o cat -u portcullis');
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [logLine.parse(JSON.parse(line))] : []));
}

async function events(machine: Machine): Promise<readonly string[]> {
  return (await log(machine)).map(({ event }) => event);
}

/** It serves, and another process stands by, made after whatever happened last. */
async function isSettled(machine: Machine): Promise<void> {
  const end = performance.now() + 90_000;
  for (;;) {
    const happened = await events(machine);
    const after = Math.max(...unsettling.map((event) => happened.lastIndexOf(event)));
    if (happened.lastIndexOf('spare-ready') > after) return;
    check(performance.now() < end, `it does not settle: ${happened.slice(-20).join(', ')}`);
    await sleep(1_000);
  }
}

const unsettling = ['process-started', 'spare-started', 'upgraded', 'process-lost', 'reloaded'];

async function hears(call: PhoneCall, what: string): Promise<void> {
  const before = call.heard.packets;
  await call.talk(50);
  const heard = call.heard.packets - before;
  console.log(`${what}: ${heard} of 50 packets came back`);
  check(heard >= 40, `${what}: ${heard} of 50 packets came back`);
}

async function json<T>(machine: Machine, command: string, shape: z.ZodType<T>): Promise<T> {
  const said = await does(machine, `portcullis ${command}`);
  return shape.parse(JSON.parse(said));
}

/** Fails where a line of it does. */
async function does(machine: Machine, lines: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, text } = await machine.say(`set -e\n${lines}`, env);
  checkEqual(code, 0, `${lines}\n${text}`);
  return text;
}
