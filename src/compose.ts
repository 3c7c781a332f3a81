// The composition root: a configuration becomes a running SBC. The only file that knows every room.
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AdminServer } from './admin/http-api.ts';
import type { AdminOperations } from './admin/operations.ts';
import { B2bua } from './b2bua/b2bua.ts';
import { defaultB2buaLimits } from './b2bua/b2bua-parts.ts';
import { formatCdr } from './cdr/cdr.ts';
import { CdrWriter } from './cdr/cdr-writer.ts';
import { gateOutcomes, Ingress } from './compose/ingress.ts';
import { checkCertificate, listenerOptions, tlsOptions } from './compose/listeners.ts';
import { otherRequest } from './compose/other-request.ts';
import { Site } from './compose/site.ts';
import { loadSecret } from './compose/state-files.ts';
import { formatConfigError, loadConfig } from './config/load.ts';
import { planReload } from './config/reload-plan.ts';
import type { Config } from './config/schema.ts';
import { type Millis, systemClock } from './core/clock.ts';
import { messageOf, SbcError } from './core/errors.ts';
import { systemRandom } from './core/random.ts';
import { err, type Result } from './core/result.ts';
import { SystemScheduler } from './core/scheduler.ts';
import { formatSocketAddress, type SocketAddress } from './core/socket-address.ts';
import { type EmbeddedPbx, startEmbeddedPbx } from './embedded-pbx/embedded-pbx.ts';
import type { MediaPlane } from './media/plane/media-plane.ts';
import { openMediaPlane } from './media/plane/open-media-plane.ts';
import { createLogger, type RootLogger } from './observe/log.ts';
import { Metrics } from './observe/metrics.ts';
import type { SourceRateLimiter } from './policy/source-rate.ts';
import { defaultRegistrarLimits } from './registration/bindings.ts';
import type { LocationStore } from './registration/location.ts';
import { Registrar } from './registration/registrar.ts';
import { ChallengeGate } from './sip/auth/challenge-gate.ts';
import type { SipRequest } from './sip/message/message.ts';
import { SipTransports } from './sip/transport/sip-transports.ts';
import type { Identity, ServerTransaction } from './sip/user-agent/session.ts';
import { UserAgent } from './sip/user-agent/user-agent.ts';
import { MemoryReservationStore } from './store/memory/reservation-store.ts';
import { MemorySourceRateLimiter } from './store/memory/source-rate-limiter.ts';
import { openState } from './store/sqlite/state.ts';
import type { SqliteUserStore } from './store/sqlite/user-store.ts';
import { version } from './version.ts';

export interface StartOptions {
  readonly configFile: string;
  readonly config: Config;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where logs go; the standard output when absent. */
  readonly logger?: RootLogger;
}

export interface RunningSbc {
  readonly listening: readonly { readonly name: string; readonly transport: string; readonly address: SocketAddress }[];
  /** Not ready, no new calls; resolves when the last call is over or the drain timeout ended it. */
  drain(): Promise<void>;
  /** Ends what still runs and closes everything. Idempotent. */
  stop(): Promise<void>;
  /** What changed, or why nothing did. */
  reload(): Promise<Result<readonly string[], readonly string[]>>;
}

/** Starts everything, or throws an SbcError that says what is in the way; then nothing is left running. */
export async function startSbc(options: StartOptions): Promise<RunningSbc> {
  const sbc = new Sbc(options);
  try {
    await sbc.start();
    return sbc;
  } catch (thrown) {
    await sbc.stop();
    throw thrown;
  }
}

class Sbc implements RunningSbc, AdminOperations {
  readonly version = version;
  readonly #startedAt = systemClock.wall();
  readonly #configFile: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logger: RootLogger;
  readonly #scheduler: SystemScheduler;
  /** Apart, since the workers' heartbeat always waits, and a timer of a call must be seen when it is left behind. */
  readonly #mediaScheduler: SystemScheduler;
  readonly #embedded = new Map<string, EmbeddedPbx>();
  /** What was started, to be closed in the reverse order. */
  readonly #started: (() => Promise<void> | void)[] = [];
  #config: Config;
  #state: 'starting' | 'ready' | 'draining' | 'stopped' = 'starting';
  #parts: SbcParts | undefined;

