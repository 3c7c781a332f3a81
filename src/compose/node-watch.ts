// Looks after what fails slowly: certificates that expire, a disk that fills, a wall clock that jumps, workers that were lost.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Millis } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Scheduler, Timer } from '../core/scheduler.ts';
import type { AlertSink } from '../policy/alert.ts';

export interface NodeWatchParts {
  /** Certificate files in use now, absolute. */
  readonly certificates: () => readonly string[];
  readonly stateDirectory: string;
  /** Media workers that were lost since the start. */
  readonly workersLost: () => number;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly onAlert: AlertSink;
}

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
    if (this.#minutes % minutesBetweenSlowLooks === 0) {
      this.#lookAtCertificates();
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

  #lookAtCertificates(): void {
    const { certificates, scheduler, logger, onAlert } = this.#parts;
    for (const file of certificates()) {
      try {
        const { validToDate } = new X509Certificate(readFileSync(file));
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
