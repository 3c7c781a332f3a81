// Everything between the SIP sockets and the calls of one running SBC, wired together, and what a reload replaces in it.
import { isDeepStrictEqual } from 'node:util';
import type { RouteTestQuery, RouteTestView } from '../../admin/operations.ts';
import type { B2bua } from '../../b2bua/b2bua.ts';
import { FormerSubscriptions } from '../../b2bua/subscription/former-subscriptions.ts';
import type { Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import type { Config } from '../../config/schema.ts';
import { messageOf } from '../../core/errors.ts';
import type { Result } from '../../core/result.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { SignallingTrace } from '../../observe/trace/signalling-trace.ts';
import type { DeviceRecord } from '../../policy/devices.ts';
import type { RestorableReservations } from '../../policy/reservations.ts';
import type { SourceRateLimiter } from '../../policy/source-rate.ts';
import type { Registrar } from '../../registration/registrar.ts';
import type { ChallengeGate } from '../../sip/auth/challenge-gate.ts';
import type { TlsOptions } from '../../sip/transport/listener-options.ts';
import { Resolver } from '../../sip/transport/resolver.ts';
import type { SipTransports } from '../../sip/transport/sip-transports.ts';
import { systemDns } from '../../sip/transport/system-dns.ts';
import { UserAgent } from '../../sip/user-agent/user-agent.ts';
import { MemoryReservationStore } from '../../store/memory/reservation-store.ts';
import { MemorySourceRateLimiter } from '../../store/memory/source-rate-limiter.ts';
import { AccessGuard } from '../entrance/access-guard.ts';
import { type BanGuard, banRules } from '../entrance/ban-guard.ts';
import type { Ingress } from '../entrance/ingress.ts';
import { OverloadGuard, overloadLimits } from '../entrance/overload-guard.ts';
import type { WaitingRoom } from '../entrance/waiting-room.ts';
import type { FraudGuard } from '../fraud/fraud-guard.ts';
import { fraudSettings, sameFraud } from '../fraud/fraud-settings.ts';
import { CallKeeper } from '../keeping/call-keeper.ts';
import { SubscriptionKeeper } from '../keeping/subscription-keeper.ts';
import type { DeviceDesk } from '../site/device-desk.ts';
import { checkCertificate, familiesOf, listenerOptions, tlsOptions } from '../site/listeners.ts';
import { type PolicyGround, policyGround } from '../site/policy-ground.ts';
import { routeTest } from '../site/route-test.ts';
import { mediaPortsOf, type Site } from '../site/site.ts';
import { callRoom, subscriptionRoom } from './call-room.ts';
import { Forwardings } from './forwardings.ts';
import { banGuard, challengeGate, deviceDesk, fraudGuard, ingressOf } from './guards.ts';
import { markOf } from './node-mark.ts';
import { PeerProbes } from './peer-probes.ts';
import type { ProcessRoom } from './process-room.ts';
import { registrarOf } from './registrar-room.ts';
import { signallingMetrics } from './signalling-metrics.ts';
import type { SignallingOptions, SignallingRooms } from './signalling-rooms.ts';
import { onOther, siteOf } from './signalling-site.ts';
import { processRoom, sockets } from './sockets.ts';
import { TrunkRegistrations } from './trunk-registrations.ts';
import { UserStanding } from './user-standing.ts';

export class Signalling implements SignallingRooms {
  readonly transports: SipTransports;
  readonly processes: ProcessRoom | undefined;
  readonly registrar: Registrar;
  readonly userAgent: UserAgent;
  readonly b2bua: B2bua;
  readonly forwardings: Forwardings;
  readonly metrics: Metrics;
  readonly trace: SignallingTrace | undefined;
  readonly probes: PeerProbes;
  readonly trunks: TrunkRegistrations;
  readonly subscriptions: Subscriptions;
  readonly standing: UserStanding;
  readonly reservations: RestorableReservations;
  readonly ground: PolicyGround;
  readonly bans: BanGuard;
  readonly fraud: FraudGuard;
  readonly overload: OverloadGuard;
  readonly access: AccessGuard;
  readonly devices: DeviceDesk;
  readonly keeper: CallKeeper;
  readonly #options: SignallingOptions;
  readonly #resolver: Resolver;
  readonly #former: FormerSubscriptions;
  readonly #subscriptionKeeper: SubscriptionKeeper;
  readonly #gate: ChallengeGate;
  readonly #ingress: Ingress;
  /** What each listener shows, by its name. */
  readonly #tls: Map<string, TlsOptions | undefined>;
  #isListening = false;
  readonly #untold: (() => void)[] = [];
  #site: Site;
  #rate: SourceRateLimiter;

  /** Nothing is bound yet. Throws SbcError when a file or secret that the configuration names is not there. */
  constructor(options: SignallingOptions) {
    this.#options = options;
    const { config, media, logger, scheduler, random } = options;
    const common = { scheduler, random, logger };
    const { reservations, budgets } = options.stores;
    this.reservations = reservations ?? new MemoryReservationStore(scheduler.clock, budgets);
    this.devices = deviceDesk(this, options);
    this.ground = policyGround({
      clock: scheduler.clock,
      freePorts: () => mediaPortsOf(this.#site.config) - media.portsInUse,
      restrictions: (subject) => this.fraud.restrictionsOn(subject),
      isStoreLost: options.shared === undefined ? undefined : () => options.shared?.refusesCalls === true,
      onAlert: options.onAlert,
      devices: this.devices,
    });
    this.metrics = signallingMetrics(this, options);
    this.#rate = this.#createRate(config);
    this.bans = banGuard(this, options);
    this.fraud = fraudGuard(this, options);
    this.fraud.apply(fraudSettings(config, options.configFile));
    const { memory } = config.trace;
    this.trace = memory > 0 ? new SignallingTrace({ memory, clock: scheduler.clock }) : undefined;
    const listeners = listenerOptions(config, options.configFile);
    this.#tls = new Map(listeners.map(({ name, tls }) => [name, tls]));
    this.processes = processRoom(this, options);
    this.transports = sockets(this, options, { listeners, ingress: () => this.#ingress });
    this.registrar = registrarOf(this, options);
    this.#site = siteOf(this, this.#options, config);
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
      credentialsOf: (peer) => this.#site.credentialsOf(peer),
      mark: markOf(config, options.place),
      timerC: () => this.#site.config.limits.progress_timeout,
      sessionTimers: () => this.#site.sessionTimers(),
      events: {
        onInvite: (incoming) => this.b2bua.onInvite(incoming),
        onRequest: (request, transaction, identity) => {
          if (request.method === 'REGISTER') this.registrar.onRegister(request, transaction, identity);
          else onOther(this, options, { request, transaction, identity });
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
    this.subscriptions = subscriptionRoom(this, options);
    this.#former = new FormerSubscriptions({
      userAgent: this.userAgent,
      isAlive: (flow) => this.transports.isAlive(flow),
      scheduler: options.background,
    });
    this.#subscriptionKeeper = new SubscriptionKeeper({
      store: options.stores.subscriptions,
      run: options.stores.calls.run,
      subscriptions: this.subscriptions,
      former: this.#former,
      scheduler: options.background,
    });
    this.standing = new UserStanding({
      mayStand: (name, domain) => this.#site.users.mayStand(name, domain),
      registrar: this.registrar,
      subscriptions: this.subscriptions,
      logger,
    });
    this.#gate = challengeGate(this, options);
    this.overload = new OverloadGuard({
      limits: () => overloadLimits(this.#site.config),
      lookUps: () => this.#gate.pending,
      transactions: () => this.userAgent.layer.active - this.userAgent.layer.lingering,
      scheduler,
      logger,
    });
    this.overload.start();
    this.b2bua = callRoom(this, options);
    this.keeper = new CallKeeper({
      store: options.stores.calls,
      b2bua: this.b2bua,
      reservations: this.reservations,
      charges: this.ground.charges,
      onRecord: options.onRecordAgain ?? options.onRecord,
      scheduler: options.background,
      logger,
    });
    this.#ingress = ingressOf(this, options, { gate: this.#gate, rate: () => this.#rate });
  }

  get site(): Site {
    return this.#site;
  }

  get waitingRoom(): WaitingRoom {
    return this.#ingress.room;
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  /**
   * Takes up the calls of the process before, then listens: their peers find them known. What is to be done in between gives sockets of
   * listeners, by name. Rejects when a listener cannot be bound.
   */
  async listen(between: () => Promise<ReadonlyMap<string, number>> = noSockets): Promise<void> {
    const listening = Promise.withResolvers<void>();
    await this.registrar.takeUp();
    this.keeper.resume(listening.promise);
    this.#subscriptionKeeper.resume(listening.promise);
    await this.transports.listen(await between());
    await this.processes?.listen(this.transports);
    this.#isListening = true;
    listening.resolve();
    // A PBX that registrations are forwarded to hears of those that go on.
    this.#announce();
  }

  /** From now on nothing is heard, said or recorded. Timers are held by their owner. */
  hold(): void {
    this.transports.hold();
    this.processes?.hold();
    this.waitingRoom.hold();
    this.#options.stores.nonces.keep(this.#gate.keptNonces());
    this.#isListening = false;
  }

  /** After `hold`, when records are on their way: what is running is written down, for another process or for `carryOn`. */
  keep(): void {
    this.keeper.hold();
    this.#subscriptionKeeper.hold();
  }

  /** The record of a call goes its way, unless the call is another process's; of one that may be, it waits for `carryOn`. */
  recorded(tell: () => void): void {
    if (this.#isListening) tell();
    else this.#untold.push(tell);
  }

  /** After `hold`. `inherited`: sockets of listeners by name, the others are bound again. */
  async carryOn(inherited: ReadonlyMap<string, number>): Promise<void> {
    await this.transports.carryOn(inherited);
    await this.processes?.carryOn();
    this.#isListening = true;
    this.keeper.carryOn();
    this.#subscriptionKeeper.carryOn();
    this.b2bua.pause(false);
    this.waitingRoom.carryOn();
    for (const tell of this.#untold.splice(0)) tell();
  }

  /**
   * Takes a new configuration over, and returns the listeners that show another certificate than before. Throws before anything is
   * replaced when part of it cannot be made.
   */
  apply(config: Config): readonly string[] {
    const site = siteOf(this, this.#options, config);
    const fraud = fraudSettings(config, this.#options.configFile);
    const certificates = config.listener.flatMap((listener) => {
      const tls = tlsOptions(listener, this.#options.configFile);
      return tls === undefined ? [] : [{ listener: listener.name, tls }];
    });
    for (const { tls } of certificates) checkCertificate(tls);
    const renewed = certificates.filter(({ listener, tls }) => !isDeepStrictEqual(this.#tls.get(listener), tls));
    for (const { listener, tls } of renewed) {
      this.transports.setCertificate(listener, tls);
      this.#tls.set(listener, tls);
    }
    this.#gate.replaceRules(site.gateRules);
    if (!sameFraud(this.#site.config, config)) this.fraud.apply(fraud);
    const configured = new Set(site.users.configuredNames);
    const gone = this.#site.users.configuredNames.filter((aor) => !configured.has(aor));
    this.#site = site;
    this.recheck(gone);
    this.bans.replaceRules(banRules(config));
    this.#rate = this.#createRate(config);
    this.probes.apply(site);
    this.trunks.apply(site);
    if (this.forwardings.apply(site)) this.#announce();
    return renewed.map(({ listener }) => listener);
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
    this.waitingRoom.close();
    this.#gate.close();
    if (this.#isListening) this.#options.stores.nonces.keep(this.#gate.keptNonces());
    this.overload.close();
    this.fraud.close();
    this.forwardings.close();
    this.probes.close();
    this.trunks.close();
    this.keeper.close();
    this.#subscriptionKeeper.close();
    this.#former.close();
    this.userAgent.shutdown();
    this.#resolver.close();
    this.processes?.close();
    this.transports.close();
  }

  recheck(aors: readonly string[]): void {
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
}

const noSockets = (): Promise<ReadonlyMap<string, number>> => Promise.resolve(new Map());
