// The commands, replies and reports between the plane (main thread) and one worker. Structured-clone safe, typed both ways.
import type { MessagePort } from 'node:worker_threads';
import type { Millis } from '../../core/clock.ts';
import type { DtlsIdentity } from '../dtls/identity.ts';
import type { MediaSnapshot } from './media-snapshot.ts';
import type {
  DropReason,
  EndpointRemote,
  MediaError,
  MediaEvent,
  MediaReport,
  OpenedEndpoint,
  PortPlace,
  TrafficCount,
} from './messages.ts';

export type WorkerDriver = 'auto' | 'io_uring' | 'epoll' | 'dgram';

/** What a worker is started with. */
export interface WorkerSettings {
  readonly index: number;
  /** Which file of the state folder it writes its indices to; no other worker that runs has it. */
  readonly ledger: number;
  readonly driver: WorkerDriver;
  /** Both ends included; no other worker has any of them. */
  readonly ports: { readonly first: number; readonly last: number };
  readonly timeout: Millis;
  /** Packets each way of an endpoint whose headers are noted. */
  readonly headerPackets: number;
  readonly quarantine: Millis;
  readonly dscp: number;
  readonly receiveBufferBytes: number;
  /** Sockets at a time; the worker's memory is sized by it. */
  readonly maxSockets: number;
  /** What it shows in DTLS; undefined: DTLS is not spoken. */
  readonly dtls?: DtlsIdentity | undefined;
  /** Where indices and keys outlive the process; undefined: they do not. */
  readonly state?: WorkerState | undefined;
  /** Of a `MemoryRecord`: the packet memory of workers whose threads are over, which this one goes on with. */
  readonly memory: SharedArrayBuffer;
  /** Whose sessions it goes on with; undefined: with none. It rehearses that before it is ready. */
  readonly follows?: WorkerFollows | undefined;
}

/**
 * `process`: what it is to resume comes before its sockets do, and waits for `succeed`. `worker`: it waits in reserve, and everything comes
 * after `succeed`.
 */
export type WorkerFollows = 'process' | 'worker';

export interface WorkerState {
  readonly folder: string;
  /** Seals keys in snapshots. */
  readonly sealingKey: Uint8Array;
}

/** The `workerData` of a media worker. */
export interface WorkerBoot {
  readonly port: MessagePort;
  readonly settings: WorkerSettings;
  /** `sharedWords` of 32 bits, for the main thread to read without asking. */
  readonly shared: SharedArrayBuffer;
  /** Of `KeySlots`: keys on their way to it. */
  readonly keys: SharedArrayBuffer;
  /** What a `DescriptorLedger` for `maxSockets` sockets is kept in. */
  readonly descriptors: SharedArrayBuffer;
}

export const sharedWords = {
  /** Grows while the worker's loop runs. */
  beats: 0,
  /** The number of the last command that it took, modulo 2^32. */
  taken: 1,
  count: 2,
} as const;

/** What a worker that has no sessions yet needs to go on with those of one that has ended. */
export interface Succession {
  readonly ports: WorkerSettings['ports'];
  /** The files that it wrote its indices to; several where a whole process went before. */
  readonly ledgers: readonly number[];
  /** Its `DescriptorLedger`; undefined where its sockets are closed. */
  readonly descriptors: SharedArrayBuffer | undefined;
}

export type SessionCommand =
  | { readonly type: 'open-session' }
  /** At places that were granted, or that the session had at another worker. */
  | { readonly type: 'open-endpoints'; readonly endpoints: readonly OpenedEndpoint[] }
  | { readonly type: 'set-remote'; readonly endpoint: number; readonly remote: EndpointRemote }
  | { readonly type: 'join'; readonly a: number; readonly b: number }
  | { readonly type: 'close-endpoints'; readonly endpoints: readonly number[] }
  | { readonly type: 'pause-timeout'; readonly isPaused: boolean }
  | { readonly type: 'report' }
  | { readonly type: 'snapshot' }
  /** Opens the session as it was. */
  | { readonly type: 'resume-session'; readonly snapshot: MediaSnapshot }
  | { readonly type: 'close-session' };

/**
 * What asks for something is answered by one reply with its id. Of all others nothing is heard but `refused`, and that they were taken:
 * `sharedWords`.
 */
export interface WorkerCommand {
  readonly id: number;
  readonly session: number;
  readonly command: SessionCommand;
}

