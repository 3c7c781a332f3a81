// The composition root: a configuration becomes a running SBC. The only file that knows every room.
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AdminServer } from './admin/http-api.ts';
import { StandbyServer } from './admin/standby-server.ts';
import { openAlerts } from './compose/alerting.ts';
import { CallRecords } from './compose/call-records.ts';
import { Dashboard, type DashboardParts, webTls } from './compose/dashboard.ts';
import { watchFiles } from './compose/file-watch.ts';
import { fraudHistory } from './compose/fraud-history.ts';
import { replayFraud as replay } from './compose/fraud-replay.ts';
import { type HandingOverParts, heritageOf, isListenerOf, predecessorOn, successorOn } from './compose/handing-over.ts';
import { openHep } from './compose/hep.ts';
import { type KeptState, openKeptState } from './compose/kept-state.ts';
import { sayLastWords } from './compose/last-words.ts';
import { LogLevelDesk } from './compose/log-level-desk.ts';
import { openMedia } from './compose/media.ts';
import { nonceSecretOf, SiteConnection } from './compose/open-shared-site.ts';
import { type Life, Operations, type OperationsParts } from './compose/operations.ts';
import { testRoute as askRoute } from './compose/route-test.ts';
import { nodeName, type SharedSite } from './compose/shared-site.ts';
import { Signalling } from './compose/signalling.ts';
import { loadSecret } from './compose/state-files.ts';
import type { Standby } from './compose/takeover.ts';
import { watchNode } from './compose/watched-node.ts';
import { formatConfigError, loadConfig } from './config/load.ts';
import { planReload } from './config/reload-plan.ts';
import type { Config } from './config/schema.ts';
import { systemClock } from './core/clock.ts';
import { messageOf, SbcError } from './core/errors.ts';
import { systemRandom } from './core/random.ts';
import { err, ok, type Result } from './core/result.ts';
import { SystemScheduler } from './core/scheduler.ts';
import { formatSocketAddress, type SocketAddress } from './core/socket-address.ts';
import { startEmbeddedPbx } from './embedded-pbx/embedded-pbx.ts';
import type { Predecessor, UpgradeState } from './handover/predecessor.ts';
import type { Successor } from './handover/successor.ts';
import type { MediaPlane } from './media/plane/media-plane.ts';
import type { Alerts } from './observe/alerts/alerts.ts';
import { LiveQuality } from './observe/live-quality.ts';
import { createLogger, type RootLogger } from './observe/log.ts';
import { NftSet } from './observe/nft-set.ts';
import { RecentCalls } from './observe/recent-calls.ts';
import type { StoreTrouble } from './store/sqlite/sqlite-stores.ts';
import type { SupervisorChannel } from './supervisor/channel.ts';
import { version } from './version.ts';

/** What would become of a call by the configuration alone. */
export const testRoute: typeof askRoute = (question, environment) => askRoute(question, environment);

/** What the rules of fraud detection would have found in past call records. */
export const replayFraud: typeof replay = (options, lines) => replay(options, lines);

export interface StartOptions {
  readonly configFile: string;
  readonly config: Config;
  readonly environment?: NodeJS.ProcessEnv;
  /** Where logs go; the standard output when absent. */
  readonly logger?: RootLogger;
  /** To the supervisor that runs this process; absent: nobody does. */
  readonly channel?: SupervisorChannel | undefined;
}

export interface StandbyOptions extends StartOptions, Pick<Standby, 'ended'> {}

