// The media half of Portcullis as a process of its own, with the program's own path from SDP to socket: one worker, N calls.
//   node bench/relay/portcullis-relay.ts '{"calls":500, …}'   prints { ports: [[outside, inside], …] } and serves until SIGTERM
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { Result } from '../../src/core/result.ts';
import { SystemScheduler } from '../../src/core/scheduler.ts';
import type { MediaPlane, MediaSession } from '../../src/media/plane/media-plane.ts';
import type { MediaEvent, MediaReport } from '../../src/media/plane/messages.ts';
import { openMediaPlane } from '../../src/media/plane/open-media-plane.ts';
import { SdpLeg } from '../../src/media/sdp/sdp-leg.ts';
import { defaultSdpPolicy, type SdpPolicy } from '../../src/media/sdp/sdp-policy.ts';
import { cpuNanoseconds } from '../lib/cpu.ts';
import { parseJson } from '../lib/parse-json.ts';
import { type CallAddresses, pbxAnswer, phoneOffer } from './offers.ts';
import { suiteOf } from './packets.ts';

export interface RelayOptions extends CallAddresses {
  readonly calls: number;
  readonly outsideAddress: string;
  readonly insideAddress: string;
  /** Sessions that are opened and closed, to learn what one costs … */
  readonly sessions: number;
  /** … so many at a time, one unless said otherwise … */
  readonly atATime?: number;
  /** … and so long from one to the next, in ms, so that both threads fall asleep in between. */
  readonly gap?: number;
  /** How long ports rest, in ms; not at all unless said otherwise. */
  readonly quarantine?: number;
  readonly driver: 'auto' | 'io_uring' | 'epoll' | 'dgram';
}

const options = parseJson<RelayOptions>(process.argv[2] ?? '{}');
const common = { ...defaultSdpPolicy, allowedAddresses: 'any', suites: Object.values(suiteOf) } as const;
const inside: SdpPolicy = { ...common, encryption: 'off', secureSignalling: false };
const outside: SdpPolicy =
  options.protection === 'plain' ? inside : { ...common, encryption: 'required', secureSignalling: true };

const plane = value(
  await openMediaPlane({
    ports: { first: 20_000, last: 39_999 },
    workers: 1,
    driver: options.driver,
    timeout: 600_000,
    quarantine: options.quarantine ?? 0,
    scheduler: new SystemScheduler(systemClock, (thrown) => console.error(thrown)),
    logger: silentLogger,
  }),
);
const ports: (readonly [outside: number, inside: number])[] = [];
for (let call = 0; call < options.calls; call += 1) ports.push((await openCall(plane, options)).ports);
const sessions = await cycles(plane, options);
process.stdout.write(`${JSON.stringify({ driver: plane.workers[0]?.driver, ports, ...sessions })}\n`);
process.on('SIGTERM', () => void plane.close().then(() => process.exit(0)));

interface OpenCall {
  readonly session: MediaSession;
  readonly ports: readonly [outside: number, inside: number];
}

/** CPU of the whole process for each session, after as many that do not count. */
async function cycles(media: MediaPlane, call: RelayOptions): Promise<{ readonly sessionMicros?: number }> {
  if (call.sessions === 0) return {};
  const atATime = call.atATime ?? 1;
  const cycle = async (): Promise<void> => {
    const reports: Promise<MediaReport>[] = [];
    const one = async (): Promise<void> => {
      for (let count = 0; count < call.sessions / atATime; count += 1) {
        const { session } = await openCall(media, call);
        await turn(call.gap);
        // As in a call, nobody waits for the account.
        reports.push(session.close());
        await turn(call.gap);
      }
    };
    await Promise.all(Array.from({ length: atATime }, one));
    await Promise.all(reports);
  };
  await cycle();
  const before = cpuNanoseconds(process.pid);
  await cycle();
  return { sessionMicros: (cpuNanoseconds(process.pid) - before) / 1_000 / call.sessions };
}

function turn(gap: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (gap === undefined) setImmediate(resolve);
    else setTimeout(resolve, gap);
  });
}

async function openCall(media: MediaPlane, call: RelayOptions): Promise<OpenCall> {
  const session: MediaSession = value(media.openSession('bench', onEvent));
  const phone = new SdpLeg({ policy: outside, random: systemRandom });
  const pbx = new SdpLeg({ policy: inside, random: systemRandom });
  const offer = value(phone.receiveOffer(Buffer.from(phoneOffer(call))));
  const specs = [
    { address: call.outsideAddress, rtcpMux: false },
    { address: call.insideAddress, rtcpMux: false },
  ];
  const [a, b] = value(await session.openEndpoints(specs));
  await turn(call.gap);
  if (a === undefined || b === undefined) throw new Error('two endpoints were asked for');
  value(pbx.createOffer(offer, [{ address: call.insideAddress, rtpPort: b.rtpPort, rtcpPort: b.rtcpPort }]));
  const answer = value(pbx.receiveAnswer(Buffer.from(pbxAnswer(call))));
  phone.createAnswer(answer, [{ address: call.outsideAddress, rtpPort: a.rtpPort, rtcpPort: a.rtcpPort }]);
  phone.commit();
  pbx.commit();
  const [toPhone] = phone.remotes();
  const [toPbx] = pbx.remotes();
  if (toPhone === undefined || toPbx === undefined) throw new Error('both lines were accepted');
  session.setRemote(a.endpoint, toPhone);
  session.setRemote(b.endpoint, toPbx);
  session.join(a.endpoint, b.endpoint);
  return { session, ports: [a.rtpPort, b.rtpPort] };
}

function onEvent(event: MediaEvent): void {
  if (event.type === 'failed') throw new Error(JSON.stringify(event));
}

function value<T, E>(result: Result<T, E>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
}
