// Who hears of what happens: receivers of alerts, and the files of call records.
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import { systemRandom } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { AlertJournal, Alerts } from '../../observe/alerts/alerts.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { CallRecords } from '../keeping/call-records.ts';
import { openAlerts } from './alerting.ts';

export interface TellingParts {
  readonly config: Config;
  readonly environment: NodeJS.ProcessEnv;
  readonly stateDir: string;
  readonly journal: AlertJournal;
  readonly scheduler: Scheduler;
  readonly background: Scheduler;
  readonly logger: Logger;
  /** Undefined as long as there are none. */
  readonly metrics: () => Metrics | undefined;
}

export function openTelling(parts: TellingParts): { readonly alerts: Alerts; readonly records: CallRecords } {
  const { config, environment, stateDir, journal, scheduler, background, logger, metrics } = parts;
  const alerts = openAlerts({
    config,
    environment,
    directory: join(stateDir, 'alerts'),
    journal,
    scheduler: background,
    random: systemRandom,
    logger,
    onLost: (count) => metrics()?.alertsLost(count),
  });
  const records = new CallRecords({
    config,
    directory: join(stateDir, 'cdr'),
    scheduler,
    logger,
    onLost: () => {
      metrics()?.recordLost();
      alerts.tell({ kind: 'records-lost' });
    },
  });
  return { alerts, records };
}