export interface RunningSbc {
  readonly listening: readonly { readonly name: string; readonly transport: string; readonly address: SocketAddress }[];
  /** Where the dashboard is; undefined where there is none. */
  readonly dashboard: SocketAddress | undefined;
  /** Not ready, no new calls; resolves when the last call is over or the drain timeout ended it. */
  drain(): Promise<void>;
  /** Ends what still runs and closes everything. Idempotent. */
  stop(): Promise<void>;
  /** What changed, or why nothing did. */
  reload(): Promise<Result<readonly string[], readonly string[]>>;
  /** Resolves when another process has taken this one's place: it must end, and has stopped already. */
  readonly replaced: Promise<void>;
  /** Has another process take its place; why that cannot be begun, or undefined. */
  upgrade(): string | undefined;
  /** Resolves with an exit code when its calls are another process's, or the next one's: `stop` is without a word then. */
  readonly over: Promise<number>;
}

/** Starts everything, or throws an SbcError that says what is in the way; then nothing is left running. */
export async function startSbc(options: StartOptions): Promise<RunningSbc> {
  const sbc = await start(options, undefined);
  if (sbc === undefined) throw new SbcError('not-started', 'the SBC was told to end');
  return sbc;
}

/**
 * The same once no other process is its node any more, or it is told to take over; until then it serves nobody. Undefined when it was to
 * end before that.
 */
export function standBy({ ended, ...options }: StandbyOptions): Promise<RunningSbc | undefined> {
  return start(options, { ended });
}

async function start(
  options: StartOptions,
  standby: Pick<StandbyOptions, 'ended'> | undefined,
): Promise<RunningSbc | undefined> {
  const sbc = new Sbc(options);
  try {
    if (await sbc.start(standby)) return sbc;
    await sbc.stop();
    return undefined;
  } catch (thrown) {
    // One that was to go on with another's calls touches nothing of theirs.
    if (options.channel === undefined || options.channel.role === 'serve') await sbc.stop();
    throw thrown;
  }
}

class Sbc implements RunningSbc, Life {
  readonly #configFile: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logger: RootLogger;
  readonly #scheduler: SystemScheduler;
  /** Apart, since the workers' heartbeat always waits, and a timer of a call must be seen when it is left behind. */
  readonly #mediaScheduler: SystemScheduler;
  readonly #logLevel: LogLevelDesk;
  /** What was started, to be closed in the reverse order. */
  readonly #started: (() => Promise<void> | void)[] = [];
  #config: Config;
  #state: 'starting' | 'ready' | 'draining' | 'left' | 'stopped' = 'starting';
  #parts: SbcParts | undefined;
  #audit: AuditLog | undefined;
  #dashboard: Dashboard | undefined;
  readonly #recent = new RecentCalls();
  #alerts: Alerts | undefined;
  readonly #channel: SupervisorChannel | undefined;
  #predecessor: Predecessor | undefined;
  #isOfPair = false;
  readonly #over = Promise.withResolvers<number>();

