// All of one process that serves: what is opened, in which order, and how it ends.
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf, SbcError } from '../core/errors.ts';
import { ok, type Result } from '../core/result.ts';
import { SystemScheduler } from '../core/scheduler.ts';
import { collectAll, collectWhenSettled } from '../core/settling.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import type { UpgradeState } from '../handover/predecessor.ts';
import type { Successor } from '../handover/successor.ts';
import type { MediaPlane } from '../media/plane/media-plane.ts';
import type { Alerts } from '../observe/alerts/alerts.ts';
import { createLogger, type RootLogger } from '../observe/log.ts';
import { RecentCalls } from '../observe/recent-calls.ts';
import { version } from '../version.ts';
import { openGround } from './ground.ts';
import { succeed } from './handing-over.ts';
import { nodeName } from './nodes/shared-site.ts';
import { becomeNodeOf } from './nodes/standby-door.ts';
import { Opened } from './opened.ts';
import { adminSocket } from './operation/admin-socket.ts';
import type { Dashboard } from './operation/dashboard.ts';
import { LogLevelDesk } from './operation/log-level-desk.ts';
import type { Life } from './operation/operations.ts';
import type { RunningParts } from './operation/operator-faces.ts';
import { type AuditLog, noteIn } from './operation/operator-notes.ts';
import { ProcessOf } from './process-of.ts';
import type { Rooms } from './rooms.ts';
import type { RunningSbc, StandbyOptions, StartOptions } from './running-sbc.ts';
import { sayLastWords } from './signalling/last-words.ts';
import { isQuiet } from './signalling/quiet.ts';
import { Supervised } from './supervised.ts';

export class Sbc implements RunningSbc, Life {
  readonly #configFile: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #logger: RootLogger;
  readonly #scheduler: SystemScheduler;
  /** Apart, since the workers' heartbeat always waits, and a timer of a call must be seen when it is left behind. */
  readonly #mediaScheduler: SystemScheduler;
  readonly #logLevel: LogLevelDesk;
  readonly #opened: Opened;
  #config: Config;
  #state: 'starting' | 'ready' | 'draining' | 'left' | 'stopped' = 'starting';
  #parts: (RunningParts & { readonly rooms: Rooms }) | undefined;
  #media: Pick<MediaPlane, 'settle'> | undefined;
  #audit: AuditLog | undefined;
  #dashboard: Dashboard | undefined;
  readonly #recent = new RecentCalls();
  #alerts: Alerts | undefined;
  readonly #supervised: Supervised;
  #isOfPair = false;
  readonly #place: ProcessOf;

