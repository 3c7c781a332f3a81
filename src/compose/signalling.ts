// Everything between the SIP sockets and the calls of one running SBC, wired together, and what a reload replaces in it.
import type { RouteTestQuery, RouteTestView } from '../admin/operations.ts';
import { B2bua } from '../b2bua/b2bua.ts';
import { defaultB2buaLimits } from '../b2bua/b2bua-parts.ts';
import type { CallRecord } from '../b2bua/call-record.ts';
import { Subscriptions } from '../b2bua/subscriptions.ts';
import type { Config } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Result } from '../core/result.ts';
import type { Scheduler } from '../core/scheduler.ts';
import type { SocketAddress } from '../core/socket-address.ts';
import type { MediaPlane } from '../media/plane/media-plane.ts';
import { Metrics } from '../observe/metrics.ts';
import { SignallingTrace } from '../observe/trace/signalling-trace.ts';
import type { AlertSink } from '../policy/alert.ts';
import type { BanStore } from '../policy/bans.ts';
import type { DeviceRecord, DeviceStore } from '../policy/devices.ts';
import type { FraudStore } from '../policy/fraud/fraud-store.ts';
import type { SourceRateLimiter } from '../policy/source-rate.ts';
import type { TotpVerdict } from '../policy/totp.ts';
import { defaultRegistrarLimits } from '../registration/bindings.ts';
import type { LocationStore } from '../registration/location.ts';
import { Registrar } from '../registration/registrar.ts';
import { ChallengeGate } from '../sip/auth/challenge-gate.ts';
import type { SipRequest } from '../sip/message/message.ts';
import { Resolver } from '../sip/transport/resolver.ts';
import { SipTransports } from '../sip/transport/sip-transports.ts';
import { systemDns } from '../sip/transport/system-dns.ts';
import type { Identity, ServerTransaction } from '../sip/user-agent/session.ts';
import { UserAgent } from '../sip/user-agent/user-agent.ts';
import type { BudgetLedger } from '../store/budget-ledger.ts';
import type { CallStore } from '../store/call-store.ts';
import { MemoryReservationStore } from '../store/memory/reservation-store.ts';
import { MemorySourceRateLimiter } from '../store/memory/source-rate-limiter.ts';
import { AccessGuard } from './access-guard.ts';
import { authObserver } from './auth-observer.ts';
import { BanGuard, banRules, type Firewall } from './ban-guard.ts';
import { CallKeeper } from './call-keeper.ts';
import { DeviceDesk } from './device-desk.ts';
import { Forwardings } from './forwardings.ts';
import { FraudGuard } from './fraud-guard.ts';
import { fraudSettings, sameFraud } from './fraud-settings.ts';
import { gateOutcomes, Ingress } from './ingress.ts';
import { checkCertificate, familiesOf, listenerOptions, tlsOptions, transportLimits } from './listeners.ts';
import { otherRequest } from './other-request.ts';
import { OverloadGuard, overloadLimits } from './overload-guard.ts';
import { PeerProbes } from './peer-probes.ts';
import { type PolicyGround, policyGround } from './policy-ground.ts';
import { routeTest } from './route-test.ts';
import { mediaPortsOf, Site } from './site.ts';
import { TrunkRegistrations } from './trunk-registrations.ts';
import { UserStanding } from './user-standing.ts';
import type { UserDatabase } from './users.ts';

export interface SignallingOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What nonces and challenge tags are keyed with. */
  readonly secret: Uint8Array;
  readonly users: UserDatabase;
  readonly locations: LocationStore;
  readonly bans: BanStore;
  readonly devices: DeviceStore;
  readonly totp: { judge(owner: string, code: string): TotpVerdict | 'not-enrolled' };
  readonly budgets: BudgetLedger;
  readonly fraud: FraudStore;
  /** Where calls are kept for the process after this one. */
  readonly calls: CallStore;
  /** Drops banned sources before they reach us, where the configuration names a set. */
  readonly firewall?: Firewall | undefined;
  readonly media: MediaPlane;
  /** Where embedded PBXs are bound, by name. */
  readonly embedded: ReadonlyMap<string, SocketAddress>;
  readonly scheduler: Scheduler;
  /** For what waits as long as the process lives: a timer of a call must be seen when it is left behind. */
  readonly background: Scheduler;
  readonly random: Random;
  readonly logger: Logger;
  readonly onRecord: (record: CallRecord) => void;
  readonly onAlert: AlertSink;
  /** False while starting and draining: OPTIONS is answered 503. */
  readonly isAvailable: () => boolean;
}

