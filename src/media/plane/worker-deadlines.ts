// How long a worker may take: to start, to take a command, to come round, to end.
import type { Millis } from '../../core/clock.ts';
import type { HeartbeatDeadlines } from './heartbeat.ts';
import type { SessionCommand } from './worker-protocol.ts';

export interface WorkerDeadlines extends HeartbeatDeadlines {
  /** From start to the first command that it takes. On a machine that is short of time it takes a hundred times what it usually does. */
  readonly start: Millis;
  /** For one command to be taken, while the worker takes none, and for the answer to a query that it took. */
  readonly command: Millis;
  /** For a session of an earlier process or worker to go on: given up, its call is lost, so that a machine that is short of time gets it. */
  readonly resume: Millis;
  /** For an orderly end, before it is terminated. */
  readonly stop: Millis;
  /** The same for one that is still starting, and ends when it has. */
  readonly stopStarting: Millis;
}

export const defaultWorkerDeadlines: WorkerDeadlines = {
  start: 30_000,
  command: 2_000,
  resume: 15_000,
  late: 150,
  heartbeat: 250,
  starved: 1_000,
  stop: 1_000,
  stopStarting: 10_000,
};

/** The same for another heartbeat. */
export function deadlinesFor(heartbeat: Millis): WorkerDeadlines {
  const { late, starved } = defaultWorkerDeadlines;
  return {
    ...defaultWorkerDeadlines,
    late: Math.min(late, heartbeat),
    heartbeat,
    starved: Math.max(starved, 4 * heartbeat),
  };
}

/** How long a worker that takes nothing may leave that command untaken, and a query that it took unanswered. */
export function patienceFor(command: SessionCommand['type'], { command: usual, resume }: WorkerDeadlines): Millis {
  return command === 'resume-session' ? resume : usual;
}