  constructor({ config, configFile, environment = process.env, logger }: StartOptions) {
    this.#config = config;
    this.#configFile = resolve(configFile);
    this.#environment = environment;
    this.#logger = logger ?? createLogger(config.sbc.name, config.log.level);
    const onError = (thrown: unknown): void => this.#logger.error('timer-failed', { error: messageOf(thrown) });
    this.#scheduler = new SystemScheduler(systemClock, onError);
    this.#mediaScheduler = new SystemScheduler(systemClock, onError);
  }

  async start(): Promise<void> {
    const config = this.#config;
    const logger = this.#logger;
    const stateDir = this.#path(config.sbc.state_dir);
    const { users, locations, ...state } = openState(stateDir, { clock: systemClock, random: systemRandom });
    this.#started.push(() => state.close());
    const media = await this.#openMedia();
    for (const pbx of config.pbx.filter((one) => one.embedded)) await this.#startEmbedded(pbx.name);

    const metrics = this.#metrics();
    const cdr = new CdrWriter({
      directory: join(stateDir, 'cdr'),
      rotateSize: config.cdr.rotate_size,
      keepFiles: config.cdr.keep_files,
      clock: systemClock,
      logger,
    });
    this.#started.push(() => cdr.flush());

    const common = { scheduler: this.#scheduler, random: systemRandom, logger };
    const transports = new SipTransports({
      listeners: listenerOptions(config, this.#configFile),
      events: {
        onMessage: (message, flow) => this.#running.ingress.onMessage(message, flow),
        onUnparsable: (error, flow) => this.#running.ingress.onUnparsable(error, flow),
        onFlowClosed: (flow) => this.#parts?.ingress.onFlowClosed(flow),
      },
      ...common,
    });
    const registrar = this.#registrar(locations, transports);
    const site = this.#site(config, users, registrar);
    const reservations = new MemoryReservationStore();
    const userAgent = new UserAgent({
      transport: transports,
      events: {
        onInvite: (incoming) => this.#running.b2bua.onInvite(incoming),
        onRequest: (request, transaction, identity) => this.#onRequest(request, transaction, identity),
      },
      ...common,
    });
    const gate = new ChallengeGate({
      rules: site.gateRules,
      secret: loadSecret(join(stateDir, 'secret'), systemRandom),
      store: { find: (name, domain) => this.#running.site.users.find(name, domain) },
      view: {
        matchesTransaction: (request) => userAgent.layer.matches(request),
        knowsDialog: (request, flow) => userAgent.knowsDialog(request, flow),
        isAlive: (flow) => transports.isAlive(flow),
      },
      outcomes: gateOutcomes({ userAgent: () => userAgent, transport: () => transports, metrics }),
      observer: {
        challenged: () => {},
        accepted: () => {},
        failed: (_request, flow, reason, username) => {
          metrics.authFailed(reason);
          logger.warn('authentication-failed', { reason, username, source: flow.remote.address });
        },
      },
      ...common,
    });
    const b2bua = new B2bua({
      userAgent,
      admissions: { admit: (request, identity) => this.#running.site.admissions.admit(request, identity) },
      directory: { mediaOf: (flow) => this.#running.site.mediaOf(flow) },
      reservations,
      media,
      observer: {
        onCallEnded: (record) => {
          metrics.callEnded(record);
          cdr.write(formatCdr(record, config.sbc.name));
        },
      },
      limits: defaultB2buaLimits,
      ...common,
    });
    const ingress = new Ingress({
      userAgent,
      gate,
      rate: () => this.#running.rate,
      rules: () => this.#running.site.gateRules,
      transport: transports,
      metrics,
      logger,
      onFlowClosed: (flow) => registrar.flowClosed(flow),
    });
    const rate = rateLimiter(config);
    this.#parts = {
      users,
      media,
      metrics,
      transports,
      registrar,
      site,
      reservations,
      userAgent,
      gate,
      b2bua,
      ingress,
      rate,
    };
    this.#started.push(() => {
      gate.close();
      userAgent.shutdown();
      transports.close();
    });
    await transports.listen();
    await this.#startAdmin();
    this.#state = 'ready';
    logger.info('ready', { listeners: this.listening.length });
  }

  get listening(): RunningSbc['listening'] {
    return this.#config.listener.map(({ name, transport }) => ({
      name,
      transport,
      address: this.#running.transports.boundTo(name),
    }));
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  #drained: Promise<void> | undefined;

