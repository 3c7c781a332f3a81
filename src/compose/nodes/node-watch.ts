// Looks after what fails slowly: certificates that expire, a disk that fills, a wall clock that jumps, workers that were lost,
// sensors of the machine, files that others may read, an old runtime. What stays is told once, and again after it was gone for five minutes.
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { gatherHostFacts, type HostFacts, type HostPlaces } from '../../observe/doctor/host-facts.ts';
import { daysBefore, daysLeft, hostFindings, isNearlyFull } from '../../observe/doctor/host-findings.ts';
import type { Alert, AlertSink } from '../../policy/alert.ts';
import { type Seen, ToldOnce } from './told-once.ts';

export interface NodeWatchParts {
  /** Certificate files in use now, absolute. */
  readonly certificates: () => readonly string[];
  readonly stateDirectory: string;
  /** Files that must not be read by others, absolute. */
  readonly files: () => HostPlaces['files'];
  /** Where `/sys` and `/proc` are. */
  readonly root: string;
  /** Media workers that were lost since the start. */
  readonly workersLost: () => number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onAlert: AlertSink;
  /** Absent: reads the machine, off this thread. */
  readonly gather?: typeof gatherHostFacts;
}

/** A finding must be gone for so many looks before it is told again. */
const looksUntilOver = 5;
const everyMinute: Millis = 60_000;
/** A step of the wall clock against the monotonic one within a minute: more than a drift that is being corrected. */
const jump: Millis = 5_000;

export class NodeWatch {
  readonly #parts: NodeWatchParts;
  #timer: Timer;
  /** Wall time less monotonic time, as it was a minute ago. */
  #offset: Millis;
  #workersLost = 0;
  /** What happened within a minute, and how the machine is: each looked at by itself, since a disk may take its time. */
  readonly #happened = new ToldOnce(looksUntilOver);
  readonly #found = new ToldOnce(looksUntilOver);
  /** A disk that is slow gets no second question. */
  #isLooking = false;

  constructor(parts: NodeWatchParts) {
    this.#parts = parts;
    this.#offset = this.#clockOffset();
    this.#timer = parts.scheduler.after(0, () => this.#look());
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    this.#timer = this.#parts.scheduler.after(everyMinute, () => this.#look());
    this.#happened.look(new Map([...this.#clockJump(), ...this.#lostWorkers()]));
    void this.#lookAtHost();
  }

  /** A clock that goes on jumping the same way is one finding. */
  #clockJump(): Seen {
    const offset = this.#clockOffset();
    const millis = Math.round(offset - this.#offset);
    this.#offset = offset;
    if (Math.abs(millis) < jump) return new Map();
    return this.#seen(millis > 0 ? 'clock ahead' : 'clock back', { kind: 'clock-jumped', millis });
  }

  /** Another number of them is another finding. */
  #lostWorkers(): Seen {
    const lost = this.#parts.workersLost();
    const count = lost - this.#workersLost;
    this.#workersLost = lost;
    return count > 0 ? this.#seen(`workers ${count}`, { kind: 'worker-lost', count }) : new Map();
  }

  async #lookAtHost(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { files, root, stateDirectory, gather = gatherHostFacts } = this.#parts;
    const certificates = this.#parts.certificates();
    try {
      const facts = await gather({ root, files: files(), certificates, stateDirectory });
      this.#found.look(
        new Map([...this.#hostSeen(facts), ...this.#certificatesSeen(certificates, facts), ...this.#diskSeen(facts)]),
      );
    } catch (thrown) {
      this.#parts.logger.warn('host-unknown', { error: messageOf(thrown) });
    } finally {
      this.#isLooking = false;
    }
  }

  /** Certificates and the disk have alerts of their own. A finding that becomes worse is another one. */
  #hostSeen(facts: HostFacts): Seen {
    const findings = hostFindings({ ...facts, certificates: [], disk: undefined }, this.#parts.scheduler.clock.wall());
    return new Map(
      findings.flatMap(({ id, severity, detail, remedy }) => [
        ...this.#seen(`${severity} ${id}`, {
          kind: 'host',
          finding: id,
          severity,
          detail: `${detail}: ${remedy}`,
        }),
      ]),
    );
  }

  /** With each day that less is left it is another finding. */
  #certificatesSeen(files: readonly string[], { certificates }: HostFacts): Seen {
    const { scheduler, logger } = this.#parts;
    const seen = new Map<string, () => void>();
    for (const file of files) {
      const known = certificates.find((one) => one.file === file);
      if (known === undefined) {
        seen.set(`unreadable ${file}`, () => logger.warn('certificate-unreadable', { file }));
        continue;
      }
      const left = daysLeft(known.validUntil, scheduler.clock.wall());
      if (left >= daysBefore) continue;
      const alert: Alert = { kind: 'certificate-expiring', file, daysLeft: left };
      for (const [key, tell] of this.#seen(`certificate ${file} ${left}`, alert)) seen.set(key, tell);
    }
    return seen;
  }

  #diskSeen({ disk }: HostFacts): Seen {
    const { logger, stateDirectory: path } = this.#parts;
    if (disk === undefined) return new Map([[`disk ${path} unknown`, () => logger.warn('disk-unknown', { path })]]);
    return isNearlyFull(disk) ? this.#seen(`disk ${disk.path}`, { kind: 'disk-low', ...disk }) : new Map();
  }

  #seen(key: string, alert: Alert): Seen {
    return new Map([[key, () => this.#parts.onAlert(alert)]]);
  }

  #clockOffset(): Millis {
    const { clock } = this.#parts.scheduler;
    return clock.wall() - clock.now();
  }
}
