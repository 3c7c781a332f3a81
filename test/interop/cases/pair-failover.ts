// Two machines, one virtual address, one Redis: the node is killed, the other machine takes over its calls, and audio goes on. Moving the
// address is what keepalived or the unit does on real machines: here the program of `on_takeover`, and this case on the machine that lost it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PhoneCall } from '../../support/phone-call.ts';
import { type CaseContext, check } from '../case.ts';
import {
  heardAgain,
  logged,
  machines,
  pairTables,
  phoneOfPair,
  siteKey,
  users,
  virtual,
  virtualAddresses,
} from '../pair.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { PBX_PORT } from '../peers/kamailio-pbx.ts';
import { type Host, Lab } from '../peers/lab.ts';
import { eventually } from '../peers/peer-process.ts';
import { Portcullis } from '../peers/portcullis.ts';
import { startRedis } from '../peers/redis.ts';
import { runCommand } from '../peers/run-command.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'pair-failover';
export const limitMs = 120_000;
export const needs = ['redis-server'];

const calls = 3;
/** From the kill until every call is heard again: `takeover_after`, the start of what waits, and a machine that does much else. */
const longestSilenceMs = 5_000;

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const authority = await CertificateAuthority.create(lab);
  const a = await lab.addHost('a', machines.a, ['outside', 'inside']);
  const b = await lab.addHost('b', machines.b, ['outside', 'inside']);
  const redisHost = await lab.addHost('redis', machines.redis, ['inside']);
  const redis = await startRedis(lab, redisHost);
  defer(() => redis.stop());
  await runCommand([...entering(a), 'sh', mover(lab, 'a', 1)]);
  const options = {
    authority,
    users,
    limits: { concurrent_calls: calls },
    env: siteKey,
  };
  const site = await Site.open(context, {
    ...options,
    edge: virtual(a),
    more: pairTables(redisHost, takeoverBy(mover(lab, 'a', 1))),
  });
  const standby = await Portcullis.start(lab, {
    ...options,
    host: virtual(b),
    domain: DOMAIN,
    pbx: { address: Lab.addressOf('inside', 5), port: PBX_PORT },
    name: 'portcullis-b',
    standsBy: true,
    more: pairTables(redisHost, takeoverBy(mover(lab, 'b', 2))),
  });
  defer(() => standby.process.stop());
  await eventually('the other one to stand by', 30_000, () => logged(standby, 'standing-by'));

  const alice = await phoneOfPair(authority);
  check((await alice.register()) === 200, 'alice is not registered');
  const running: PhoneCall[] = [];
  for (let call = 0; call < calls; call += 1) running.push(await alice.call('9000').answered);
  await Promise.all(running.map((call) => call.talk(50)));
  check(
    running.every(({ heard }) => heard.packets > 0),
    'nothing is heard before the kill',
  );

  const began = performance.now();
  await site.sbc.process.stop('SIGKILL');
  await runCommand([...entering(a), 'sh', remover(lab)]);
  const silence = await heardAgain(running, began);
  await eventually('the other one to serve', 10_000, () => logged(standby, 'ready'));
  note(`${calls} calls were heard ${Math.round(silence)} ms after the kill`);
  check(silence < longestSilenceMs, `silent for ${silence} ms`);
  check(
    running.every(({ heard }) => heard.unusable === 0),
    'packets that could not be read',
  );
  check((await standby.metric('sbc_calls_active')) === calls, 'not all calls are there');

  check((await alice.register()) === 200, 'alice is not registered after the takeover');
  await Promise.all(running.map((call) => call.hangUp()));
  await eventually('the calls to end', 10_000, async () =>
    (await standby.metric('sbc_calls_active')) === 0 ? true : undefined,
  );
  const again = await alice.call('9000').answered;
  await again.talk(25);
  await again.hangUp();
  const ends = await standby.databaseCommand('calls', '--since', '1h', '--json');
  note(`${ends.split('caller-hung-up').length - 1} records at the machine that took over`);
  alice.close();
  await standby.expectIdle({ lingering: true });
  await standby.stop();
}

function takeoverBy(program: string): string {
  return `on_takeover = ${JSON.stringify(program)}`;
}

/** A program that gives this machine the virtual address and announces it: a change of the link's address sends gratuitous ARP. */
function mover(lab: Lab, machine: string, serial: number): string {
  const { outside, inside } = virtualAddresses();
  const lines = [
    ['outside', outside, 1],
    ['inside', inside, 2],
  ].map(
    ([network, address, number]) => `ip addr add ${address}/24 dev ${network}
echo 1 > /proc/sys/net/ipv4/conf/${network}/arp_notify
ip link set dev ${network} address 02:00:00:01:0${number}:0${serial}`,
  );
  const file = join(lab.directory('takeover'), `move-to-${machine}`);
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  return file;
}

/** What takes the address from the machine whose process is gone. */
function remover(lab: Lab): string {
  const { outside, inside } = virtualAddresses();
  const file = join(lab.directory('takeover'), 'remove');
  writeFileSync(file, `ip addr del ${outside}/24 dev outside\nip addr del ${inside}/24 dev inside\n`);
  return file;
}

function entering({ holder }: Host): readonly string[] {
  return ['nsenter', `--net=/proc/${holder}/ns/net`, '--'];
}
