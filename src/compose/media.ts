// The media plane as the configuration and the machine want it.
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { SbcError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { systemRandom } from '../core/random.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { MediaHandover, MediaPlane } from '../media/plane/media-plane.ts';
import { openMediaPlane } from '../media/plane/open-media-plane.ts';
import { deadlinesFor } from '../media/plane/worker-deadlines.ts';
import { openKeyFile } from '../store/key-file.ts';
import { mediaSocketsFor, mostMediaSockets } from './descriptor-budget.ts';
import { loadDtlsIdentity } from './keeping/dtls-identity.ts';

export interface MediaGround {
  readonly stateDir: string;
  /** The soft limit of open descriptors; undefined where the system does not tell. */
  readonly descriptors: number | undefined;
  /** Another process still relays (`MediaPlaneOptions.after`). */
  readonly after?: { readonly firstLedger: number } | undefined;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

/** Throws SbcError `media-not-started`. */
export async function openMedia(
  config: Config,
  { stateDir, descriptors, after, scheduler, logger }: MediaGround,
): Promise<MediaPlane & MediaHandover> {
  const { ports, workers, driver, timeout, dscp, ...media } = config.media;
  const maxSockets = mediaSocketsFor(descriptors);
  const keys = openKeyFile(join(stateDir, 'media-keys'), systemRandom);
  const sealingKey = keys.keys.get(keys.current);
  if (maxSockets < mostMediaSockets) logger.warn('descriptors-limit-media', { descriptors, maxSockets });
  const opened = await openMediaPlane({
    maxSockets,
    ports,
    workers,
    driver,
    timeout,
    deadlines: deadlinesFor(media.worker_heartbeat),
    dscp,
    headerPackets: config.trace.memory > 0 ? config.trace.media_packets : 0,
    quarantine: media.port_quarantine,
    receiveBufferBytes: media.receive_buffer,
    state: sealingKey === undefined ? undefined : { folder: stateDir, sealingKey },
    dtls: loadDtlsIdentity(join(stateDir, 'dtls-identity'), {
      keys,
      random: systemRandom,
      now: systemClock.wall(),
      onReplaced: (reason) => logger.warn('dtls-certificate-replaced', { reason }),
    }),
    after,
    scheduler,
    logger,
  });
  if (!opened.ok) throw new SbcError('media-not-started', `${opened.error.code}: ${opened.error.detail}`);
  return opened.value;
}
