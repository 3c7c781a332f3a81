// A group of trunks of which one is dead and one answers 503 (RFC 3261 §16.7, RFC 3263 §4.3): the call reaches the third, and
// once pings have shown who is down, without asking those that are.
import { type CaseContext, check } from '../case.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { CARRIER_TLS_PORT, startKamailioCarrier } from '../peers/kamailio-carrier.ts';
import { Lab } from '../peers/lab.ts';
import { eventually } from '../peers/peer-process.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';
import { trunkListener } from '../trunk-listener.ts';

export const name = 'trunk-failover';
export const limitMs = 120_000;

/** In the order of their priority. Nothing listens at the first. */
const members = { dead: 7, broken: 8, carrier: 9 } as const;

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const authority = await CertificateAuthority.create(lab);
  const listener = await trunkListener(authority);
  await lab.addHost('dead', members.dead, ['outside']);
  const start = async (name: 'broken' | 'carrier', refusal?: number) => {
    const host = await lab.addHost(name, members[name], ['outside']);
    const certificate = await authority.issue({ name: `${name}.test`, dns: [`${name}.test`] });
    const calls = { to: listener.address };
    const options = { name, host, certificate, authority: authority.certificate, calls, refusal };
    const peer = await startKamailioCarrier(lab, options);
    defer(() => peer.stop());
    return { host, peer };
  };
  const broken = await start('broken', 503);
  const carrier = await start('carrier');
  const quiet = `${listener.toml}\n${trunks('')}\n${group}`;
  const site = await Site.open(context, { authority, routes, more: quiet });
  const dave = await site.carrierPhone('442079460000', carrier.host);
  const invites = () => broken.peer.log().split('invite 4420').length - 1;
  const call = async (number: number) => {
    const alice = await site.phone('alice', 'wonder');
    const began = performance.now();
    await alice.dial(`sip:442079460000@${DOMAIN}`);
    await alice.event('CALL_ESTABLISHED');
    const answered = Math.round(performance.now() - began);
    await pause(3_500);
    await alice.hangup();
    await dave.event('CALL_CLOSED', 10_000, number);
    await alice.stop();
    note(`answered after ${answered} ms: ${await expectTone(alice, 'alice')}`);
  };
  await call(0);
  check(invites() === 1, 'the trunk that says 503 was not asked once');

  await site.restart({ more: `${listener.toml}\n${trunks('probe = "1s"')}\n${group}` });
  const isUp = async (trunk: string) => (await site.sbc.metrics()).get(`sbc_trunk_up{peer="trunk:${trunk}"}`);
  await eventually('pings to show who is down', 30_000, async () => {
    const states = await Promise.all(Object.keys(members).map(isUp));
    return states.join() === '0,0,1' ? true : undefined;
  });
  await call(1);
  check(invites() === 1, 'a trunk that is down was asked');
  await Promise.all([broken.peer.stop(), carrier.peer.stop()]); // connections that stand have timers
  await site.close({ standingTimers: Object.keys(members).length, lingering: false });
}

const routes = `
[[route]]
from = "user"
to = "4420*"
via = "group:carriers"
`;

const group = `
[[trunk_group]]
name = "carriers"
members = [
${Object.keys(members)
  .map((trunk, index) => `  { via = "trunk:${trunk}", priority = ${index + 1} },`)
  .join('\n')}
]
`;

function trunks(more: string): string {
  return Object.entries(members)
    .map(([trunk, number]) => [trunk, Lab.addressOf('outside', number)] as const)
    .map(
      ([trunk, address]) => `
[[trunk]]
name = "${trunk}"
listener = "trunks"
uri = "sip:${address}:${CARRIER_TLS_PORT}"
accept_from = ["${address}"]
certificate_name = "${trunk}.test"
${more}
`,
    )
    .join('');
}
