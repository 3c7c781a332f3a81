// The export to Homer, as the configuration wants it.
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { HepExporter } from '../../observe/hep/hep-exporter.ts';
import { TcpHepSender, UdpHepSender } from '../../observe/hep/hep-senders.ts';
import type { MessageTap } from '../../sip/transport/transport.ts';
import { secretOf } from '../site/users.ts';

export interface HepParts {
  readonly config: Config;
  readonly environment: NodeJS.ProcessEnv;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** Undefined where there is none. Throws SbcError `secret-missing`. */
export function openHep({ config, environment, scheduler, logger }: HepParts): HepExporter | undefined {
  const { hep } = config;
  if (hep === undefined) return undefined;
  const { address, transport, capture_id: captureId, password_env: variable, queue, secrets } = hep;
  const password = variable === '' ? '' : secretOf(variable, 'hep', environment);
  const options = { address, scheduler, logger };
  return new HepExporter({
    sender: transport === 'udp' ? new UdpHepSender(options) : new TcpHepSender(options),
    node: config.sbc.name,
    captureId,
    password,
    withSecrets: secrets,
    queueBytes: queue,
    scheduler,
  });
}

/** One that hands on to all there are; undefined where there is none. */
export function tapOf(...taps: readonly (MessageTap | undefined)[]): MessageTap | undefined {
  const present = taps.filter((tap) => tap !== undefined);
  if (present.length <= 1) return present[0];
  return {
    onSipMessage: (callId, message) => {
      for (const tap of present) tap.onSipMessage(callId, message);
    },
  };
}