  async #drain(): Promise<void> {
    if (this.#state !== 'ready') return;
    this.#state = 'draining';
    this.#logger.info('draining', { calls: this.#running.b2bua.active });
    const { b2bua } = this.#running;
    const deadline = this.#scheduler.after(this.#config.sbc.drain_timeout, () => b2bua.endAll());
    await b2bua.drain();
    deadline.cancel();
    this.#logger.info('drained');
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#parts?.registrar.drain();
    await this.#endCalls();
    for (const close of this.#started.toReversed()) {
      try {
        await close();
      } catch (thrown) {
        this.#logger.error('stop-failed', { error: messageOf(thrown) });
      }
    }
    this.#logger.info('stopped');
  }

  /** BYEs go out and records are written; what does not end in time is left. */
  #endCalls(): Promise<void> {
    const b2bua = this.#parts?.b2bua;
    if (b2bua === undefined) return Promise.resolve();
    b2bua.endAll();
    return new Promise((ended) => {
      const deadline = this.#scheduler.after(lastWords, ended);
      void b2bua.drain().then(() => {
        deadline.cancel();
        ended();
      });
    });
  }

  // What the admin API and signals ask for.

  async reload(): Promise<Result<readonly string[], readonly string[]>> {
    const loaded = loadConfig(this.#configFile);
    if (!loaded.ok) return this.#refuseReload(loaded.error.map(formatConfigError));
    const plan = planReload(this.#config, loaded.value);
    if (!plan.ok) return this.#refuseReload(plan.error);
    try {
      await this.#apply(loaded.value);
    } catch (thrown) {
      return this.#refuseReload([messageOf(thrown)]);
    }
    this.#logger.info('reloaded', { changed: plan.value });
    return plan;
  }

  isReady(): boolean {
    return this.#state === 'ready';
  }

  isDraining(): boolean {
    return this.#state === 'draining';
  }

  status(): ReturnType<AdminOperations['status']> {
    return {
      node: this.#config.sbc.name,
      startedAt: this.#startedAt,
      activeCalls: this.#running.b2bua.active,
      listeners: this.listening.map(({ name, transport, address }) => ({
        name,
        transport,
        address: formatSocketAddress(address),
      })),
      mediaWorkers: this.#running.media.workers,
    };
  }

  calls(): ReturnType<AdminOperations['calls']> {
    return this.#running.b2bua.calls();
  }

  endCall(id: string): boolean {
    return this.#running.b2bua.end(id);
  }

  async registrations(): ReturnType<AdminOperations['registrations']> {
    const bindings = await this.#running.registrar.list();
    return bindings.map(({ record: { aor, contact, listener, expiresAt, userAgent }, alive }) => ({
      aor,
      contact,
      listener,
      expiresAt,
      alive,
      userAgent,
    }));
  }

  metricsText(): Promise<string> {
    return this.#running.metrics.text();
  }

  get metricsContentType(): string {
    return this.#running.metrics.contentType;
  }

  // Parts of the start.

  get #running(): SbcParts {
    if (this.#parts === undefined) throw new SbcError('not-started', 'the SBC has not started');
    return this.#parts;
  }

  async #openMedia(): Promise<MediaPlane> {
    const { ports, workers, driver, timeout, port_quarantine: quarantine } = this.#config.media;
    const opened = await openMediaPlane({
      ports,
      workers,
      driver,
      timeout,
      quarantine,
      scheduler: this.#mediaScheduler,
      logger: this.#logger,
    });
    if (!opened.ok) throw new SbcError('media-not-started', `${opened.error.code}: ${opened.error.detail}`);
    this.#started.push(() => opened.value.close());
    return opened.value;
  }

  async #startEmbedded(name: string): Promise<void> {
    const pbx = await startEmbeddedPbx({
      address: { address: '127.0.0.1', port: 0 },
      scheduler: this.#scheduler,
      random: systemRandom,
      logger: this.#logger.child({ embeddedPbx: name }),
    });
    this.#embedded.set(name, pbx);
    this.#started.push(() => pbx.close());
  }

  #registrar(store: LocationStore, transports: SipTransports): Registrar {
    const { min_expires, max_expires, contacts_per_user } = this.#config.registrations;
    return new Registrar({
      store,
      clock: systemClock,
      random: systemRandom,
      logger: this.#logger,
      limits: {
        ...defaultRegistrarLimits,
        minExpires: Math.ceil(min_expires / 1000),
        maxExpires: Math.floor(max_expires / 1000),
        defaultExpires: Math.floor(max_expires / 1000),
        contactsPerUser: contacts_per_user,
      },
      isAlive: (flow) => transports.isAlive(flow),
      domainOf: (host) => this.#running.site.domainOfHost(host),
    });
  }

  #site(config: Config, database: SqliteUserStore, registrar: Registrar): Site {
    const embedded = new Map([...this.#embedded].map(([name, pbx]) => [name, pbx.address]));
    return new Site({
      config,
      database,
      registrar,
      logger: this.#logger,
      embedded,
      random: systemRandom,
      environment: this.#environment,
    });
  }

  #metrics(): Metrics {
    const running = (): SbcParts => this.#running;
    return new Metrics({
      calls: () => running().b2bua.active,
      dialogs: () => running().userAgent.dialogs,
      registrations: () => running().registrar.flows,
      reservations: () => running().reservations.held(),
      transactions: () => running().userAgent.layer.active,
      timers: () => this.#scheduler.pending,
      connections: () => running().transports.connections,
      mediaPorts: () => running().media.portsInUse,
      mediaSessions: () => running().media.activeSessions,
      media: () => running().media.stats(),
    });
  }

  async #startAdmin(): Promise<void> {
    const { address, socket } = this.#config.admin;
    const path = this.#path(socket);
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    const admin = new AdminServer({ operations: this, socket: path, address, logger: this.#logger });
    await admin.listen();
    this.#started.push(() => admin.close());
  }

  #onRequest(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    if (request.method === 'REGISTER') this.#running.registrar.onRegister(request, transaction, identity);
    else otherRequest(request, transaction, { isAvailable: this.#state === 'ready', random: systemRandom });
  }

  /** Everything that may fail is made before anything is replaced. */
  async #apply(config: Config): Promise<void> {
    const parts = this.#running;
    const site = this.#site(config, parts.users, parts.registrar);
    const certificates = config.listener.flatMap((listener) => {
      const tls = tlsOptions(listener, this.#configFile);
      return tls === undefined ? [] : [{ listener: listener.name, tls }];
    });
    for (const { tls } of certificates) checkCertificate(tls);
    for (const { listener, tls } of certificates) parts.transports.setCertificate(listener, tls);
    parts.gate.replaceRules(site.gateRules);
    this.#parts = { ...parts, site, rate: rateLimiter(config) };
    this.#config = config;
    this.#logger.setLevel(config.log.level);
  }

  #refuseReload(errors: readonly string[]): Result<never, readonly string[]> {
    this.#logger.error('reload-refused', { errors });
    return err(errors);
  }

  /** Relative paths are relative to the folder of the configuration. */
  #path(path: string): string {
    return resolve(dirname(this.#configFile), path);
  }
}

/** How long a stop waits for calls that it has ended. */
const lastWords: Millis = 2_000;

interface SbcParts {
  readonly users: SqliteUserStore;
  readonly media: MediaPlane;
  readonly metrics: Metrics;
  readonly transports: SipTransports;
  readonly registrar: Registrar;
  readonly site: Site;
  readonly reservations: MemoryReservationStore;
  readonly userAgent: UserAgent;
  readonly gate: ChallengeGate;
  readonly b2bua: B2bua;
  readonly ingress: Ingress;
  readonly rate: SourceRateLimiter;
}

function rateLimiter(config: Config): SourceRateLimiter {
  return new MemorySourceRateLimiter(config.limits.source_requests_per_second, systemClock);
}
