// A carrier that wants to be registered with (RFC 3261 §10.2, SIPconnect): the SBC registers by digest, is called by what it
// registered, answers the challenge of its own calls, and takes the registration back when it ends.
import { type CaseContext, check } from '../case.ts';
import { CertificateAuthority } from '../peers/certificates.ts';
import { CARRIER_TLS_PORT, startKamailioCarrier } from '../peers/kamailio-carrier.ts';
import { Lab } from '../peers/lab.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';
import { trunkListener } from '../trunk-listener.ts';

export const name = 'trunk-registering';
export const limitMs = 120_000;

const NUMBER = 7;
const DIALLED = '442079461111';

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const authority = await CertificateAuthority.create(lab);
  const listener = await trunkListener(authority);
  const host = await lab.addHost('carrier', NUMBER, ['outside']);
  const carrier = await startKamailioCarrier(lab, {
    name: 'carrier',
    host,
    certificate: await authority.issue({ name: 'carrier.test', dns: ['carrier.test'] }),
    authority: authority.certificate,
    calls: { account: { username: 'acme', password: 'rocket-sled', realm: 'carrier.test', algorithm: 'SHA-256' } },
  });
  defer(() => carrier.stop());
  const users = { alice: 'wonder', [DIALLED]: 'builder' };
  const more = `${listener.toml}\n${trunk}`;
  const env = { CARRIER_PASSWORD: 'rocket-sled' };
  const site = await Site.open(context, { authority, users, routes, more, env });
  const [, contact] = await carrier.waitForLog(/register acme contact (\S+) expires 3600 certificate sbc\.test/);
  note(`registered as ${contact}`);
  const dave = await site.carrierPhone('442079460000', host);
  const bob = await site.phone(DIALLED, 'builder');

  await dave.dial(`sip:${DIALLED}@carrier.test`);
  await bob.event('CALL_ESTABLISHED');
  await dave.event('CALL_ESTABLISHED');
  await pause(3_500);
  await dave.hangup();
  await bob.event('CALL_CLOSED');
  note(`in: ${await expectTone(bob, 'bob')}; ${await expectTone(dave, 'dave')}`);

  const alice = await site.phone('alice', 'wonder');
  await alice.dial(`sip:442079460000@${DOMAIN}`);
  await alice.event('CALL_ESTABLISHED');
  await pause(3_500);
  await alice.hangup();
  await dave.event('CALL_CLOSED', 10_000, 1);
  note(`out: ${await expectTone(alice, 'alice')}; ${await expectTone(dave, 'dave', 2, 1)}`);

  await site.close({ standingTimers: 3 }); // the registration, and a connection each way
  await carrier.waitForLog(/register acme contact \S+ expires 0 /, 1_000);
  check(carrier.isRunning, 'the carrier runs');
}

const routes = `
[[route]]
from = "user"
to = "4420*"
via = "trunk:carrier"

[[route]]
from = "trunk"
to = "*"
via = "users"
`;

const trunk = `
[[trunk]]
name = "carrier"
listener = "trunks"
uri = "sip:${Lab.addressOf('outside', NUMBER)}:${CARRIER_TLS_PORT}"
certificate_name = "carrier.test"
registers = true
username = "acme"
password_env = "CARRIER_PASSWORD"
realm = "carrier.test"
`;
