// The faces that operators ask: the Unix socket and its probes, and the dashboard. Another process that takes over needs their addresses.
import { answered } from '../../admin/admin-client-exchange.ts';
import { AdminServer } from '../../admin/http-api.ts';
import { ProcessesClient } from '../../admin/processes-client.ts';
import { systemClock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import type { MediaPlane } from '../../media/plane/media-plane.ts';
import { LiveQuality } from '../../observe/live-quality.ts';
import type { SharedSite } from '../nodes/shared-site.ts';
import type { Signalling } from '../signalling/signalling.ts';
import { Dashboard, type DashboardParts } from './dashboard.ts';
import { Operations, type OperationsParts } from './operations.ts';

export interface RunningParts {
  readonly media: MediaPlane;
  readonly signalling: Signalling;
  /** Undefined: this node stands alone. */
  readonly shared: SharedSite | undefined;
}

export interface FacesParts
  extends Pick<OperationsParts, 'life' | 'config' | 'logLevel' | 'note' | 'alerts' | 'recent'>,
    Pick<DashboardParts, 'accounts' | 'configFile' | 'signedIn'> {
  readonly running: RunningParts;
  /** Path of the Unix socket. Its folder exists. */
  readonly socket: string;
  /** Those of all processes, where there are several and this is the one that shows them all. */
  readonly sockets: readonly [string, ...string[]] | undefined;
  readonly background: Scheduler;
  readonly logger: Logger;
}

export interface Faces {
  /** Undefined where there is none. */
  readonly dashboard: Dashboard | undefined;
  /** Who is signed in to the dashboard, for the process that takes this one's place. */
  signedIn(): unknown;
  /** After `close`. */
  listen(): Promise<void>;
  close(): Promise<void>;
  /** For good. */
  end(): Promise<void>;
}

/** Opens them. Rejects with SbcError when an address is taken. */
export async function openFaces({ running, socket, sockets, accounts, ...parts }: FacesParts): Promise<Faces> {
  const { config, configFile, background, note, logger, signedIn } = parts;
  const { address, web } = config().admin;
  const { b2bua } = running.signalling;
  const quality = new LiveQuality({
    calls: () => b2bua.calls(),
    ask: async (call) => (await b2bua.detail(call))?.media,
    clock: systemClock,
  });
  const shared = { ...running, quality, note };
  const { life, logLevel, alerts, recent } = parts;
  const operations = new Operations({ ...shared, life, config, logLevel, alerts, recent });
  const processes = sockets && new ProcessesClient(sockets);
  const metricsOfAll = processes && (async () => answered(await processes.metrics()));
  const admin = new AdminServer({ operations, socket, address, metricsOfAll, logger });
  await admin.listen();
  if (web === undefined) {
    const close = (): Promise<void> => admin.close();
    return { dashboard: undefined, signedIn: () => undefined, listen: () => admin.listen(), close, end: close };
  }
  const dashboard = new Dashboard(
    { ...shared, accounts, processes, operations, config: config(), configFile, background, logger, signedIn },
    web,
  );
  await dashboard.listen();
  const { address: bound } = dashboard;
  logger.info('dashboard', { address: bound && formatSocketAddress(bound), tls: web.certificate !== undefined });
  return {
    dashboard,
    signedIn: () => dashboard.passSessions(),
    listen: async () => {
      await admin.listen();
      await dashboard.listen();
    },
    close: async () => {
      await Promise.all([admin.close(), dashboard.close()]);
    },
    end: async () => {
      await dashboard.end();
      await admin.close();
    },
  };
}