  constructor({ config: given, configFile, environment = process.env, logger, channel }: StartOptions) {
    this.#place = new ProcessOf(given, configFile, channel?.process);
    const config = this.#place.configOf(given);
    this.#config = config;
    this.#configFile = resolve(configFile);
    this.#environment = environment;
    this.#logger = logger ?? createLogger(config.sbc.name, config.log.level);
    this.#opened = new Opened(this.#logger);
    const onError = (thrown: unknown): void => this.#logger.error('timer-failed', { error: messageOf(thrown) });
    this.#scheduler = new SystemScheduler(systemClock, onError);
    this.#mediaScheduler = new SystemScheduler(systemClock, onError);
    this.#logLevel = new LogLevelDesk({
      logger: this.#logger,
      configured: config.log.level,
      scheduler: this.#mediaScheduler,
    });
    this.#opened.add(this.#logLevel);
    this.#supervised = new Supervised({
      channel,
      refusal: () => this.#irreplaceable(),
      isStopping: () => this.#state === 'stopped',
      onAsked: () => this.#note('upgrade', this.#config.sbc.name),
      onLeft: () => {
        this.#state = 'left';
      },
    });
  }

  /** False when it stood by and was told to end. */
  async start(standby: Pick<StandbyOptions, 'ended'> | undefined): Promise<boolean> {
    const { channel } = this.#supervised;
    this.#isOfPair = standby !== undefined;
    const settle = (): void => {
      collectAll();
      this.#media?.settle();
    };
    this.#opened.add(collectWhenSettled(this.#mediaScheduler, () => this.#isIdle, settle));
    if (channel === undefined || channel.role === 'serve') return this.#start(undefined, standby);
    // Whoever it follows was the node.
    return succeed(channel, (before) => this.#start(before, undefined));
  }

  /** `before`: of the process whose place it takes. */
  async #start(before: Successor | undefined, standby: Pick<StandbyOptions, 'ended'> | undefined): Promise<boolean> {
    const config = this.#config;
    const logger = this.#logger;
    const stateDir = this.#path(config.sbc.state_dir);
    const ground = await openGround({
      config,
      configFile: this.#configFile,
      environment: this.#environment,
      stateDir,
      scheduler: this.#mediaScheduler,
      logger,
      opened: this.#opened,
      before,
      accounts: this.#place.accounts,
      onStoreTrouble: ({ kind: trouble, detail }) => this.#alerts?.tell({ kind: 'store-trouble', trouble, detail }),
    });
    const { kept, connection, own, media, rooms } = ground;
    this.#media = media;
    const { users, totp, run } = kept;
    this.#audit = kept.audit;
    // Nothing may be sent, and so bound, before the sockets of the one before are there.
    if (before !== undefined) this.#scheduler.hold();
    const { alerts, records } = rooms.openTelling({
      config,
      environment: this.#environment,
      stateDir,
      journal: own.alerts,
      scheduler: this.#scheduler,
      background: this.#mediaScheduler,
      logger,
      metrics: () => this.#parts?.signalling.metrics,
    });
    this.#opened.add(alerts);
    this.#opened.add(records);
    this.#alerts = alerts;
    const embedded = await rooms.startEmbeddedPbxs(config, { scheduler: this.#scheduler, logger });
    this.#opened.add(embedded);
    const shared = connection?.join(own, { onAlert: alerts.tell, onReplaced: () => void this.#onReplaced() });
    if (shared !== undefined) {
      this.#opened.add(shared);
      const door = { ...config.admin, socket: adminSocket(this.#path(config.admin.socket)), logger };
      // It may stand by for weeks, and another version be installed meanwhile: what writes is there, with its file open, before.
      if (standby !== undefined) await own.flush();
      if (!(await becomeNodeOf(shared, standby, door))) return false;
    }
    const hep = rooms.openHep({ config, environment: this.#environment, scheduler: this.#mediaScheduler, logger });
    this.#opened.add(hep);
    const signalling = rooms.openSignalling({
      hep,
      config,
      configFile: this.#configFile,
      environment: this.#environment,
      stateDir,
      run,
      users,
      totp,
      own,
      shared,
      media,
      embedded: embedded.addresses,
      scheduler: this.#scheduler,
      background: this.#mediaScheduler,
      logger,
      records,
      recent: this.#recent,
      isAvailable: () => this.isReady(),
      place: this.#place.placeOf(run),
      onAlert: alerts.tell,
    });
    this.#opened.add(signalling);
    this.#parts = { media, signalling, shared, rooms };
    let resumed = Promise.resolve();
    await shared?.moved;
    await signalling.listen(async () => {
      if (before !== undefined) resumed = media.inherit(await before.released());
      return ground.inherited;
    });
    this.#scheduler.release();
    const faces = await rooms.openFaces({
      running: this.#parts,
      life: this,
      config: () => this.#config,
      configFile: this.#configFile,
      socket: adminSocket(this.#path(config.admin.socket)),
      sockets: this.#place.sockets,
      accounts: kept.admins,
      alerts: kept.alerts,
      logLevel: this.#logLevel,
      recent: this.#recent,
      signedIn: before?.signedIn,
      background: this.#mediaScheduler,
      note: (action, subject, detail, by) => this.#note(action, subject, detail, by),
      logger,
    });
    this.#opened.add({ close: () => faces.end() });
    this.#dashboard = faces.dashboard;
    await resumed;
    this.#state = 'ready';
    // Of a pair the other machine is what waits: a spare here would take the node from it when it had taken over.
    this.#supervised.begin(config.sbc.spare && !this.#isOfPair, {
      config: () => this.#config,
      signalling,
      media,
      scheduler: this.#scheduler,
      background: this.#mediaScheduler,
      admin: faces,
      flush: async (isWanted) => {
        await records.flush();
        if (!isWanted()) return;
        signalling.keep();
        await (shared?.stores ?? own).flush();
      },
      own,
      shared,
      logger,
    });
    this.#note('start', config.sbc.name, version);
    logger.info('ready', { listeners: this.listening.length });
    // It looks at the whole machine at once, which can wait until everybody is served.
    const watched = rooms.watchAll({
      config: () => this.#config,
      configFile: this.#configFile,
      stateDirectory: stateDir,
      workersLost: () => media.stats().workersLost,
      scheduler: this.#mediaScheduler,
      logger,
      onAlert: alerts.tell,
      reload: () => this.reload('file-watch'),
    });
    this.#opened.add(watched);
    return true;
  }

  get replaced(): Promise<void> {
    return this.#replaced.promise;
  }

  get over(): Promise<number> {
    return this.#supervised.over;
  }

  get lastUpgrade(): UpgradeState | undefined {
    return this.#supervised.lastUpgrade;
  }

  get supervisor(): number | undefined {
    return this.#supervised.channel?.supervisor;
  }

  upgrade(): string | undefined {
    return this.#supervised.upgrade();
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
    await this.#opened.close();
    this.#logger.info('stopped');
  }

  // What the admin API and signals ask for.

  async reload(actor?: string): Promise<Result<readonly string[], readonly string[]>> {
    const { signalling, media, rooms } = this.#running;
    const { configOf } = this.#place;
    const applied = rooms.applyFile(this.#configFile, this.#config, {
      signalling,
      dashboard: this.#dashboard,
      configOf,
    });
    if (!applied.ok) {
      this.#logger.error('reload-refused', { errors: applied.error });
      return applied;
    }
    const { config, changed } = applied.value;
    this.#config = config;
    this.#logLevel.configure(config.log.level);
    // An address may be used no more.
    media.closeIdle();
    this.#logger.info('reloaded', { changed });
    this.#supervised.changed();
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

  get #running(): RunningParts & { readonly rooms: Rooms } {
    if (this.#parts === undefined) throw new SbcError('not-started', 'the SBC has not started');
    return this.#parts;
  }

  /** Nobody would wait for it; one that stands by serves nobody. Who is about to serve is not. */
  get #isIdle(): boolean {
    if (this.#state === 'starting') return this.#isOfPair || this.#supervised.channel?.role === 'spare';
    if (this.#parts === undefined) return false;
    return isQuiet(this.#parts.signalling);
  }

  /** Why no other process can take its place; undefined: one can. */
  #irreplaceable(): string | undefined {
    if (this.#state !== 'ready') return `this process is ${this.#state}`;
    return this.#running.shared?.link.isUp === false ? 'the shared store is away' : undefined;
  }

  #note(action: string, subject: string, detail?: string, actor?: string): void {
    noteIn(this.#audit, this.#logger, { action, subject, detail, actor });
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

  /** Relative paths are relative to the folder of the configuration. */
  #path(path: string): string {
    return resolve(dirname(this.#configFile), path);
  }
}
