// Mutated SIP messages over real sockets into a whole SBC that carries a call meanwhile: it must answer afterwards, not grow, and
// the call must not notice. What the mutants are is `test/fuzz/sip-message-mutation.ts`.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AttackSite } from './attack-site.ts';
import {
  type ClientAnswer,
  type ClientOrder,
  type ClientStep,
  type FuzzedTransport,
  Probe,
  patience,
} from './live-fuzz-client.ts';
import { nativeMemoryReader } from './native-memory.ts';
import type { PhoneCall } from './phone-call.ts';

export interface LiveFuzzOptions {
  readonly transport: FuzzedTransport;
  readonly messages: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface LiveFuzzOutcome {
  readonly sent: number;
  /** What grew for each 100,000 messages after the warm-up; undefined where there were too few to tell. */
  readonly growthMb: number | undefined;
  /** RTP packets that came back to the phone meanwhile. */
  readonly heard: number;
}

/** Rejects with what went wrong: no answer any more, a mistake of ours in the log, a call that fell silent. */
export async function fuzzLive({ transport, messages, seed, say }: LiveFuzzOptions): Promise<LiveFuzzOutcome> {
  const site = await AttackSite.start({ extra: tcpListener, keepLog: (line) => mistake.test(line) });
  const probe = await Probe.open(site.udp);
  const to = transport === 'udp' ? site.udp : transport === 'tls' ? site.tls : site.listening('tcp-phones');
  const client = await Client.start({ transport, to, probe: site.udp, seed });
  const native = nativeMemoryReader();
  const resident: number[] = [];
  let voice: NodeJS.Timeout | undefined;
  try {
    const alice = await site.phone('alice');
    const call = await alice.call('600').answered;
    voice = setInterval(() => void call.talk(1), voiceMillis);
    const step = Math.min(stepMessages, messages);
    let sent = 0;
    while (sent < messages) {
      const end = Math.min(messages, sent + step);
      await client.send(end - sent);
      sent = end;
      await checkUnharmed(site, probe, call);
      resident.push(residentMb());
      // Where it is tells what grew: live objects, buffers, or pages that the allocator keeps.
      const { heapUsed, external } = process.memoryUsage();
      const [whole, live, buffers] = [resident.at(-1) ?? 0, heapUsed / 1e6, external / 1e6].map((mb) => mb.toFixed(1));
      say(`${transport}: ${sent} messages, ${whole} MB resident, ${live} MB of live objects, ${buffers} MB of buffers`);
      const { usedBytes, keptBytes } = native() ?? {};
      if (usedBytes !== undefined && keptBytes !== undefined) {
        say(
          `  allocated natively: ${(usedBytes / 1e6).toFixed(1)} MB, freed and kept: ${(keptBytes / 1e6).toFixed(1)} MB`,
        );
      }
    }
    clearInterval(voice);
    const heard = call.heard.packets;
    await call.hangUp();
    return { sent, growthMb: growth(resident, step), heard };
  } finally {
    clearInterval(voice);
    client.close();
    probe.close();
    await site.close();
  }
}

const tcpListener = `
[[listener]]
name = "tcp-phones"
network = "plain"
transport = "tcp"
address = "127.0.0.1:0"`;
const stepMessages = 50_000;
const voiceMillis = 500;
/** What the log says of a mistake of ours. */
const mistake = /handling-failed|user-failed|defect|threw/;

/** The process that sends; each step resolves once the SBC has taken it. */
class Client {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(order: ClientOrder): Promise<Client> {
    const program = fileURLToPath(new URL('./live-fuzz-client.ts', import.meta.url));
    const client = new Client(fork(program, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await client.#told(order);
    return client;
  }

  send(messages: number): Promise<void> {
    return this.#told({ messages });
  }

  #told(what: ClientOrder | ClientStep): Promise<void> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const exited = (): void => reject(new Error('the client of the fuzz ended'));
      child.once('exit', exited);
      child.once('message', (answer: ClientAnswer) => {
        child.off('exit', exited);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve();
      });
      child.send(what);
    });
  }

  close(): void {
    this.#process.disconnect();
  }
}

async function checkUnharmed(site: AttackSite, probe: Probe, call: PhoneCall): Promise<void> {
  await probe.answered();
  if (site.log.length + site.faults.length > 0)
    throw new Error([...site.log, ...site.faults].join('\n').slice(0, 4_000));
  const before = call.heard.packets;
  await call.talk(20);
  const end = performance.now() + patience;
  while (call.heard.packets < before + 10) {
    if (performance.now() > end) throw new Error(`the call fell silent: ${call.heard.packets - before} of 20 packets`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function residentMb(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
  return process.memoryUsage.rss() / 1e6;
}

/** The slope of the last four fifths; fewer than 300,000 messages are all warm-up. */
function growth(resident: readonly number[], step: number): number | undefined {
  if (resident.length * step < 300_000) return undefined;
  const warm = resident.slice(Math.floor(resident.length / 5));
  const middle = (warm.length - 1) / 2;
  const mean = warm.reduce((sum, value) => sum + value, 0) / warm.length;
  const rise = warm.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const run = warm.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return (rise / run) * (100_000 / step);
}
