// A carrier over mutual TLS (RFC 5922): calls out and in with SRTP, and no call either way with one whose certificate, of the
// same authority, carries another name.
import { type CaseContext, check } from '../case.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { CARRIER_TLS_PORT, startKamailioCarrier } from '../peers/kamailio-carrier.ts';
import { Lab } from '../peers/lab.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';
import { trunkListener } from '../trunk-listener.ts';

export const name = 'trunk-mtls';
export const limitMs = 120_000;

const carriers = { carrier: 7, stranger: 8 } as const;

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const authority = await CertificateAuthority.create(lab);
  const listener = await trunkListener(authority);
  const site = await Site.open(context, { authority, routes, more: `${listener.toml}\n${trunks}` });
  const [carrier, stranger] = await Promise.all(
    Object.entries(carriers).map(async ([name, number]) => {
      const host = await lab.addHost(name, number, ['outside']);
      const certificate = await authority.issue({ name: `${name}.test`, dns: [`${name}.test`] });
      const { certificate: trusted } = authority;
      const to = listener.address;
      const peer = await startKamailioCarrier(lab, { name, host, certificate, authority: trusted, calls: { to } });
      defer(() => peer.stop());
      return { host, peer };
    }),
  );
  check(carrier !== undefined && stranger !== undefined, 'both carriers run');
  const alice = await site.phone('alice', 'wonder');
  const dave = await site.carrierPhone('442079460000', carrier.host);

  await alice.dial(`sip:442079460000@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await dave.event('CALL_ESTABLISHED');
  await pause(4_000);
  await alice.hangup();
  await dave.event('CALL_CLOSED');
  await carrier.peer.waitForLog(/invite 442079460000 from 10\.99\.1\.1 certificate sbc\.test/, 1_000);
  note(`out: ${await expectTone(alice, 'alice')}; ${await expectTone(dave, 'dave')}`);

  await dave.dial(`sip:alice@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED', 10_000, 1);
  await dave.event('CALL_ESTABLISHED', 10_000, 1);
  await pause(4_000);
  await dave.hangup();
  await alice.event('CALL_CLOSED', 10_000, 1);
  note(`in: ${await expectTone(alice, 'alice', 2, 1)}; ${await expectTone(dave, 'dave', 2, 1)}`);

  await alice.dial(`sip:4930000@${DOMAIN}`);
  const { detail } = await alice.event('CALL_CLOSED', 10_000, 2);
  check(detail.includes('500'), `a stranger was called: the phone was told "${detail}"`); // ours for a 503 (RFC 3261 §16.7)
  check(!stranger.peer.log().includes('invite'), 'an INVITE left for a carrier with a wrong name');
  const mallory = await site.carrierPhone('mallory', stranger.host);
  await mallory.dial(`sip:alice@${DOMAIN}`);
  const refused = await mallory.event('CALL_CLOSED');
  const calls = alice.control.events.filter(({ type }) => type === 'CALL_ESTABLISHED');
  check(calls.length === 2, 'a stranger reached alice');
  await site.sbc.process.waitForLog(/"code":"name-mismatch"/, 1_000);
  note(`wrong name: alice was told "${detail}", the stranger "${refused.detail}"`);
  await Promise.all([carrier.peer.stop(), stranger.peer.stop()]); // connections that stand have timers
  await site.close();
}

const routes = `
[[route]]
from = "user"
to = "4420*"
via = "trunk:carrier"

[[route]]
from = "user"
to = "4930*"
via = "trunk:stranger"

[[route]]
from = "trunk"
to = "*"
via = "users"
`;

const trunks = Object.values(carriers)
  .map((number) => Lab.addressOf('outside', number))
  .map(
    (address, index) => `
[[trunk]]
name = "${Object.keys(carriers)[index]}"
listener = "trunks"
uri = "sip:${address}:${CARRIER_TLS_PORT}"
accept_from = ["${address}"]
certificate_name = "carrier.test"
`,
  )
  .join('');
