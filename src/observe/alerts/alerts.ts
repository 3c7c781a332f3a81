// Alerts of one node: into the log at once, gathered, kept, and sent to each receiver that wants ones of that severity.
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { Alert } from '../../policy/alert.ts';
import type { AlertDelivery } from './alert-delivery.ts';
import { AlertGatherer, type GatheringRules } from './alert-gatherer.ts';
import { isAtLeast, type Notice, type Severity } from './notice.ts';

export interface AlertsOptions {
  readonly node: string;
  readonly rules: GatheringRules;
  readonly receivers: readonly { readonly least: Severity; readonly delivery: AlertDelivery }[];
  /** Keeps what was told, for `portcullis alerts`. */
  readonly journal: AlertJournal;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
}

export interface AlertJournal {
  keep(notice: Notice): void;
}

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #gatherer: AlertGatherer;
  readonly #sending = new Set<Promise<void>>();

  constructor(options: AlertsOptions) {
    this.#options = options;
    const { node, rules, scheduler, random } = options;
    this.#gatherer = new AlertGatherer({
      node,
      rules,
      scheduler,
      random,
      onNotice: (notice) => this.#onNotice(notice),
    });
    for (const { delivery } of options.receivers) delivery.begin();
  }

  /** An `AlertSink`. */
  readonly tell = (alert: Alert): void => {
    this.#options.logger.warn('alert', { ...alert });
    this.#gatherer.take(alert);
  };

  /** What was gathered is spooled; what the receivers did not take yet waits on the disk. */
  async close(): Promise<void> {
    this.#gatherer.flush();
    await Promise.all(this.#sending);
    await Promise.all(this.#options.receivers.map(({ delivery }) => delivery.close()));
  }

  #onNotice(notice: Notice): void {
    const { journal, receivers } = this.#options;
    journal.keep(notice);
    for (const { least, delivery } of receivers) {
      if (!isAtLeast(notice.severity, least)) continue;
      const sent = delivery.send(notice).finally(() => this.#sending.delete(sent));
      this.#sending.add(sent);
    }
  }
}
