// Alerts as the configuration wants them told.
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { AlertDelivery, type AlertReceiver } from '../../observe/alerts/alert-delivery.ts';
import { AlertSpool } from '../../observe/alerts/alert-spool.ts';
import { type AlertJournal, Alerts } from '../../observe/alerts/alerts.ts';
import { Mail } from '../../observe/alerts/mail.ts';
import type { Severity } from '../../observe/alerts/notice.ts';
import { Syslog } from '../../observe/alerts/syslog.ts';
import { Webhook } from '../../observe/alerts/webhook.ts';
import { secretOf } from '../site/users.ts';

export interface AlertingParts {
  readonly config: Config;
  readonly environment: NodeJS.ProcessEnv;
  /** `state_dir/alerts`. */
  readonly directory: string;
  readonly journal: AlertJournal;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onLost: (count: number) => void;
}

/** Throws SbcError `secret-missing` when the environment lacks a secret that the configuration names. */
export function openAlerts(parts: AlertingParts): Alerts {
  const { config, directory, journal, scheduler, random, logger, onLost } = parts;
  const receivers = receiversOf(parts).map(({ least, receiver }) => {
    const spool = new AlertSpool(join(directory, receiver.name));
    return { least, delivery: new AlertDelivery({ receiver, spool, scheduler, logger, onLost }) };
  });
  const { gather: window, notices_per_minute: noticesPerMinute } = config.alerts;
  const rules = { window, noticesPerMinute };
  return new Alerts({ node: config.sbc.name, rules, receivers, journal, scheduler, random, logger });
}

function receiversOf({
  config,
  environment,
  scheduler,
}: AlertingParts): readonly { readonly least: Severity; readonly receiver: AlertReceiver }[] {
  const { webhook, syslog, mail } = config.alerts;
  const { clock } = scheduler;
  return [
    ...webhook.map(({ name, url, secret_env, severity }) => {
      const secret = secretOf(secret_env, `alerts.webhook ${name}`, environment);
      return { least: severity, receiver: new Webhook({ name: `webhook-${name}`, url, secret, clock }) };
    }),
    ...syslog.map(({ name, address, transport, severity }) => {
      return { least: severity, receiver: new Syslog({ name: `syslog-${name}`, address, transport }) };
    }),
    ...mail.map(({ name, username, password_env, severity, ...server }) => {
      const password = username === '' ? '' : secretOf(password_env, `alerts.mail ${name}`, environment);
      const login = username === '' ? undefined : { user: username, password };
      return { least: severity, receiver: new Mail({ ...server, name: `mail-${name}`, login }) };
    }),
  ];
}