export class Signalling {
  readonly transports: SipTransports;
  readonly registrar: Registrar;
  readonly userAgent: UserAgent;
  readonly b2bua: B2bua;
  readonly forwardings: Forwardings;
  readonly metrics: Metrics;
  /** Undefined where the configuration gives it no memory. */
  readonly trace: SignallingTrace | undefined;
  readonly probes: PeerProbes;
  readonly trunks: TrunkRegistrations;
  readonly subscriptions: Subscriptions;
  readonly standing: UserStanding;
  readonly #options: SignallingOptions;
  readonly #reservations: MemoryReservationStore;
  readonly #ground: PolicyGround;
  readonly #resolver: Resolver;
  readonly bans: BanGuard;
  readonly fraud: FraudGuard;
  readonly overload: OverloadGuard;
  readonly access: AccessGuard;
  readonly devices: DeviceDesk;
  readonly #gate: ChallengeGate;
  readonly #ingress: Ingress;
  readonly #keeper: CallKeeper;
  #isListening = false;
  #site: Site;
  #rate: SourceRateLimiter;

  /** Nothing is bound yet. Throws SbcError when a file or secret that the configuration names is not there. */
  constructor(options: SignallingOptions) {
    this.#options = options;
    const { config, media, logger, scheduler, random } = options;
    const common = { scheduler, random, logger };
    this.#reservations = new MemoryReservationStore(scheduler.clock, options.budgets);
    this.devices = new DeviceDesk({
      store: options.devices,
      judgeCode: (aor, code) => options.totp.judge(`user ${aor}`, code),
      onDropped: (aor) => this.subscriptions.endOf(aor, 'probation'),
      instanceOn: (aor, flowId) => this.registrar.instanceOn(aor, flowId),
      clock: scheduler.clock,
      logger,
      onAlert: options.onAlert,
    });
    this.#ground = policyGround({
      clock: scheduler.clock,
      freePorts: () => mediaPortsOf(this.#site.config) - media.portsInUse,
      restrictions: (subject) => this.fraud.restrictionsOn(subject),
      onAlert: options.onAlert,
      devices: this.devices,
    });
    this.metrics = this.#createMetrics();
    this.#rate = this.#createRate(config);
    this.bans = this.#createBans();
    this.fraud = new FraudGuard({
      scheduler: options.background,
      logger,
      store: options.fraud,
      locked: this.#ground.locked,
      onAlert: options.onAlert,
      endCall: (call) => this.b2bua.end(call, 'fraud'),
      lockUser: async (aor) => {
        const kept = await this.#site.users.lock(aor);
        this.#recheck([aor]);
        return kept;
      },
      bans: this.bans,
      isExempt: (address) => this.#site.isNeverBanned(address),
    });
    this.fraud.apply(fraudSettings(config, options.configFile));
    const { memory } = config.trace;
    this.trace = memory > 0 ? new SignallingTrace({ memory, clock: scheduler.clock }) : undefined;
    this.transports = new SipTransports({
      listeners: listenerOptions(config, options.configFile),
      limits: transportLimits(config),
      isBanned: (address) => this.bans.isBanned(address),
      tap: this.trace,
      events: {
        onMessage: (message, flow) => this.#ingress.onMessage(message, flow),
        onUnparsable: (error, flow) => this.#ingress.onUnparsable(error, flow),
        onFlowClosed: (flow) => this.#ingress.onFlowClosed(flow),
      },
      ...common,
    });
    this.registrar = this.#createRegistrar();
    this.#site = this.#createSite(config);
    this.#resolver = new Resolver({
      dns: systemDns(),
      familiesOf: (listener) => familiesOf(config, listener),
      scheduler,
      random,
    });
    this.userAgent = new UserAgent({
      transport: this.transports,
      locator: this.#resolver,
      supports: (extension) => this.#site.supports(extension),
      timerC: () => this.#site.config.limits.progress_timeout,
      sessionTimers: () => this.#site.sessionTimers(),
      events: {
        onInvite: (incoming) => this.b2bua.onInvite(incoming),
        onRequest: (request, transaction, identity) => {
          if (request.method === 'REGISTER') this.registrar.onRegister(request, transaction, identity);
          else this.#onOther(request, transaction, identity);
        },
      },
      ...common,
    });
    this.forwardings = new Forwardings({ userAgent: this.userAgent, secret: options.secret, ...common });
    this.forwardings.apply(this.#site);
    this.probes = new PeerProbes({
      userAgent: this.userAgent,
      onChanged: (peer, isUp) => options.onAlert({ kind: isUp ? 'peer-up' : 'peer-down', peer }),
      ...common,
    });
    this.probes.apply(this.#site);
    this.trunks = new TrunkRegistrations({ userAgent: this.userAgent, secret: options.secret, ...common });
    this.trunks.apply(this.#site);
    this.access = new AccessGuard({
      site: () => this.#site,
      devices: this.devices,
      peerOf: (request) => this.userAgent.peerOf(request),
      logger,
    });
    this.subscriptions = new Subscriptions({
      userAgent: this.userAgent,
      admissions: { admit: (request, identity, way) => this.#site.admissions.admit(request, identity, way) },
      policy: () => this.#site.methodPolicy(),
      mayStand: (user) => this.#site.users.mayStand(user.name, user.domain),
      isAvailable: options.isAvailable,
      onRefused: (code) => this.metrics.subscriptionRefused(code),
      clock: scheduler.clock,
      random,
      logger,
    });
    this.standing = new UserStanding({
      mayStand: (name, domain) => this.#site.users.mayStand(name, domain),
      registrar: this.registrar,
      subscriptions: this.subscriptions,
      logger,
    });
    this.#gate = this.#createGate();
    this.overload = new OverloadGuard({
      limits: () => overloadLimits(this.#site.config),
      lookUps: () => this.#gate.pending,
      transactions: () => this.userAgent.layer.active,
      scheduler,
      logger,
    });
    this.overload.start();
    this.b2bua = new B2bua({
      userAgent: this.userAgent,
      admissions: {
        admit: (request, identity, way) => this.#site.admissions.admit(request, identity, way),
        admitStanding: (request, identity, way, leg) =>
          this.#site.admissions.admitStanding(request, identity, way, leg),
        isEmergency: (request, identity) => this.#site.admissions.isEmergency(request, identity),
      },
      directory: {
        mediaOf: (flow, identity) => this.#site.mediaOf(flow, identity),
        isOurs: (host) => this.#site.isOurs(host),
        methodPolicy: () => this.#site.methodPolicy(),
      },
      reservations: this.#reservations,
      media,
      observer: {
        onDialog: (call, callId) => this.trace?.belongs(call, callId),
        onAdmitted: ({ id, request, identity, flow }, admission) => {
          if (identity.kind === 'user') this.#ground.charges.note(id, request, identity.aor);
          this.fraud.admitted(id, admission, flow);
        },
        onRedirected: ({ id, request }, admission) => {
          this.#ground.charges.redirected(id, request, admission);
          this.fraud.redirected(id, admission);
        },
        onRedirectRefused: ({ id }, by, code) => this.fraud.redirectRefused(id, by, code),
        onReached: (call) => this.#keeper.reached(call),
        onCallEnded: (record) => {
          // Calls of an earlier process stay its own until this one listens.
          if (!this.#isListening) return;
          this.fraud.ended(record);
          this.#ground.charges.forget(record.callId);
          this.metrics.callEnded(record);
          options.onRecord(record);
          this.#keeper.ended(record);
        },
      },
      limits: defaultB2buaLimits,
      ...common,
    });
    this.#keeper = new CallKeeper({
      store: options.calls,
      b2bua: this.b2bua,
      reservations: this.#reservations,
      charges: this.#ground.charges,
      onRecord: options.onRecord,
      scheduler: options.background,
      logger,
    });
    this.#ingress = new Ingress({
      userAgent: this.userAgent,
      gate: this.#gate,
      bans: this.bans,
      overload: this.overload,
      isEmergency: (request, identity) => this.#site.admissions.isEmergency(request, identity),
      rate: () => this.#rate,
      rules: () => this.#site.gateRules,
      transport: this.transports,
      metrics: this.metrics,
      logger,
      onFlowClosed: (flow) => this.registrar.flowClosed(flow),
    });
  }

  /** Takes up the calls of the process before, then listens: their peers find them known. Rejects when a listener cannot be bound. */
  async listen(): Promise<void> {
    const listening = Promise.withResolvers<void>();
    this.#keeper.resume(listening.promise);
    await this.transports.listen();
    this.#isListening = true;
    listening.resolve();
  }

  /** Takes a new configuration over. Throws before anything is replaced when part of it cannot be made. */
  apply(config: Config): void {
    const site = this.#createSite(config);
    const fraud = fraudSettings(config, this.#options.configFile);
    const certificates = config.listener.flatMap((listener) => {
      const tls = tlsOptions(listener, this.#options.configFile);
      return tls === undefined ? [] : [{ listener: listener.name, tls }];
    });
    for (const { tls } of certificates) checkCertificate(tls);
    for (const { listener, tls } of certificates) this.transports.setCertificate(listener, tls);
    this.#gate.replaceRules(site.gateRules);
    if (!sameFraud(this.#site.config, config)) this.fraud.apply(fraud);
    const gone = this.#site.users.configuredNames.filter((aor) => !site.users.configuredNames.includes(aor));
    this.#site = site;
    this.#recheck(gone);
    this.bans.replaceRules(banRules(config));
    this.#rate = this.#createRate(config);
    this.probes.apply(site);
    this.trunks.apply(site);
    if (this.forwardings.apply(site)) this.#announce();
  }

  /** Approves the device of every registration that is alive, but for those that were denied. Rejects when a store cannot answer. */
  async learnDevices(by: string): Promise<readonly DeviceRecord[]> {
    const learned: DeviceRecord[] = [];
    for (const { record, flow } of await this.registrar.live()) {
      const { secondFactor } = await this.#site.users.accessOf(record.aor);
      const factor = secondFactor === 'off' ? 'device' : secondFactor;
      const device = this.devices.admit(record, flow, factor, by);
      if (device !== undefined) learned.push(device);
    }
    return learned;
  }

  /** What would become of a call by the configuration as it is applied. */
  routeTest(query: RouteTestQuery): Promise<Result<RouteTestView, string>> {
    return routeTest(this.#site, query);
  }

  /** Forgets all that is in progress and closes every socket. */
  close(): void {
    this.#gate.close();
    this.overload.close();
    this.fraud.close();
    this.forwardings.close();
    this.probes.close();
    this.trunks.close();
    this.#keeper.close();
    this.userAgent.shutdown();
    this.#resolver.close();
    this.transports.close();
  }

  #onOther(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const { isAvailable, random, logger } = this.#options;
    otherRequest(request, transaction, identity, {
      isAvailable: isAvailable(),
      capabilities: this.userAgent.capabilities,
      admissions: this.#site.admissions,
      policy: () => this.#site.methodPolicy(),
      requester: this.userAgent,
      subscriptions: this.subscriptions,
      random,
      logger,
    });
  }

  #createSite(config: Config): Site {
    const { users: database, logger, embedded, random, environment, scheduler } = this.#options;
    const { registrar } = this;
    const { clock } = scheduler;
    const registeredAor = (pbx: string, user: string): ReturnType<Site['registeredAor']> =>
      this.forwardings.aorOf(pbx, user);
    return new Site({
      config,
      fingerprint: this.#options.media.fingerprint,
      database,
      clock,
      registrar,
      registeredAor,
      isUp: (peer) => this.probes.isUp(peer) ?? true,
      trunkContact: (trunk) => this.trunks.contactUser(trunk),
      logger,
      embedded,
      random,
      environment,
      ground: this.#ground,
    });
  }

  /** Users that were locked, or that the configuration has no more: some may be in the database. */
  #recheck(aors: readonly string[]): void {
    for (const aor of aors) {
      this.standing.recheck(aor).catch((thrown: unknown) => {
        this.#options.logger.error('recheck-failed', { aor, error: messageOf(thrown) });
      });
    }
  }

  /** Phones that are registered belong to other PBXs now. */
  #announce(): void {
    void this.registrar.announce().catch((thrown: unknown) => {
      this.#options.logger.error('announce-failed', { error: messageOf(thrown) });
    });
  }

  #createRate(config: Config): SourceRateLimiter {
    return new MemorySourceRateLimiter(config.limits.source_requests_per_second, this.#options.scheduler.clock);
  }

  #createRegistrar(): Registrar {
    const { config, locations, scheduler, random, logger } = this.#options;
    const { min_expires, max_expires, contacts_per_user } = config.registrations;
    const longest = Math.floor(max_expires / 1000);
    return new Registrar({
      store: locations,
      scheduler,
      random,
      logger,
      limits: {
        ...defaultRegistrarLimits,
        minExpires: Math.ceil(min_expires / 1000),
        maxExpires: longest,
        defaultExpires: longest,
        contactsPerUser: contacts_per_user,
      },
      isAlive: (flow) => this.transports.isAlive(flow),
      domainOf: (host) => this.#site.domainOfHost(host),
      upstreamOf: (aor) => this.forwardings.of(aor),
      onMoved: (oldFlowId, flow, identity) => this.userAgent.moveDialogs(oldFlowId, flow, identity),
      onRegistered: (aor, flow) => this.fraud.registered(aor, flow),
    });
  }

  #createGate(): ChallengeGate {
    const { secret, scheduler, random, logger } = this.#options;
    const { metrics, transports, userAgent, bans } = this;
    return new ChallengeGate({
      rules: this.#site.gateRules,
      secret,
      store: { find: (name, domain) => this.#site.users.find(name, domain) },
      view: {
        matchesTransaction: (request) => userAgent.layer.matches(request),
        knowsDialog: (request, flow) => userAgent.knowsDialog(request, flow),
        isAlive: (flow) => transports.isAlive(flow),
        isBarred: (flow, username) => bans.isAccountBanned(flow, username),
        barrier: this.access.barrier,
      },
      outcomes: gateOutcomes({ userAgent: () => userAgent, transport: () => transports, bans, metrics }),
      observer: authObserver({ bans, metrics, logger }),
      scheduler,
      random,
      logger,
    });
  }

  #createBans(): BanGuard {
    const { config, bans: store, scheduler, logger } = this.#options;
    return new BanGuard({
      rules: banRules(config),
      enabled: () => this.#site.config.bans.enabled,
      isExempt: (address) => this.#site.isNeverBanned(address),
      store,
      clock: scheduler.clock,
      logger,
      onBanned: ({ source, account, reason }, remaining) => {
        this.metrics.banned(reason);
        const until = Math.round(scheduler.clock.wall() + remaining);
        this.#options.onAlert({ kind: 'banned', source, account, reason, until });
        if (account !== undefined) return;
        this.#options.firewall?.add(source, remaining);
        this.transports.disconnect((address) => this.bans.isBanned(address));
      },
      onLifted: ({ source, account }) => {
        if (account === undefined) this.#options.firewall?.remove(source);
      },
    });
  }

  #createMetrics(): Metrics {
    const { media, scheduler } = this.#options;
    return new Metrics({
      calls: () => this.b2bua.active,
      dialogs: () => this.userAgent.dialogs,
      registrations: () => this.registrar.flows,
      subscriptions: () => this.subscriptions.active,
      reservations: () => this.#reservations.held(),
      transactions: () => this.userAgent.layer.active,
      timers: () => scheduler.pending,
      peersUp: () => this.probes.states(),
      loopLag: () => this.overload.lag,
      connections: () => this.transports.connections,
      refusedConnections: () => this.transports.refused,
      handlingFailures: () => this.transports.handlingFailures,
      mediaPorts: () => media.portsInUse,
      mediaSessions: () => media.activeSessions,
      media: () => media.stats(),
    });
  }
}
