// The dashboard, as the configuration wants it, over the running SBC.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { answered } from '../../admin/admin-client-exchange.ts';
import { usualCallQuery } from '../../admin/overview.ts';
import type { ProcessesClient } from '../../admin/processes-client.ts';
import { selectRegistrations } from '../../admin/registration-query.ts';
import { CountsOfAll } from '../../admin/web/counts-of-all.ts';
import { operationsOfAll } from '../../admin/web/operations-of-all.ts';
import type { WebAccounts, WebOperations } from '../../admin/web/web-operations.ts';
import { WebServer, type WebTls } from '../../admin/web/web-server.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { systemRandom } from '../../core/random.ts';
import type { Scheduler } from '../../core/scheduler.ts';
import type { SocketAddress } from '../../core/socket-address.ts';
import type { MediaPlane } from '../../media/plane/media-plane.ts';
import { mainThreadRan } from '../../media/plane/thread-progress.ts';
import type { LiveQuality } from '../../observe/live-quality.ts';
import { type NodeCounts, NodeHistory } from '../../observe/node-history.ts';
import type { Signalling } from '../signalling/signalling.ts';
import { checkCertificate } from '../site/listeners.ts';
import type { Operations } from './operations.ts';

export interface DashboardParts {
  readonly config: Config;
  readonly configFile: string;
  readonly operations: Operations;
  /** All processes of this machine, this one too; undefined where there are no others. */
  readonly processes: ProcessesClient | undefined;
  readonly accounts: WebAccounts;
  readonly quality: LiveQuality;
  readonly signalling: Signalling;
  readonly media: MediaPlane;
  /** For what waits as long as the process lives. */
  readonly background: Scheduler;
  readonly logger: Logger;
  readonly note: (action: string, subject: string, detail?: string, by?: string) => void;
  /** Of the process before: who is signed in there. */
  readonly signedIn?: unknown;
}

export class Dashboard {
  readonly #server: WebServer;
  readonly #history: NodeHistory;

  /** Throws SbcError `file-unreadable` or `certificate-unusable`. */
  constructor(parts: DashboardParts, web: NonNullable<Config['admin']['web']>) {
    const { operations, processes, accounts, background, logger, note, config, configFile } = parts;
    this.#server = new WebServer({
      operations: webOperations(),
      accounts,
      address: web.address,
      tls: webTls(config, configFile),
      idleTimeout: web.idle_timeout,
      sessionLifetime: web.session_lifetime,
      clock: background.clock,
      random: systemRandom,
      logger,
    });
    this.#server.takeSessions(parts.signedIn);
    this.#history = new NodeHistory({
      counts: processes === undefined ? () => countsOf(parts) : countsOfAll(processes),
      scheduler: background,
      onFailure: (thrown) => logger.error('history-failed', { error: messageOf(thrown) }),
    });
    const history = this.#history;

    function webOperations(): WebOperations {
      return {
        version: operations.version,
        isReady: () => operations.isReady(),
        isDraining: () => operations.isDraining(),
        overview: (query) => operations.overview(query),
        call: (id) => operations.call(id),
        trace: (name, form) => operations.trace(name, form),
        endCall: (id, by) => operations.endCall(id, by),
        registrations: async (query) => selectRegistrations(await operations.registrations(), query),
        bans: () => operations.bans(),
        liftBans: (address, by) => operations.liftBans(address, by),
        recentCalls: () => operations.recentCalls(),
        alerts: () => operations.alerts(),
        ...(processes === undefined ? {} : operationsOfAll(processes)),
        history: (span) => history.view(span),
        note: (action, subject, detail, by) => note(action, subject, detail, by),
      };
    }
  }

  get address(): SocketAddress | undefined {
    return this.#server.address;
  }

  /** Who is signed in, for the process that takes this one's place. */
  passSessions(): unknown {
    return this.#server.passSessions();
  }

  /** Rejects with SbcError `listen-failed`. */
  listen(): Promise<void> {
    return this.#server.listen();
  }

  setCertificate(tls: WebTls): void {
    this.#server.setCertificate(tls);
  }

  /** Leaves its address, and may listen again. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async end(): Promise<void> {
    this.#history.close();
    await this.#server.close();
  }
}

/** What the configuration names, as PEM; undefined without TLS. Throws SbcError `file-unreadable` or `certificate-unusable`. */
export function webTls({ admin: { web } }: Config, configFile: string): WebTls | undefined {
  if (web?.certificate === undefined || web.key === undefined) return undefined;
  const tls = { certificate: read(web.certificate, configFile), key: read(web.key, configFile) };
  checkCertificate(tls);
  return tls;
}

function countsOfAll(processes: ProcessesClient): () => Promise<NodeCounts> {
  const counts = new CountsOfAll();
  return async () => counts.take(answered(await processes.overview({ ...usualCallQuery, limit: 0 })));
}

async function countsOf({ signalling, media, quality }: DashboardParts): Promise<NodeCounts> {
  await quality.look();
  const { answered, unanswered, refused } = await signalling.metrics.callTotals();
  const { received, dropped } = media.stats();
  const calls = signalling.b2bua.active - signalling.b2bua.relayed;
  const sound = quality.summary();
  const ran = media.workers.reduce((sum, worker) => sum + (worker.ran ?? 0), mainThreadRan() ?? 0);
  return {
    calls,
    begun: calls + answered + unanswered + refused,
    refused,
    packets: received.packets,
    dropped: Object.values(dropped).reduce((sum, packets) => sum + packets, 0),
    mos: sound?.mos ?? Number.NaN,
    loss: sound?.loss ?? Number.NaN,
    registrations: signalling.registrar.flows,
    ran,
    lag: signalling.overload.lag,
  };
}

function read(file: string, configFile: string): string {
  const path = resolve(dirname(configFile), file);
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    throw new SbcError('file-unreadable', `[admin.web]: ${messageOf(thrown)}`, { path }, thrown);
  }
}