export type SessionQuery = Extract<
  SessionCommand,
  { readonly type: 'report' | 'snapshot' | 'resume-session' | 'close-session' }
>;

/** True for a command that a reply follows. */
export function isQuery(command: SessionCommand): command is SessionQuery {
  return ['report', 'snapshot', 'resume-session', 'close-session'].includes(command.type);
}

/** Ports that the main thread wants to give out by itself. */
export interface PortRequest {
  readonly address: string;
  readonly rtcpMux: boolean;
  readonly count: number;
  /** So many of them somebody waits for. */
  readonly needed: number;
}

export type WorkerRequest =
  | WorkerCommand
  /** Answered by `granted`. */
  | { readonly type: 'grant-ports'; readonly request: PortRequest }
  /** Granted, and not wanted any more. */
  | { readonly type: 'return-ports'; readonly places: readonly PortPlace[] }
  /** Close what no session has and what is not granted. */
  | { readonly type: 'close-idle' }
  /** Collect what the start has left, unless there is a session. The loop stands still meanwhile; answered by `settled`. */
  | { readonly type: 'settle' }
  /** Sessions of another worker follow by `resume-session`, on the sockets that it left. */
  | { readonly type: 'succeed'; readonly succession: Succession }
  /** Ends as if it were lost, but for what was on its way: its sockets stay, and its sessions go on elsewhere. */
  | { readonly type: 'leave' }
  | { readonly type: 'stop' };

/** How far a session had come: what another worker goes on from. */
export interface SessionState {
  readonly session: number;
  /** The last command that it was made of. */
  readonly covers: number;
  /** A `MediaSnapshot` as JSON. */
  readonly snapshot: string;
}

export type CommandOutcome =
  | { readonly type: 'done' }
  | { readonly type: 'report'; readonly report: MediaReport }
  | { readonly type: 'snapshot'; readonly snapshot: MediaSnapshot }
  | { readonly type: 'error'; readonly error: MediaError };

export interface DriverProbe {
  readonly driver: string;
  readonly usable: boolean;
  readonly reason?: string | undefined;
}

export interface WorkerReady {
  readonly type: 'ready';
  readonly driver: string;
  readonly cipher: string;
  /** Why DTLS is not spoken; undefined when it is. */
  readonly withoutDtls?: string | undefined;
  /** Why indices are not written down; undefined when they are. */
  readonly withoutLedger?: string | undefined;
  /** Of one that follows: what its rehearsal came to, or why there was none. */
  readonly rehearsal?: { readonly took: Millis; readonly packets: number } | string | undefined;
  /** How to interrupt its loop: write 8 bytes to an eventfd, or just post a message. */
  readonly wake: { readonly kind: 'eventfd'; readonly fd: number } | { readonly kind: 'message' };
  readonly probes: readonly DriverProbe[];
  /** Its number in the kernel, by which its share of the processor is known; undefined where there is no `/proc`. */
  readonly thread?: number | undefined;
}

export interface WorkerStats {
  readonly received: TrafficCount;
  readonly sent: TrafficCount;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly sessions: number;
  readonly portsInUse: number;
  /** Packets and commands that met a mistake of our own. */
  readonly faults: number;
  /** The driver's own counters. */
  readonly io: Readonly<Record<string, number>>;
}

export type WorkerMessage =
  | WorkerReady
  /** It cannot start; nothing follows. */
  | { readonly type: 'failed'; readonly detail: string }
  /** A packet or command threw; the worker goes on. At most one a second. */
  | { readonly type: 'fault'; readonly detail: string }
  | { readonly type: 'reply'; readonly id: number; readonly outcome: CommandOutcome }
  /** A command that is not answered failed; nothing was changed by it. */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly session: number;
      readonly command: SessionCommand['type'];
      readonly error: MediaError;
    }
  /** For one `grant-ports`: perhaps fewer, and then why. */
  | {
      readonly type: 'granted';
      readonly request: PortRequest;
      readonly places: readonly PortPlace[];
      readonly error?: MediaError | undefined;
    }
  | { readonly type: 'event'; readonly session: number; readonly event: MediaEvent }
  /** Sessions that have changed, with a state folder only. */
  | { readonly type: 'states'; readonly states: readonly SessionState[] }
  | { readonly type: 'stats'; readonly stats: WorkerStats }
  | { readonly type: 'settled' }
  /** The last after `leave`. */
  | { readonly type: 'left' };
