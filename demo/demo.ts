// A real call from end to end, on one machine: alice → SBC → PBX → SBC → bob, TLS with digest and SRTP outside, UDP and plain
// RTP inside. Prints the call ladder, what each side heard, and the call records. Exit status 1: no audio.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCertificates } from '../src/cli/pki/development-certificates.ts';
import { startSbc } from '../src/compose.ts';
import { formatConfigError, readConfig } from '../src/config/load.ts';
import { systemClock } from '../src/core/clock.ts';
import { messageOf } from '../src/core/errors.ts';
import { silentLogger } from '../src/core/logger.ts';
import { systemRandom, token } from '../src/core/random.ts';
import { SystemScheduler } from '../src/core/scheduler.ts';
import type { SocketAddress } from '../src/core/socket-address.ts';
import { startEmbeddedPbx } from '../src/embedded-pbx/embedded-pbx.ts';
import { createLogger } from '../src/observe/log.ts';
import { Phone } from '../test/support/phone.ts';
import type { Heard } from '../test/support/phone-media.ts';
import { Ladder, type Watcher } from './ladder.ts';

const domain = 'pbx.test';
const server = 'sbc.pbx.test';
/** 20 ms each. */
const packets = 150;
const leastHeard = 0.98;
const longestRun = 19_000;