  constructor({ config, configFile, environment = process.env, logger, channel }: StartOptions) {
    this.#config = config;
    this.#channel = channel;
    this.#configFile = resolve(configFile);
    this.#environment = environment;
    this.#logger = logger ?? createLogger(config.sbc.name, config.log.level);
    const onError = (thrown: unknown): void => this.#logger.error('timer-failed', { error: messageOf(thrown) });
    this.#scheduler = new SystemScheduler(systemClock, onError);
    this.#mediaScheduler = new SystemScheduler(systemClock, onError);
    this.#logLevel = new LogLevelDesk({
      logger: this.#logger,
      configured: config.log.level,
      scheduler: this.#mediaScheduler,
    });
    this.#started.push(() => this.#logLevel.close());
  }

  /** False when it stood by and was told to end. */
  async start(standby: Pick<StandbyOptions, 'ended'> | undefined): Promise<boolean> {
    const channel = this.#channel;
    this.#isOfPair = standby !== undefined;
    if (channel === undefined || channel.role === 'serve') return this.#start(undefined, standby);
    const before = successorOn(channel);
    try {
      const gone = channel.gone.then(() => Promise.reject(new SbcError('supervisor-gone', 'the supervisor is gone')));
      // Whoever it follows was the node.
      const isStarted = await Promise.race([this.#start(before, undefined), gone]);
      before.close();
      return isStarted;
    } catch (thrown) {
      before.close(messageOf(thrown));
      throw thrown;
    }
  }

  /** `before`: of the process whose place it takes. */
  async #start(before: Successor | undefined, standby: Pick<StandbyOptions, 'ended'> | undefined): Promise<boolean> {
    const config = this.#config;
    const logger = this.#logger;
    const stateDir = this.#path(config.sbc.state_dir);
    const { users, totp, audit, run, ...kept } = openKeptState(stateDir, { scheduler: this.#mediaScheduler, logger });
    this.#started.push(() => kept.close());
    this.#audit = audit;
    const connection = await SiteConnection.open({
      config,
      configFile: this.#configFile,
      environment: this.#environment,
      stateDir,
      run,
      scheduler: this.#mediaScheduler,
      random: systemRandom,
      logger,
    });
    if (connection !== undefined) this.#started.push(() => connection.close());
    const after = await before?.offered();
    const opening = openMedia(config, { stateDir, after, scheduler: this.#mediaScheduler, logger });
    // What the process before keeps is read when it does not change any more.
    const inherited = before && opening.then(() => before.frozen(isListenerOf(config)));
    const [own, media] = await this.#allStarted(
      kept.openStores((trouble) => this.#onStoreTrouble(trouble), inherited),
      opening,
    );
    // Nothing may be sent, and so bound, before the sockets of the one before are there.
    if (before !== undefined) this.#scheduler.hold();
    const alerts = openAlerts({
      config,
      environment: this.#environment,
      directory: join(stateDir, 'alerts'),
      journal: own.alerts,
      scheduler: this.#mediaScheduler,
      random: systemRandom,
      logger,
      onLost: (count) => this.#parts?.signalling.metrics.alertsLost(count),
    });
    this.#started.push(() => alerts.close());
    this.#alerts = alerts;
    const embedded = new Map<string, SocketAddress>();
    for (const { name } of config.pbx.filter((one) => one.embedded))
      embedded.set(name, await this.#startEmbedded(name));
    const records = new CallRecords({
      config,
      directory: join(stateDir, 'cdr'),
      scheduler: this.#scheduler,
      logger,
      onLost: () => {
        this.#parts?.signalling.metrics.recordLost();
        alerts.tell({ kind: 'records-lost' });
      },
    });
    this.#started.push(() => records.close());
    const shared = connection?.join(own, { onAlert: alerts.tell, onReplaced: () => void this.#onReplaced() });
    if (shared !== undefined) {
      this.#started.push(() => shared.close());
      if (!(await this.#becomeNode(shared, standby))) return false;
    }
    const secret = loadSecret(join(stateDir, 'secret'), systemRandom);
    const hep = openHep({ config, environment: this.#environment, scheduler: this.#mediaScheduler, logger });
    if (hep !== undefined) this.#started.push(() => hep.close());
    const signalling = new Signalling({
      hep,
      config,
      configFile: this.#configFile,
      environment: this.#environment,
      secret,
      nonceSecret: shared === undefined ? undefined : nonceSecretOf(secret, run),
      users,
      stores: shared?.stores ?? own,
      shared,
      totp,
      firewall: this.#firewall(),
      media,
      embedded,
      scheduler: this.#scheduler,
      background: this.#mediaScheduler,
      random: systemRandom,
      logger,
      onRecord: (record) => {
        records.write(record);
        this.#recent.add(record);
      },
      onRecordAgain: (record) => records.writeAgain(record),
      isAvailable: () => this.isReady(),
      onAlert: alerts.tell,
    });
    this.#started.push(() => signalling.close());
    const past = {
      config,
      configFile: this.#configFile,
      file: join(stateDir, 'cdr', 'cdr.db'),
      now: systemClock.wall(),
    };
    shared?.attach({
      banned: (record) => signalling.bans.adopt(record),
      banLifted: (target) => signalling.bans.adoptLift(target),
      keepAnew: () => signalling.keeper.keepAnew(),
      counted: (event) => signalling.fraud.observe(event),
      held: (hold) => signalling.fraud.adopt(hold),
      holdLifted: (subject) => signalling.fraud.adoptLift(subject),
    });
    signalling.fraud.replay(fraudHistory({ ...past, logger }));
    this.#parts = { media, signalling, shared };
    let resumed = Promise.resolve();
    await shared?.moved;
    await signalling.listen(async () => {
      if (before !== undefined) resumed = media.inherit(await before.released());
      return (await inherited) ?? new Map();
    });
    this.#scheduler.release();
    const admin = await this.#startAdmin({ accounts: kept.admins, alerts: kept.alerts });
    await resumed;
    this.#state = 'ready';
    this.#supervised({
      config: () => this.#config,
      signalling,
      media,
      scheduler: this.#scheduler,
      background: this.#mediaScheduler,
      admin,
      flush: async () => {
        await records.flush();
        signalling.keep();
        await (shared?.stores ?? own).flush();
      },
      logger,
    });
    this.#note('start', config.sbc.name, version);
    logger.info('ready', { listeners: this.listening.length });
    // It looks at the whole machine at once, which can wait until everybody is served.
    const watch = watchNode({
      config: () => this.#config,
      configFile: this.#configFile,
      stateDirectory: stateDir,
      workersLost: () => media.stats().workersLost,
      scheduler: this.#mediaScheduler,
      logger,
      onAlert: alerts.tell,
    });
    this.#started.push(() => watch.close());
    if (config.reload.watch) {
      const files = watchFiles({
        config: () => this.#config,
        configFile: this.#configFile,
        scheduler: this.#mediaScheduler,
        logger,
        reload: () => this.reload('file-watch'),
      });
      this.#started.push(() => files.close());
    }
    return true;
  }

  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  get over(): Promise<number> {
    return this.#over.promise;
  }

  upgrade(): string | undefined {
    if (this.#channel === undefined) return 'no supervisor runs this process (it was started with --no-supervisor)';
    if (this.#state !== 'ready') return `this process is ${this.#state}`;
    if (this.#running.shared !== undefined) return takesOver;
    this.#predecessor?.asked();
    this.#note('upgrade', this.#config.sbc.name);
    this.#channel.send({ type: 'upgrade' });
    return undefined;
  }

  get lastUpgrade(): UpgradeState | undefined {
    return this.#predecessor?.last;
  }

  get supervisor(): number | undefined {
    return this.#channel?.supervisor;
  }

  get listening(): RunningSbc['listening'] {
    return this.#config.listener.map(({ name, transport }) => ({
      name,
      transport,
      address: this.#running.signalling.transports.boundTo(name),
    }));
  }

  get dashboard(): SocketAddress | undefined {
    return this.#dashboard?.address;
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  #drained: Promise<void> | undefined;
  readonly #replaced = Promise.withResolvers<void>();

  async #drain(): Promise<void> {
    if (this.#state !== 'ready') return;
    this.#state = 'draining';
    this.#note('drain', this.#config.sbc.name);
    this.#logger.info('draining', { calls: this.#running.signalling.b2bua.active });
    const { media, signalling } = this.#running;
    const { b2bua } = signalling;
    // No call comes that they are held ready for.
    media.closeIdle();
    const deadline = this.#scheduler.after(this.#config.sbc.drain_timeout, () => b2bua.endAll());
    await b2bua.drain();
    deadline.cancel();
    this.#logger.info('drained');
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    // Whoever never got ready has no calls: those that were kept are for the next one.
    const hasCalls = this.#state !== 'starting';
    if (this.#state === 'left') {
      this.#state = 'stopped';
      // Everything else ends with the process, and was written down before: what runs is another one's.
      this.#parts?.signalling.transports.close();
      return;
    }
    this.#state = 'stopped';
    this.#parts?.signalling.registrar.drain();
    this.#parts?.signalling.trunks.withdraw();
    if (hasCalls && this.#parts !== undefined) await sayLastWords(this.#parts.signalling, this.#scheduler);
    for (const close of this.#started.toReversed()) {
      try {
        await close();
      } catch (thrown) {
        this.#logger.error('stop-failed', { error: messageOf(thrown) });
      }
    }
    this.#logger.info('stopped');
  }

  // What the admin API and signals ask for.

  async reload(actor?: string): Promise<Result<readonly string[], readonly string[]>> {
    const loaded = loadConfig(this.#configFile);
    if (!loaded.ok) return this.#refuseReload(loaded.error.map(formatConfigError));
    const plan = planReload(this.#config, loaded.value);
    if (!plan.ok) return this.#refuseReload(plan.error);
    let renewed: readonly string[];
    try {
      // Read before anything is replaced.
      const tls = webTls(loaded.value, this.#configFile);
      renewed = this.#running.signalling.apply(loaded.value);
      if (tls !== undefined) this.#dashboard?.setCertificate(tls);
    } catch (thrown) {
      return this.#refuseReload([messageOf(thrown)]);
    }
    this.#config = loaded.value;
    this.#logLevel.configure(loaded.value.log.level);
    // An address may be used no more.
    this.#running.media.closeIdle();
    const changed = [...plan.value, ...renewed.map((listener) => `certificate of ${listener}`)];
    this.#logger.info('reloaded', { changed });
    this.#channel?.send({ type: 'changed' });
    this.#note('reload', this.#config.sbc.name, changed.join(', '), actor);
    return ok(changed);
  }

  isReady(): boolean {
    return this.#state === 'ready';
  }

  isDraining(): boolean {
    return this.#state === 'draining';
  }

  // Parts of the start.

  get #running(): SbcParts {
    if (this.#parts === undefined) throw new SbcError('not-started', 'the SBC has not started');
    return this.#parts;
  }

  /** What an operator ordered of the running SBC goes into the audit log; one that takes nothing is an error in the other log. */
  #note(action: string, subject: string, detail?: string, actor = 'admin'): void {
    try {
      this.#audit?.append({ actor, action, subject, detail });
    } catch (thrown) {
      this.#logger.error('audit-failed', { action, subject, error: messageOf(thrown) });
    }
  }

  /** What takes long to start is started side by side; what did start is closed at the end, whatever became of the others. */
  async #allStarted<A extends Closable, B extends Closable>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
    for (const outcome of await Promise.allSettled([one, other])) {
      if (outcome.status === 'fulfilled') this.#started.push(() => outcome.value.close());
    }
    return Promise.all([one, other]);
  }

  /** Its calls run on in the other process: nothing is said to anybody, and nothing written of them. */
  async #onReplaced(): Promise<void> {
    const node = nodeName(this.#config);
    this.#logger.error('node-replaced', { node });
    this.#alerts?.tell({ kind: 'node-replaced', node });
    this.#parts?.signalling.keeper.letGo();
    this.#state = 'starting';
    await this.stop();
    this.#replaced.resolve();
  }

  #onStoreTrouble({ kind: trouble, detail }: StoreTrouble): void {
    this.#alerts?.tell({ kind: 'store-trouble', trouble, detail });
  }

  /** False when it is to end instead. */
  async #becomeNode(shared: SharedSite, standby: Pick<StandbyOptions, 'ended'> | undefined): Promise<boolean> {
    if (standby === undefined) return shared.begin();
    const { promise: told, resolve: onTakeover } = Promise.withResolvers<void>();
    const { address, socket: path } = this.#config.admin;
    const socket = this.#adminSocket(path);
    const door = new StandbyServer({ socket, address, version, onTakeover, logger: this.#logger });
    await door.listen();
    try {
      return await shared.begin({ told, ended: standby.ended });
    } finally {
      await door.close();
    }
  }

  /** With the folder that it stands in. */
  #adminSocket(socket: string): string {
    const path = this.#path(socket);
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    return path;
  }

  #firewall(): NftSet | undefined {
    const { nft_set: set } = this.#config.bans;
    return set === undefined ? undefined : new NftSet({ set, logger: this.#logger });
  }

  async #startEmbedded(name: string): Promise<SocketAddress> {
    const pbx = await startEmbeddedPbx({
      address: { address: '127.0.0.1', port: 0 },
      scheduler: this.#scheduler,
      random: systemRandom,
      logger: this.#logger.child({ embeddedPbx: name }),
    });
    this.#started.push(() => pbx.close());
    return pbx.address;
  }

  /** From now on another process may take its place, and it ends when nobody keeps it running. */
  #supervised(parts: HandingOverParts): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const end = (code: number): void => {
      this.#state = 'left';
      this.#over.resolve(code);
    };
    const refusal = (): string | undefined => {
      if (this.#running.shared !== undefined) return takesOver;
      return this.isReady() ? undefined : 'the process that serves is ending';
    };
    this.#predecessor = predecessorOn(channel, parts, { refusal, end });
    void channel.gone.then(async () => {
      if (this.#state === 'left') return;
      this.#logger.error('supervisor-gone');
      // Whoever is started next takes up the calls as they are now.
      await heritageOf(parts).freeze();
      end(1);
    });
    // Of a pair the other machine is what waits: a spare here would take the node from it when it had taken over.
    channel.send({ type: 'ready', spare: this.#config.sbc.spare && !this.#isOfPair });
  }

  /** The faces that operators ask; another process that takes over needs their addresses. */
  async #startAdmin(stores: Pick<DashboardParts, 'accounts' | 'alerts'>): Promise<HandingOverParts['admin']> {
    const { address, socket, web } = this.#config.admin;
    const path = this.#adminSocket(socket);
    const { b2bua } = this.#running.signalling;
    const quality = new LiveQuality({
      calls: () => b2bua.calls().map(({ id }) => id),
      ask: async (call) => (await b2bua.detail(call))?.media,
      clock: systemClock,
    });
    const note: OperationsParts['note'] = (action, subject, detail, by) => this.#note(action, subject, detail, by);
    const shared = { ...this.#running, quality, note };
    const operations = new Operations({ ...shared, life: this, config: () => this.#config, logLevel: this.#logLevel });
    const admin = new AdminServer({ operations, socket: path, address, logger: this.#logger });
    await admin.listen();
    this.#started.push(() => admin.close());
    if (web === undefined) return admin;
    const dashboard = new Dashboard(
      {
        ...shared,
        ...stores,
        operations,
        config: this.#config,
        configFile: this.#configFile,
        recent: this.#recent,
        background: this.#mediaScheduler,
        logger: this.#logger,
      },
      web,
    );
    this.#started.push(() => dashboard.end());
    await dashboard.listen();
    this.#dashboard = dashboard;
    const { address: bound } = dashboard;
    this.#logger.info('dashboard', {
      address: bound && formatSocketAddress(bound),
      tls: web.certificate !== undefined,
    });
    return {
      listen: async () => {
        await admin.listen();
        await dashboard.listen();
      },
      close: async () => {
        await Promise.all([admin.close(), dashboard.close()]);
      },
    };
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

interface Closable {
  close(): Promise<void> | void;
}

/** Two processes of one node would each tell the store that they are it. */
const takesOver = 'with a [store], start the new program with "run --standby" beside it, then "portcullis takeover"';

type AuditLog = KeptState['audit'];

interface SbcParts {
  readonly media: MediaPlane;
  readonly signalling: Signalling;
  /** Undefined: this node stands alone. */
  readonly shared: SharedSite | undefined;
}
