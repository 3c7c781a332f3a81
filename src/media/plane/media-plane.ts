// What the rest of the program sees of the media workers: sessions of endpoints that are opened, joined, and closed.
// `open-media-plane.ts` has the implementation; tests of others put a fake in its place.
import type { Millis } from '../../core/clock.ts';
import type { Result } from '../../core/result.ts';
import type { Fingerprint } from '../dtls/fingerprint.ts';
import type { MediaSnapshot } from './media-snapshot.ts';
import type {
  DropReason,
  EndpointRemote,
  EndpointSpec,
  MediaError,
  MediaEvent,
  MediaReport,
  OpenedEndpoint,
  TrafficCount,
} from './messages.ts';

export interface MediaPlane {
  /** A session on the least loaded worker. `label` goes into its logs only. */
  openSession(label: string, onEvent: (event: MediaEvent) => void): Result<MediaSession, MediaError>;
  /** Goes on with a session of another process or worker: the same ports, keys and peers. Only with `state`. */
  resumeSession(
    label: string,
    snapshot: MediaSnapshot,
    onEvent: (event: MediaEvent) => void,
  ): Promise<Result<MediaSession, MediaError>>;
  /** Of the certificate that every worker shows in DTLS; undefined when one of them cannot. */
  readonly fingerprint: Fingerprint | undefined;
  readonly portsInUse: number;
  readonly activeSessions: number;
  readonly workers: readonly MediaWorkerStatus[];
  stats(): MediaTotals;
  /** Gives back what is held ready for calls to come: ports that are bound ahead, and sockets of calls that have ended. */
  closeIdle(): void;
  /** Workers without a session give back what their start has left. One that is opened meanwhile waits, some 50 ms on an idle machine. */
  settle(): void;
  /** Ends every worker. Sessions that are still open get a `lost` event. */
  close(): Promise<void>;
}

/** Two processes at a time, each with more numbers of ledgers than it ever has workers, those that are ending included. */
export const ledgersOfProcess = 256;

/** How the sessions of a plane become those of another process's. */
export interface MediaHandover {
  /** Where the numbers of its ledgers begin: those of the process that follows begin elsewhere. */
  readonly firstLedger: number;
  /** Sessions whose last state does not hold yet all that they were told. */
  readonly behind: number;
  /**
   * Nothing is relayed any more: the sessions are another process's, which goes on from the last state of each, or wait for
   * `reclaim`. Nobody is told of events until then. Their sockets are closed unless they are to be kept. Rejects with SbcError
   * `media-not-released`; `reclaim` follows then too.
   */
  release(keepsSockets: boolean): Promise<LeftMedia>;
  /** Goes on after `release`. Sessions that cannot get a `lost` event. */
  reclaim(): Promise<void>;
  /**
   * What another process has released is there: sessions that wait in `resumeSession` go on. Resolves when each does, or cannot. Only
   * with `after`.
   */
  inherit(left: LeftMedia): Promise<void>;
}

/** What a process leaves whose sessions go on in another. */
export interface LeftMedia {
  /** Open sockets, in this process. Empty: the ports are free to be bound. */
  readonly descriptors: readonly number[];
  /** The files of the state folder that its workers wrote their indices to. */
  readonly ledgers: readonly number[];
}

/**
 * One call's media. What it is told is carried out in order, and nobody waits for it: what fails is a `failed` event, and so is what the
 * worker does not take in time. What it is asked has a deadline and answers with a value or a `MediaError`.
 */
export interface MediaSession {
  readonly id: string;
  /** All of them or none. Settled at once, where the worker has bound ports ahead; with DTLS when it knows of the endpoints. */
  openEndpoints(specs: readonly EndpointSpec[]): Promise<Result<readonly OpenedEndpoint[], MediaError>>;
  /** Replaces what is known of the peer. The same key again keeps roll-over counters and replay state. */
  setRemote(endpoint: number, remote: EndpointRemote): void;
  /** Relays both ways between a and b. An endpoint has one partner at most: joining again replaces it. */
  join(a: number, b: number): void;
  closeEndpoints(endpoints: readonly number[]): void;
  /** No `timeout` event while paused (hold). */
  pauseTimeout(paused: boolean): void;
  /**
   * What another process needs to go on, as its worker told it last: a `MediaSnapshot` as JSON, the keys sealed. It follows a change
   * within 50 ms. Undefined before the first endpoint, and always without `state`.
   */
  readonly state: string | undefined;
  /** The same, asked for now. */
  snapshot(): Promise<Result<MediaSnapshot, MediaError>>;
  /** The account until now; an empty one when the worker was lost. */
  report(): Promise<MediaReport>;
  /** Idempotent: every call returns the same report, within 100 ms or so; an empty one when the worker was lost. */
  close(): Promise<MediaReport>;
}

export interface MediaWorkerStatus {
  readonly index: number;
  readonly alive: boolean;
  /** `io_uring`, `epoll` or `dgram`; undefined before it started. */
  readonly driver: string | undefined;
  /** `openssl` or `node`. */
  readonly cipher: string | undefined;
  readonly sessions: number;
  readonly portsInUse: number;
  /** On a processor since its thread began; undefined where the kernel does not tell, or there is no thread now. */
  readonly ran: Millis | undefined;
  /** RTP that it has received and sent since it began, at most a second old. */
  readonly packets: number;
  /** Packets that it did not relay, for whatever reason. */
  readonly dropped: number;
}

/** Totals of all workers since start, at most a second old. */
export interface MediaTotals {
  readonly received: TrafficCount;
  readonly sent: TrafficCount;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Packets and commands that met a mistake of our own; each is an error in the log. */
  readonly faults: number;
  readonly sessionsOpened: number;
  readonly sessionsLost: number;
  readonly workersLost: number;
}