const folder = mkdtempSync(join(tmpdir(), 'portcullis-demo-'));
setTimeout(() => fail('the demo did not end in time'), longestRun).unref();
try {
  const failed = await call();
  if (failed !== undefined) fail(failed);
} catch (thrown) {
  fail(messageOf(thrown));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What went wrong, if anything did. */
async function call(): Promise<string | undefined> {
  const scheduler = new SystemScheduler(systemClock, (thrown) => fail(messageOf(thrown)));
  const ladder = new Ladder(() => systemClock.now());
  const common = { scheduler, random: systemRandom, logger: silentLogger };
  const pbx = await startEmbeddedPbx({
    address: { address: '127.0.0.1', port: 0 },
    watch: ladder.watch('pbx'),
    ...common,
  });
  const passwords = { alice: token(systemRandom, 12), bob: token(systemRandom, 12) };
  const { authority } = writeCertificates();
  const configFile = join(folder, 'portcullis.toml');
  const source = configuration(pbx.address, passwords);
  writeFileSync(configFile, source, { mode: 0o600 });
  const config = readConfig(source, configFile);
  if (!config.ok) return config.error.map(formatConfigError).join('\n');
  const sbc = await startSbc({ configFile, config: config.value, logger: createLogger('demo', 'silent') });
  const edge = sbc.listening.find(({ name }) => name === 'phones')?.address;
  if (edge === undefined) return 'the SBC listens nowhere';
  say(`SBC at ${edge.address}:${edge.port} (TLS), PBX at ${pbx.address.address}:${pbx.address.port} (UDP)`);

  const phone = (name: Watcher & keyof typeof passwords): Promise<Phone> =>
    Phone.start({
      name,
      domain,
      password: passwords[name],
      transport: 'tls',
      sbc: edge,
      trust: { ca: authority, serverName: server },
      scheduler,
      watch: ladder.watch(name),
    });
  const alice = await phone('alice');
  const bob = await phone('bob');
  const registered = await Promise.all([alice.register(), bob.register()]);
  if (registered.some((status) => status !== 200)) return `registration failed: ${registered.join(', ')}`;

  say(`alice calls bob, and both say 440 Hz for ${packets / 50} s`);
  const dialling = alice.call('bob');
  const ring = await Promise.race([bob.nextCall(), dialling.answered.then(() => undefined)]);
  if (ring === undefined) return 'somebody answered, and it was not bob';
  const bobsEnd = await ring.answer();
  const alicesEnd = await dialling.answered;
  await Promise.all([alicesEnd.talk(packets), bobsEnd.talk(packets)]);
  // The last packets are still on their way.
  await new Promise<void>((resolve) => scheduler.after(100, resolve));
  await alicesEnd.hangUp();
  await bobsEnd.ended;
  await sbc.stop();
  await pbx.close();
  alice.close();
  bob.close();

  say('\nThe messages (ms, as the phones and the PBX saw it):\n');
  for (const line of ladder.lines()) say(line);
  say('\nThe audio:\n');
  report('alice → bob', packets, bobsEnd.heard);
  report('bob → alice', packets, alicesEnd.heard);
  say('\nThe call records, one for each of the two calls that the PBX joins:\n');
  for (const line of readFileSync(join(folder, 'var/cdr/cdr.ndjson'), 'utf8').trimEnd().split('\n'))
    say(recordText(line));
  return [alicesEnd.heard, bobsEnd.heard].every(isGood) ? undefined : 'audio did not arrive';
}

function writeCertificates(): { readonly authority: string } {
  const names = { dnsNames: [server], addresses: ['127.0.0.1'] };
  const { authority, certificate, key } = developmentCertificates(names, systemClock.wall(), systemRandom);
  writeFileSync(join(folder, 'edge.crt'), certificate);
  writeFileSync(join(folder, 'edge.key'), key, { mode: 0o600 });
  return { authority };
}

function configuration(pbx: SocketAddress, passwords: { readonly alice: string; readonly bob: string }): string {
  const firstPort = 20_000 + 200 * systemRandom.below(50);
  return `
[sbc]
name = "demo"
[[domain]]
name = "${domain}"
[[network]]
name = "outside"
media = [{ address = "127.0.0.1" }]
encryption = "required"
allow_loopback_media = true
[[network]]
name = "inside"
media = [{ address = "127.0.0.1" }]
encryption = "off"
allow_loopback_media = true
[[listener]]
name = "phones"
network = "outside"
transport = "tls"
address = "127.0.0.1:0"
certificate = "edge.crt"
key = "edge.key"
[[listener]]
name = "to-pbx"
network = "inside"
transport = "udp"
address = "127.0.0.1:0"
[[pbx]]
name = "main"
listener = "to-pbx"
uri = "sip:${pbx.address}:${pbx.port}"
accept_from = ["127.0.0.1"]
[media]
ports = "${firstPort}-${firstPort + 199}"
workers = 1
[[user]]
name = "alice"
password = "${passwords.alice}"
[[user]]
name = "bob"
password = "${passwords.bob}"
[admin]
socket = "var/admin.sock"
`;
}

function report(way: string, sent: number, heard: Heard): void {
  const { tone, meanOpinionScore, jitter, lost } = heard;
  say(
    `  ${way}: ${sent} packets sent, ${heard.packets} heard, ${lost} lost, jitter ${jitter.toFixed(1)} ms, ` +
      `MOS ${meanOpinionScore.toFixed(2)}, 440 Hz at ${tone.decibels.toFixed(1)} dB`,
  );
}

/** A call record is one line of JSON; for people, a field a line, and an entry of a list a line. */
function recordText(line: string): string {
  const record: unknown = JSON.parse(line);
  if (typeof record !== 'object' || record === null) return line;
  const rows = Object.entries(record).map(([name, value]: readonly [string, unknown]) => {
    if (!Array.isArray(value)) return `  ${name.padEnd(10)} ${JSON.stringify(value)}`;
    const entries = value.map((entry: unknown) => JSON.stringify(entry)).join(`\n${' '.repeat(13)}`);
    return `  ${name.padEnd(10)} ${entries}`;
  });
  return `${rows.join('\n')}\n`;
}

function isGood({ packets: heard, tone }: Heard): boolean {
  return heard >= packets * leastHeard && tone.share > 0.9;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(reason: string): void {
  rmSync(folder, { recursive: true, force: true });
  process.stderr.write(`demo failed: ${reason}\n`);
  process.exit(1);
}
