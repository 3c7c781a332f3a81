// Two machines of which keepalived decides who has the address, with the configuration of docs/operations.md: both stand by until one is told to be
// the node; its process is killed, the other one gets the address and the calls, and audio goes on; the first does not take it back.
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
import { startKeepalived } from '../peers/keepalived.ts';
import { type Host, Lab } from '../peers/lab.ts';
import { eventually } from '../peers/peer-process.ts';
import { Portcullis, type PortcullisOptions } from '../peers/portcullis.ts';
import { startRedis } from '../peers/redis.ts';
import { runCommand } from '../peers/run-command.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'pair-keepalived';
export const limitMs = 180_000;
export const needs = ['redis-server', 'keepalived'];

const calls = 3;
/** From the kill until every call is heard again: a look of keepalived each second, its election, and the start of what stands by. */
const longestSilenceMs = 10_000;

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const authority = await CertificateAuthority.create(lab);
  const a = await lab.addHost('a', machines.a, ['outside', 'inside']);
  const b = await lab.addHost('b', machines.b, ['outside', 'inside']);
  const redisHost = await lab.addHost('redis', machines.redis, ['inside']);
  const redis = await startRedis(lab, redisHost);
  defer(() => redis.stop());
  const options = {
    authority,
    users,
    limits: { concurrent_calls: calls },
    env: siteKey,
    standsBy: true,
    more: pairTables(redisHost, 'takeover = "told"'),
  };
  const site = await Site.open(context, { ...options, edge: virtual(a) });
  const standby = { ...options, domain: DOMAIN, pbx: { address: Lab.addressOf('inside', 5), port: PBX_PORT } };
  const other = await standsBy(context, b, 'portcullis-b', standby);
  await eventually('both to stand by', 30_000, () => logged(site.sbc, 'standing-by') && logged(other, 'standing-by'));

  const keeperOfA = startKeepalived(lab, { host: a, sbc: site.sbc, priority: 100, virtual: virtualAddresses() });
  defer(() => keeperOfA.stop());
  await eventually('the first machine to be the node', 45_000, () => logged(site.sbc, 'ready'));
  const keeperOfB = startKeepalived(lab, { host: b, sbc: other, priority: 90, virtual: virtualAddresses() });
  defer(() => keeperOfB.stop());
  await keeperOfB.waitForLog(/Entering BACKUP STATE/i, 20_000);

  const alice = await phoneOfPair(authority);
  check((await alice.register()) === 200, 'alice is not registered');
  const running: PhoneCall[] = [];
  for (let call = 0; call < calls; call += 1) running.push(await alice.call('9000').answered);
  await Promise.all(running.map((call) => call.talk(50)));
  check(
    running.every(({ heard }) => heard.packets > 0),
    'nothing is heard before the kill',
  );
  check(!logged(other, 'taking-over'), 'the other one took over by itself');

  const began = performance.now();
  await site.sbc.process.stop('SIGKILL');
  const told = eventually('the other one to be told', 20_000, () => logged(other, 'taking-over')).then(
    () => performance.now() - began,
  );
  const silence = await heardAgain(running, began);
  note(
    `${calls} calls: the other machine was told after ${Math.round(await told)} ms, heard after ${Math.round(silence)} ms`,
  );
  check(silence < longestSilenceMs, `silent for ${silence} ms`);
  check(await has(b), 'the address is not where the calls are');
  check(!(await has(a)), 'the address is still where it was');

  const again = await standsBy(context, a, 'portcullis-a-again', standby);
  await eventually('the first one to stand by', 30_000, () => logged(again, 'standing-by'));
  await Promise.all(running.map((call) => call.talk(100)));
  check(!logged(again, 'taking-over') && (await has(b)), 'it went back to the first machine');
  check((await other.metric('sbc_calls_active')) === calls, 'not all calls are there');
  await Promise.all(running.map((call) => call.hangUp()));
  alice.close();
  await other.stop();
}

type Standby = Omit<PortcullisOptions, 'host' | 'name'>;

async function standsBy({ lab, defer }: CaseContext, host: Host, name: string, options: Standby): Promise<Portcullis> {
  const sbc = await Portcullis.start(lab, { ...options, host: virtual(host), name });
  defer(() => sbc.process.stop());
  return sbc;
}

/** Whether that machine has the virtual address outside. */
async function has({ holder }: Host): Promise<boolean> {
  const shown = await runCommand([
    'nsenter',
    `--net=/proc/${holder}/ns/net`,
    '--',
    'ip',
    '-4',
    'addr',
    'show',
    'outside',
  ]);
  return shown.includes(virtualAddresses().outside);
}
