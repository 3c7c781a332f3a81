// What an operator does to a running SBC, while calls talk: another configuration, another certificate, a drain.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { CallRefused, type Phone } from '../../support/phone.ts';
import type { PhoneCall } from '../../support/phone-call.ts';
import { check, checkEqual } from '../case.ts';
import { LiveSite } from './live-site.ts';
import { Talkers } from './talkers.ts';

export interface ChangesOptions {
  readonly calls: number;
  /** Connections beside those of the phones. */
  readonly connections: number;
  /** How long the drain may take; it takes all of it, since half of the calls do not hang up. */
  readonly drainSeconds: number;
  readonly tell: (line: string) => void;
}

/** Of what all calls sent, to the echo and back. */
const mostLost = 0.001;
const callsPerUser = 10;
/** Who calls when no new call is taken. */
const lateUser = 'late';

export async function changesUnderCalls({ calls, connections, drainSeconds, tell }: ChangesOptions): Promise<void> {
  const users = Array.from({ length: Math.ceil(calls / callsPerUser) }, (_, n) => `user${n}`);
  const room = connections + 100;
  const site = await LiveSite.start({
    users: [...users, lateUser],
    calls: calls + 10,
    sbc: `drain_timeout = "${drainSeconds}s"`,
    more: `[reload]\nwatch = true\ninterval = "200ms"\n[transport]\nconnections_per_address = ${room}\nhandshakes_per_address = ${room}\nhandshake_timeout = "1m"\nfirst_message_timeout = "10m"\nunserved_timeout = "10m"\n`,
  });
  const talkers = new Talkers();
  try {
    const begin = performance.now();
    const late = await site.phone(lateUser);
    const running = await placeCalls(site, users, calls, talkers);
    const held = await hold(site, connections);
    // A client thinks that its handshake is over before the server knows of it.
    await expectAnswers(held);
    tell(`${running.length} calls and ${held.length} connections stand after ${seconds(begin)} s`);
    const ended: string[] = [];
    for (const call of running) {
      void call.ended.then(({ cause, reason = '' }) => {
        talkers.remove(call);
        ended.push(`${cause} ${reason}`);
      });
    }
    const nothingLost = (during: string): void => {
      checkEqual(ended, [], `calls that ended during ${during}`);
    };

    await measured('a reload', { running, talkers, tell }, async () => {
      const since = site.lines;
      site.editConfig((text) => text.replace(/concurrent_calls = \d+/, 'concurrent_calls = 400'));
      site.signal('SIGHUP');
      checkEqual((await site.logged('reloaded', 10_000, since))['changed'], ['limits'], 'what changed');
    });
    nothingLost('a reload');

    await measured('a watched configuration', { running, talkers, tell }, async () => {
      await pause(1_000);
      const since = site.lines;
      site.editConfig((text) => text.replace('concurrent_calls = 400', 'concurrent_calls = 401'));
      checkEqual((await site.logged('reloaded', 10_000, since))['changed'], ['limits'], 'what changed');
    });
    nothingLost('a watched configuration');

    await measured('a refused reload', { running, talkers, tell }, () => expectRefusals(site, late));
    nothingLost('a refused reload');

    await measured('a certificate', { running, talkers, tell }, async () => {
      const before = await shown(site);
      const since = site.lines;
      site.renewCertificate();
      checkEqual((await site.logged('reloaded', 10_000, since))['changed'], ['certificate of phones'], 'what changed');
      const after = await shown(site);
      check(before !== after, 'a new connection is shown the old certificate');
      await expectAnswers(held);
      checkEqual(await site.readiness(), 200, '/readyz');
    });
    nothingLost('a certificate');
    for (const { socket } of held) socket.destroy();

    await measured('a drain', { running, talkers, tell }, async () => {
      checkEqual(await site.readiness(), 200, '/readyz before');
      site.signal('SIGTERM');
      await site.logged('draining');
      checkEqual(await site.readiness(), 503, '/readyz while it drains');
      const refused = await late.call('600').answered.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      check(refused instanceof CallRefused && refused.status === 503, `a new call while it drains: ${String(refused)}`);
      check(refused.response?.headers.has('Retry-After') === true, 'the refusal says nothing of when');
      await pause((drainSeconds * 1_000) / 4);
      nothingLost('a drain');
    });
    // Half of them hang up in time; the others are ended at the deadline.
    const half = running.slice(0, Math.floor(running.length / 2));
    for (const call of half) talkers.remove(call);
    await pause(300);
    await Promise.all(half.map((call) => call.hangUp()));
    const ends = await Promise.all(running.map((call) => call.ended));
    const byThem = ends.slice(half.length).filter(({ cause }) => cause === 'bye');
    checkEqual(byThem.length, running.length - half.length, 'calls that the SBC ended at the deadline');
    checkEqual(await site.ended(), 0, 'exit code');
    const records = site.records();
    // The one that was refused has its record too.
    checkEqual(records.length, running.length + callsAfterRefusals + 1, 'call records');
    const causes = new Map<unknown, number>();
    for (const { cause } of records) causes.set(cause, (causes.get(cause) ?? 0) + 1);
    tell(`records: ${JSON.stringify(Object.fromEntries([...causes].map(([cause, count]) => [String(cause), count])))}`);
    checkEqual(causes.get('caller-hung-up'), half.length + callsAfterRefusals, 'calls that hung up in time');
  } finally {
    talkers.finish();
    await site.close();
  }
}

