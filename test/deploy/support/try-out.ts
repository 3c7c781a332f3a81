// The site that `portcullis init` writes, on free ports of loopback, run by whichever command is to be tried: as whoever just
// installed it does, and called by a phone of our own.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../src/core/clock.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { SystemScheduler } from '../../../src/core/scheduler.ts';
import type { SocketAddress } from '../../../src/core/socket-address.ts';
import { check, checkEqual } from '../../native/case.ts';
import { freePort } from '../../support/free-ports.ts';
import { Phone } from '../../support/phone.ts';

export interface TryOut {
  readonly edge: SocketAddress;
  /** `http://ADDRESS:PORT` of /healthz, /readyz and /metrics. */
  readonly admin: string;
  /** Of alice, who is a user. */
  readonly password: string;
  /** PEM of the authority that vouches for the SBC. */
  readonly authority: string;
}

const loopback = '127.0.0.1';
const mediaPorts = 200;

/** Moves the site of `file`, as `init` wrote it, to free ports of loopback. `[admin]` gets an address; `more` is put in front. */
export async function moveToLoopback(file: string, more = ''): Promise<TryOut> {
  const [edge, admin, inside] = [await freePort(), await freePort(), await freePort()];
  const first = 40_000 + mediaPorts * systemRandom.below(90);
  const source = [
    [/address = "[^"]*:5061"\nadvertise = .*\n/, `address = "${loopback}:${edge}"\n`],
    [/127\.0\.0\.1:5080/, `${loopback}:${inside}`],
    [/media = \[\{ address = "[^"]*" \}\]/, `media = [{ address = "${loopback}" }]`],
    [/# address = "127\.0\.0\.1:8080".*/, `address = "${loopback}:${admin}"`],
  ] as const;
  let text = readFileSync(file, 'utf8');
  for (const [pattern, replacement] of source) {
    check(pattern.test(text), `${file} has nothing like ${String(pattern)}`);
    text = text.replace(pattern, replacement);
  }
  const media = `[media]\nports = "${first}-${first + mediaPorts - 1}"\nworkers = 1\n`;
  writeFileSync(file, `${more}${text}\n${media}`, { mode: 0o600 });
  const password = /name = "alice"\npassword = "([^"]+)"/.exec(text)?.[1];
  check(password !== undefined, 'init made no user alice');
  return {
    edge: { address: loopback, port: edge },
    admin: `http://${loopback}:${admin}`,
    password,
    authority: readFileSync(join(dirname(file), 'certs', 'dev-ca.crt'), 'utf8'),
  };
}

/** Resolves when the process says that it is ready; rejects with what it said when it ends before. */
export async function ready(child: ChildProcess): Promise<void> {
  process.once('exit', () => child.kill('SIGKILL'));
  const said: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  if (child.stdout === null) throw new Error('its output is not read');
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (line.includes('"ready"')) {
      child.stdout.resume();
      return;
    }
  }
  throw new Error(`it did not start: ${said.join('\n')}`);
}

/** Alice registers and calls 600, which echoes; fails unless she hears what she says. Resolves with what was measured, in words. */
export async function echoCall({ edge, password, authority }: TryOut): Promise<string> {
  const scheduler = new SystemScheduler(systemClock, (thrown) => {
    throw thrown;
  });
  const phone = await Phone.start({
    name: 'alice',
    domain: 'pbx.test',
    password,
    transport: 'tls',
    sbc: edge,
    trust: { ca: authority, serverName: 'pbx.test' },
    scheduler,
  });
  checkEqual(await phone.register(), 200, 'registration');
  const call = await phone.call('600').answered;
  await call.talk(50);
  await new Promise<void>((resolve) => scheduler.after(200, resolve));
  const { packets, meanOpinionScore, tone } = call.heard;
  check(packets >= 48 && tone.share > 0.9, `of 50 packets ${packets} came back, ${tone.share} of them the tone`);
  await call.hangUp();
  phone.close();
  return `a call over TLS and SRTP: ${packets} of 50 packets came back, MOS ${meanOpinionScore.toFixed(2)}`;
}

/** SIGTERM; fails unless the process ends well by itself. */
export async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  checkEqual(await ended, [0, null], 'how it ended on SIGTERM');
}
