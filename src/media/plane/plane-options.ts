// What a media plane is opened with, and what each of its workers gets of that.
import type { Millis } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { DtlsIdentity } from '../dtls/identity.ts';
import { type PortRange, portShare } from './placement.ts';
import type { WorkerDeadlines } from './worker-deadlines.ts';
import type { WorkerDriver, WorkerSettings, WorkerState } from './worker-protocol.ts';
import type { StartWorker } from './worker-thread.ts';

export interface MediaPlaneOptions {
  readonly ports: PortRange;
  /** 0: one less than the cores, at least one. */
  readonly workers: number;
  readonly driver: WorkerDriver;
  /** Both directions silent for this long: a `timeout` event; 0 never. */
  readonly timeout: Millis;
  /** How long a port rests after use. */
  readonly quarantine?: Millis | undefined;
  /** RFC 2474; 46 (Expedited Forwarding) unless said otherwise. */
  readonly dscp?: number | undefined;
  readonly receiveBufferBytes?: number | undefined;
  /** Packets each way of an endpoint whose headers are noted, for captures; none unless said otherwise. */
  readonly headerPackets?: number | undefined;
  /** Media sockets of all workers together; the process's descriptor limit must allow them. */
  readonly maxSockets?: number | undefined;
  /** What workers show in DTLS; without it none is spoken. */
  readonly dtls?: DtlsIdentity | undefined;
  /** Where indices and keys outlive the process; without it no session can be resumed. */
  readonly state?: WorkerState | undefined;
  /** Another process still relays: its ledgers are left alone, and sessions are resumed when `inherit` says that they are left. */
  readonly after?: { readonly firstLedger: number } | undefined;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly deadlines?: WorkerDeadlines | undefined;
  readonly start?: StartWorker | undefined;
}

export const mediaPlaneDefaults = {
  quarantine: 30_000,
  dscp: 46,
  receiveBufferBytes: 262_144,
  maxSockets: 16_000,
  /** Before a lost worker is replaced: doubles with each loss in a row. */
  firstRestartDelay: 500,
  longestRestartDelay: 30_000,
  /** Sessions of one place move to another worker so often in so long; who ends more often takes its calls along. */
  mostMoves: 3,
  movesWithin: 60_000,
  /**
   * For a worker that is gone to end and for the reserve to be ready, before the sessions are given up. A machine on which a worker does not
   * come round is short of time, so that the reserve may need seconds to start; a call that is silent that long is better than none.
   */
  movePatience: 15_000,
  /** Ports of a process that has just ended are tried for so long, so often. */
  resumePatience: 3_000,
  resumeInterval: 50,
} as const;

/** The file of its ledger and its memory are chosen when a worker starts: one that has not ended yet keeps its own. So is whom it follows. */
export type SeatSettings = Omit<WorkerSettings, 'ledger' | 'memory' | 'follows'>;

export function seatSettings(options: MediaPlaneOptions, workers: number, index: number): SeatSettings {
  const ports = portShare(options.ports, workers, index);
  const maxSockets = Math.floor((options.maxSockets ?? mediaPlaneDefaults.maxSockets) / workers);
  return {
    index,
    driver: options.driver,
    dtls: options.dtls,
    state: options.state,
    ports,
    timeout: options.timeout,
    headerPackets: options.headerPackets ?? 0,
    quarantine: options.quarantine ?? mediaPlaneDefaults.quarantine,
    dscp: options.dscp ?? mediaPlaneDefaults.dscp,
    receiveBufferBytes: options.receiveBufferBytes ?? mediaPlaneDefaults.receiveBufferBytes,
    // Several local addresses may each use the whole range.
    maxSockets: Math.max(2, Math.min(maxSockets, 4 * (ports.last - ports.first + 1))),
  };
}
