// How a running SBC becomes another process's, and goes on with that of one before: what there is of it for `handover`.
import type { Config } from '../config/schema.ts';
import type { Millis } from '../core/clock.ts';
import { messageOf, SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SystemScheduler } from '../core/scheduler.ts';
import { openReceiver, openSender, preparePassing } from '../handover/descriptors.ts';
import type { Formats, PassedListener } from '../handover/messages.ts';
import { type Heritage, Predecessor } from '../handover/predecessor.ts';
import { Successor } from '../handover/successor.ts';
import type { MediaHandover } from '../media/plane/media-plane.ts';
import { mediaSnapshotVersion } from '../media/plane/media-snapshot.ts';
import type { Stores } from '../store/stores.ts';
import type { SupervisorChannel } from '../supervisor/channel.ts';
import { version } from '../version.ts';
import { keptCallVersion } from './keeping/kept-call-text.ts';
import type { SharedSite } from './nodes/shared-site.ts';
import type { Faces } from './operation/operator-faces.ts';
import type { Signalling } from './signalling/signalling.ts';

const formats: Formats = { call: keptCallVersion, media: mediaSnapshotVersion };

/** Calls that are ended for the sake of an upgrade are over within this. */
const endPatience: Millis = 500;
/** A worker tells within 50 ms what a session was told; what it has not told is told again by who resumes the call. */
const statePatience: Millis = 200;
const settleInterval: Millis = 10;

export interface HandingOverParts {
  readonly config: () => Config;
  readonly signalling: Signalling;
  readonly media: MediaHandover;
  /** Of calls: nothing of theirs fires while they change hands. */
  readonly scheduler: SystemScheduler;
  readonly background: SystemScheduler;
  readonly admin: Pick<Faces, 'listen' | 'close' | 'signedIn'>;
  /** Resolves when every record of a call that is over, and every call that runs, is kept; calls are held meanwhile, unless it is not wanted any more. */
  readonly flush: (isWanted: () => boolean) => Promise<void>;
  /** Of this machine: what they are kept in is open when all that was put is written. */
  readonly own: Pick<Stores, 'flush'>;
  /** Undefined: this node stands alone. */
  readonly shared: Pick<SharedSite, 'handOver' | 'carryOn'> | undefined;
  readonly logger: Logger;
}

export function heritageOf(parts: HandingOverParts): Heritage {
  const { config, signalling, media, scheduler, background, admin, flush, own, shared } = parts;
  let isReleased = false;
  /** A freeze that took too long was undone: what is left of it must hold nothing any more. */
  let freezes = 0;
  return {
    firstLedger: media.firstLedger,
    formats,
    get listeners() {
      return config().listener.map(({ name, transport }) => ({
        name,
        isDatagram: transport === 'udp',
        address: signalling.transports.boundTo(name),
      }));
    },
    prepare: () => own.flush(),
    settle: async (patience) => {
      await settle(signalling, patience, background);
      await until(() => media.behind === 0, statePatience, background);
    },
    signedIn: () => admin.signedIn(),
    stay: () => signalling.b2bua.pause(false),
    freeze: async () => {
      freezes += 1;
      const freeze = freezes;
      const isWanted = (): boolean => freeze === freezes;
      isReleased = false;
      scheduler.hold();
      signalling.hold();
      await admin.close();
      if (isWanted()) await flush(isWanted);
      if (isWanted()) await shared?.handOver(isWanted);
    },
    release: (keepsSockets) => {
      isReleased = true;
      return media.release(keepsSockets);
    },
    thaw: async (listeners) => {
      freezes += 1;
      const relaying = isReleased ? media.reclaim() : Promise.resolve();
      await shared?.carryOn();
      await signalling.carryOn(listeners);
      scheduler.release();
      await relaying;
      await admin.listen();
    },
  };
}

/** The side of the process that serves. `end` is told how the process ends when it has nothing to serve any more. */
export function predecessorOn(
  channel: SupervisorChannel,
  parts: HandingOverParts,
  { refusal, end }: { readonly refusal: () => string | undefined; readonly end: (code: number) => void },
): Predecessor {
  void preparePassing();
  const predecessor = new Predecessor({
    program: version,
    heritage: heritageOf(parts),
    openSender,
    tellSuccessor: (message) => channel.send({ type: 'peer', message }),
    tellSpare: (message) => channel.send({ type: 'spare', message }),
    abandon: (successor, reason) => {
      channel.send({ type: 'abandon', reason });
      endProcess(successor);
    },
    onTakenOver: () => end(0),
    onBroken: () => end(1),
    scheduler: parts.background,
    logger: parts.logger,
  });
  channel.listen((message) => {
    const reason = message.type === 'successor' ? refusal() : undefined;
    if (reason === undefined) predecessor.hear(message);
    else channel.send({ type: 'abandon', reason });
  });
  return predecessor;
}

/** The side of the process that takes another one's place. */
function successorOn(channel: SupervisorChannel): Successor {
  const successor = new Successor({
    program: version,
    formats,
    openReceiver,
    tellPredecessor: (message) => channel.send({ type: 'peer', message }),
    onPrepared: channel.role === 'spare' ? () => channel.send({ type: 'prepared' }) : undefined,
  });
  channel.listen((message) => successor.hear(message));
  channel.send({ type: 'up' });
  return successor;
}

/** Starts a process that takes another one's place. Rejects, and has told the other one why, where it cannot. */
export async function succeed(
  channel: SupervisorChannel,
  start: (before: Successor) => Promise<boolean>,
): Promise<boolean> {
  const before = successorOn(channel);
  try {
    const gone = channel.gone.then(() => Promise.reject(new SbcError('supervisor-gone', 'the supervisor is gone')));
    const isStarted = await Promise.race([start(before), gone]);
    before.close();
    return isStarted;
  } catch (thrown) {
    before.close(messageOf(thrown));
    throw thrown;
  }
}

/** True for a socket that a listener of the configuration would bind. */
export function isListenerOf(config: Config): (passed: PassedListener) => boolean {
  return ({ name, address, port }) =>
    config.listener.some((one) => {
      const isThere = one.address.port === port || one.address.port === 0;
      return one.name === name && one.address.address === address && isThere;
    });
}

/** Calls that ring may be answered, or not, within `patience`; then they are ended, and for that moment no other one begins. */
async function settle({ b2bua }: Signalling, patience: Millis, scheduler: SystemScheduler): Promise<void> {
  const isSettled = (): boolean => b2bua.unsettled === 0;
  if (await until(isSettled, patience, scheduler)) return;
  b2bua.pause(true);
  b2bua.endUnanswered();
  await until(isSettled, endPatience, scheduler);
}

/** False when it did not come to that. */
async function until(isDone: () => boolean, patience: Millis, scheduler: SystemScheduler): Promise<boolean> {
  const end = scheduler.clock.now() + patience;
  while (!isDone() && scheduler.clock.now() < end) {
    await new Promise<void>((resolve) => scheduler.after(settleInterval, resolve));
  }
  return isDone();
}

/** The supervisor does so too; should it not, two processes must not read one socket. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, which is what was wanted.
  }
}