/** As many as are made below. */
const callsAfterRefusals = 2;

/** A file with a mistake, then a key of another certificate together with a limit that all calls are above: nothing is taken over. */
async function expectRefusals(site: LiveSite, late: Phone): Promise<void> {
  const before = await shown(site);
  const refusal = async (what: string, reason: string): Promise<void> => {
    const since = site.lines;
    site.signal('SIGHUP');
    // The watch reloads what it finds too, and may still speak of the file before.
    await site.logged('reload-refused', 10_000, since, reason);
    checkEqual(await shown(site), before, `the certificate after ${what}`);
    const call = await late.call('600').answered;
    await call.hangUp();
  };
  const limit = 'concurrent_calls = 401';
  const lower = 'total_calls = 1';
  site.editConfig((text) => text.replace(limit, 'concurrent_call = 5'));
  await refusal('a file with a mistake', 'limits.concurrent_call: ');

  // First the key: the watch must never find the limit with a pair that fits.
  const restoreKey = site.exchangeKey();
  site.editConfig((text) => text.replace('concurrent_call = 5', `${limit}\n${lower}`));
  await refusal('a key of another certificate', 'certificate and key cannot be used');

  const since = site.lines;
  site.editConfig((text) => text.replace(`\n${lower}`, ''));
  restoreKey();
  site.signal('SIGHUP');
  checkEqual((await site.logged('reloaded', 10_000, since))['changed'], [], 'what is new after what was refused');
}

/** Runs `change` while all talk, and a second before and after it; fails when more than a thousandth is lost. */
async function measured(
  what: string,
  { running, talkers, tell }: { running: readonly PhoneCall[]; talkers: Talkers; tell: (line: string) => void },
  change: () => Promise<void>,
): Promise<void> {
  const before = await talkers.settle(running);
  await pause(1_000);
  const begin = performance.now();
  await change();
  const took = seconds(begin);
  await pause(1_000);
  const after = await talkers.settle(running);
  const [sent, lost] = [after.sent - before.sent, after.lost - before.lost];
  tell(`${what}: ${took} s, ${lost} of ${sent} packets lost (${((100 * lost) / Math.max(1, sent)).toFixed(3)} %)`);
  check(sent > running.length * 25, `only ${sent} packets were sent`);
  check(lost <= sent * mostLost, `${what}: ${lost} of ${sent} packets were lost`);
}

/** Calls to the echo, some at a time; each talks as soon as it stands. */
async function placeCalls(
  site: LiveSite,
  users: readonly string[],
  calls: number,
  talkers: Talkers,
): Promise<readonly PhoneCall[]> {
  const running: PhoneCall[] = [];
  for (const user of users) {
    const phone = await site.phone(user);
    const dialled = Array.from({ length: Math.min(callsPerUser, calls - running.length) }, () => phone.call('600'));
    for (const { answered } of dialled) {
      const call = await answered;
      running.push(call);
      talkers.add(call);
    }
  }
  return running;
}

interface Held {
  readonly socket: TLSSocket;
  pongs: number;
  isClosed: boolean;
}

/** TLS connections that answer keep-alives (RFC 5626 §4.4.1) and do nothing else. */
async function hold(site: LiveSite, connections: number): Promise<readonly Held[]> {
  const held: Held[] = [];
  const atOnce = 50;
  while (held.length < connections) {
    const some = Array.from({ length: Math.min(atOnce, connections - held.length) }, () => open(site));
    for (const socket of await Promise.all(some)) {
      const one: Held = { socket, pongs: 0, isClosed: false };
      socket.on('data', () => {
        one.pongs += 1;
      });
      socket.on('close', () => {
        one.isClosed = true;
      });
      held.push(one);
    }
  }
  return held;
}

async function open(site: LiveSite): Promise<TLSSocket> {
  const { edge, authorities, serverName } = site;
  const socket = connect({ host: edge.address, port: edge.port, ca: authorities, servername: serverName });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  check(socket.authorized, `the certificate is not trusted: ${String(socket.authorizationError)}`);
  return socket;
}

/** The fingerprint of the certificate that a new connection gets. */
async function shown(site: LiveSite): Promise<string> {
  const socket = await open(site);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

async function expectAnswers(held: readonly Held[]): Promise<void> {
  const before = held.map(({ pongs }) => pongs);
  for (const { socket } of held) socket.write('\r\n\r\n');
  const silent = (): number => held.filter(({ pongs }, at) => pongs === before[at]).length;
  const deadline = performance.now() + 30_000;
  while (silent() > 0 && performance.now() < deadline) await pause(50);
  const closed = held.filter(({ isClosed }) => isClosed).length;
  checkEqual(
    [silent(), closed],
    [0, 0],
    `of ${held.length} connections, those that do not answer, and those that were closed`,
  );
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(1);
}
