// A source that tries wrong passwords of many accounts is banned, and by [bans] nft_set the kernel drops its packets until the
// ban is lifted; a phone at another address is served all the while. One of IPv6 that an operator bans is dropped with its /64.
import { type CaseContext, check } from '../case.ts';
import type { Host } from '../peers/lab.ts';
import { BANNED_SET, Nftables } from '../peers/nftables.ts';
import { eventually } from '../peers/peer-process.ts';
import { PORTCULLIS_TLS_PORT } from '../peers/portcullis.ts';
import { runCommand } from '../peers/run-command.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'bans-nftables';
export const limitMs = 120_000;

const ACCOUNTS = 8;

export async function run(context: CaseContext): Promise<void> {
  const { lab, note } = context;
  const sbc = await lab.addHost('sbc', 1, ['outside', 'inside']);
  const filter = await Nftables.open(lab, sbc);
  const names = Array.from({ length: ACCOUNTS }, (_, index) => `user${index}`);
  const site = await Site.open(context, {
    edge: sbc,
    users: { alice: 'wonder', ...Object.fromEntries(names.map((user) => [user, `secret-${user}`])) },
    algorithms: ['MD5'],
    env: { PATH: `${filter.folder}:${process.env.PATH ?? ''}` },
    more: `[bans]\nnft_set = "${BANNED_SET}"\n`,
  });
  const attacker = await lab.addHost('attacker', 99, ['outside']);
  // The first SYN may be lost while the bridge takes up the new host's link, and comes again after more than `connects` waits.
  await eventually('the attacker to connect before its ban', 5_000, async () =>
    (await connects(attacker, sbc.outside)) === 'connected' ? true : undefined,
  );
  check((await filter.banned()) === '', 'the set was not empty');
  const guesses = names.map((user) => ({ name: user, password: 'guess' }));
  const attack = await site.caller('register', guesses, { calls: ACCOUNTS, rate: 4, holdMs: 0, host: attacker });
  const element = await eventually('an element in the set', 20_000, async () => (await filter.banned()) || undefined);
  check(element.startsWith(`${attacker.outside} timeout 5m`), `another element than was meant: ${element}`);
  await attack.process.stop();
  check((await connects(attacker, sbc.outside)) === 'dropped', 'the kernel let the banned source in');
  const dropped = await filter.dropped();
  check(dropped > 0, 'the rule counted no packet');
  await site.phone('alice', 'wonder'); // registers
  note(`banned: ${element}; ${dropped} packets dropped; another phone registers at ${DOMAIN}`);

  note((await site.sbc.command('bans', 'lift', attacker.outside)).trim());
  await eventually('the element to go', 5_000, async () => ((await filter.banned()) === '' ? true : undefined));
  check(
    (await connects(attacker, sbc.outside)) === 'connected',
    'the attacker could not connect after its ban was lifted',
  );
  await bansBlock(site, filter, attacker, sbc);
  await site.close();
}

/** Nothing listens there on IPv6: who is let in is refused at once, who is dropped waits. */
async function bansBlock(site: Site, filter: Nftables, attacker: Host, sbc: Host): Promise<void> {
  check((await connects(attacker, sbc.outside6)) === 'refused', 'IPv6 did not reach the host before the ban');
  await site.sbc.command('bans', 'add', attacker.outside6);
  const element = await eventually('an element of IPv6', 5_000, async () => (await filter.banned(6)) || undefined);
  check(/^fd99:1::\/64 timeout /.test(element), `another element than was meant: ${element}`);
  check((await connects(attacker, sbc.outside6)) === 'dropped', 'the kernel let the banned block in');
  await site.sbc.command('bans', 'lift', attacker.outside6);
  await eventually('it to go', 5_000, async () => ((await filter.banned(6)) === '' ? true : undefined));
}

/** What becomes of a handshake of TCP from `from`: `dropped` when nothing comes back within a second. */
async function connects(from: Host, to: string): Promise<'connected' | 'refused' | 'dropped'> {
  const enter = ['nsenter', `--net=/proc/${from.holder}/ns/net`];
  const attempt = `exec 3<>/dev/tcp/${to}/${PORTCULLIS_TLS_PORT}`;
  const began = performance.now();
  return runCommand([...enter, 'bash', '-c', attempt], { timeoutMs: 1_000 }).then(
    () => 'connected',
    () => (performance.now() - began >= 1_000 ? 'dropped' : 'refused'),
  );
}
