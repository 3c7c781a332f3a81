// Looks after what fails slowly: certificates that expire, a disk that fills, a wall clock that jumps, workers that were lost,
// sensors of the machine, files that others may read, an old runtime.

import { X509Certificate } from 'node:crypto';
import { readFile, statfs } from 'node:fs/promises';
import type { Millis } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler, Timer } from '../../core/scheduler.ts';
import { gatherHostFacts, type HostFacts, type HostPlaces } from '../../observe/doctor/host-facts.ts';
import { hostFindings } from '../../observe/doctor/host-findings.ts';
import type { AlertSink } from '../../policy/alert.ts';

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

/** A finding must be gone for so many looks before it is told again: a sensor at its limit does not chatter. */
const looksUntilOver = 5;
const everyMinute: Millis = 60_000;
const minutesBetweenSlowLooks = 60;
/** A step of the wall clock against the monotonic one within a minute: more than a drift that is being corrected. */
const jump: Millis = 5_000;
const daysBefore = 14;
const day: Millis = 86_400_000;
/** Of the disk, and bytes: the less of the two. */
const leastFreeShare = 0.05;
const leastFreeBytes = 1_000_000_000;

export class NodeWatch {
  readonly #parts: NodeWatchParts;
  #timer: Timer;
  #minutes = 0;
  /** Wall time less monotonic time, as it was a minute ago. */
  #offset: Millis;
  #workersLost = 0;
  /** Findings about the machine that were told, and for how many looks each has been gone. */
  readonly #told = new Map<string, number>();
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
    this.#lookAtClock();
    this.#lookAtWorkers();
    void this.#lookAtHost();
    if (this.#minutes % minutesBetweenSlowLooks === 0) {
      void this.#lookAtCertificates();
      void this.#lookAtDisk();
    }
    this.#minutes += 1;
  }

  #lookAtClock(): void {
    const offset = this.#clockOffset();
    const millis = Math.round(offset - this.#offset);
    this.#offset = offset;
    if (Math.abs(millis) >= jump) this.#parts.onAlert({ kind: 'clock-jumped', millis });
  }

  #lookAtWorkers(): void {
    const lost = this.#parts.workersLost();
    const since = lost - this.#workersLost;
    this.#workersLost = lost;
    if (since > 0) this.#parts.onAlert({ kind: 'worker-lost', count: since });
  }

  /** Certificates and the disk have alerts of their own, with thresholds of their own. */
  async #lookAtHost(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { files, root, stateDirectory, gather = gatherHostFacts } = this.#parts;
    try {
      this.#judge(await gather({ root, files: files(), certificates: [], stateDirectory }));
    } catch (thrown) {
      this.#parts.logger.warn('host-unknown', { error: messageOf(thrown) });
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(facts: HostFacts): void {
    const { scheduler, onAlert } = this.#parts;
    const findings = hostFindings({ ...facts, disk: undefined }, scheduler.clock.wall());
    for (const [id, gone] of this.#told) {
      if (gone + 1 >= looksUntilOver) this.#told.delete(id);
      else this.#told.set(id, gone + 1);
    }
    for (const { id, severity, detail, remedy } of findings) {
      // A finding that becomes worse is another one.
      const key = `${severity} ${id}`;
      const isNew = !this.#told.has(key);
      this.#told.set(key, 0);
      if (isNew) onAlert({ kind: 'host', finding: id, severity, detail: `${detail}: ${remedy}` });
    }
  }

  async #lookAtCertificates(): Promise<void> {
    const { certificates, scheduler, logger, onAlert } = this.#parts;
    for (const file of certificates()) {
      try {
        const { validToDate } = new X509Certificate(await readFile(file));
        const daysLeft = Math.floor((validToDate.getTime() - scheduler.clock.wall()) / day);
        if (daysLeft < daysBefore) onAlert({ kind: 'certificate-expiring', file, daysLeft });
      } catch (thrown) {
        logger.warn('certificate-unreadable', { file, error: messageOf(thrown) });
      }
    }
  }

  async #lookAtDisk(): Promise<void> {
    const { stateDirectory: path, logger, onAlert } = this.#parts;
    try {
      const { bavail, blocks, bsize } = await statfs(path);
      const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize];
      if (freeBytes < Math.min(leastFreeBytes, totalBytes * leastFreeShare)) {
        onAlert({ kind: 'disk-low', path, freeBytes, totalBytes });
      }
    } catch (thrown) {
      logger.warn('disk-unknown', { path, error: messageOf(thrown) });
    }
  }

  #clockOffset(): Millis {
    const { clock } = this.#parts.scheduler;
    return clock.wall() - clock.now();
  }
}
