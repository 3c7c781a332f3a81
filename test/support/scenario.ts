// The composed signalling of the SBC on fake time, a fake network and a fake media plane, wired as compose.ts does it, with
// scripted peers around it. `finish` proves that nothing is left of whatever happened.
import { expect } from 'vitest';
import { B2bua } from '../../src/b2bua/b2bua.ts';
import { defaultB2buaLimits } from '../../src/b2bua/b2bua-parts.ts';
import type { CallRecord } from '../../src/b2bua/call/call-record.ts';
import { FormerSubscriptions } from '../../src/b2bua/subscription/former-subscriptions.ts';
import { Subscriptions } from '../../src/b2bua/subscription/subscriptions.ts';

import { AccessGuard } from '../../src/compose/entrance/access-guard.ts';
import { authObserver } from '../../src/compose/entrance/auth-observer.ts';
import { BanGuard, banRules } from '../../src/compose/entrance/ban-guard.ts';
import { gateOutcomes, Ingress } from '../../src/compose/entrance/ingress.ts';
import { mediaAlerts } from '../../src/compose/entrance/media-alerts.ts';
import { OverloadGuard, overloadLimits } from '../../src/compose/entrance/overload-guard.ts';
import { type WaitingRoom, waitingLimits } from '../../src/compose/entrance/waiting-room.ts';
import { FraudGuard } from '../../src/compose/fraud/fraud-guard.ts';
import { fraudSettings } from '../../src/compose/fraud/fraud-settings.ts';
import { CallKeeper } from '../../src/compose/keeping/call-keeper.ts';
import { SubscriptionKeeper } from '../../src/compose/keeping/subscription-keeper.ts';
import { Forwardings } from '../../src/compose/signalling/forwardings.ts';
import { markOf, nodeOfTag } from '../../src/compose/signalling/node-mark.ts';
import { otherRequest } from '../../src/compose/signalling/other-request.ts';
import { PeerProbes } from '../../src/compose/signalling/peer-probes.ts';
import type { ProcessPlace } from '../../src/compose/signalling/process-room.ts';
import { TrunkRegistrations } from '../../src/compose/signalling/trunk-registrations.ts';
import { UserStanding } from '../../src/compose/signalling/user-standing.ts';
import { DeviceDesk } from '../../src/compose/site/device-desk.ts';
import { type PolicyGround, policyGround } from '../../src/compose/site/policy-ground.ts';
import { mediaPortsOf, Site } from '../../src/compose/site/site.ts';
import type { Config } from '../../src/config/schema.ts';
import type { LogFields, Logger } from '../../src/core/logger.ts';
import { Metrics } from '../../src/observe/metrics.ts';
import type { Alert } from '../../src/policy/alert.ts';
import type { FraudStore } from '../../src/policy/fraud/fraud-store.ts';
import type { RestorableReservations } from '../../src/policy/reservations.ts';
import { defaultRegistrarLimits } from '../../src/registration/bindings.ts';
import type { LocationStore } from '../../src/registration/location.ts';
import { Registrar } from '../../src/registration/registrar.ts';
import { ChallengeGate } from '../../src/sip/auth/challenge-gate.ts';
import type { SessionTimerTerms } from '../../src/sip/dialog/session-timer.ts';
import type { SipMessage } from '../../src/sip/message/message.ts';
import { type DnsLookup, Resolver } from '../../src/sip/transport/resolver.ts';
import { UserAgent } from '../../src/sip/user-agent/user-agent.ts';
import type { BudgetLedger } from '../../src/store/budget-ledger.ts';
import type { CallStore } from '../../src/store/call-store.ts';
import { MemoryCallStore } from '../../src/store/memory/call-store.ts';
import { MemoryDeviceStore } from '../../src/store/memory/device-store.ts';
import { MemoryLocationStore } from '../../src/store/memory/location-store.ts';
import type { SubscriptionStore } from '../../src/store/subscription-store.ts';
import { FakeMediaPlane } from './fake-media-plane.ts';
import { FakeScheduler, SeededRandom } from './fake-time.ts';
import { MemoryBanStore } from './memory-ban-store.ts';
import { MemoryFraudStore } from './memory-fraud-store.ts';
import { type ConfigOptions, insideMarks, outsideMarks, scenarioConfig, wireListeners } from './scenario-config.ts';
import { Peer } from './scenario-peer.ts';
import { ScenarioPhone } from './scenario-phone.ts';
import { ScenarioReservations } from './scenario-stores.ts';
import { Wire } from './scenario-wire.ts';

export interface ScenarioOptions extends ConfigOptions {
  readonly seed?: number;
  /** Where next hops are found; without it each stands at its name. */
  readonly dns?: DnsLookup;
  /** Where the configuration would be, for the files that it names. */
  readonly configFile?: string;
  /** Addresses of the machine's interfaces, for zones. */
  readonly interfaces?: Readonly<Record<string, readonly string[]>>;
  /** What the detection of fraud kept of a process before. */
  readonly fraudStore?: FraudStore;
  /** What one-time codes of users are worth. */
  readonly judgeCode?: (aor: string, code: string) => 'right' | 'wrong';
  /** What outlives this SBC; it takes up what an earlier one kept there. */
  readonly state?: {
    readonly calls: CallStore;
    readonly locations: LocationStore;
    readonly budgets?: BudgetLedger;
    readonly subscriptions?: SubscriptionStore;
  };
  readonly scheduler?: FakeScheduler;
  /** What nodes of a site share: registrations, and caps in place of its own. */
  readonly shared?: { readonly locations: LocationStore; readonly reservations: RestorableReservations };
  /** It is one of several processes of a machine. */
  readonly place?: ProcessPlace;
  readonly media?: FakeMediaPlane;
  /** The media workers speak no DTLS. */
  readonly withoutDtls?: boolean;
}

/** Longer than any transaction, dialog or retransmission lives after its end (64 · T1, and timer D). */
const afterlife = 70_000;

export class Scenario {
  readonly scheduler: FakeScheduler;
  readonly media: FakeMediaPlane;
  readonly reservations: ScenarioReservations;
  readonly #counted: RestorableReservations;
  readonly alerts: Alert[] = [];
  readonly records: CallRecord[] = [];
  /** Of these, those that an earlier process may have written. */
  readonly recordsAgain: CallRecord[] = [];
  /** The dialogs of calls as they began. */
  readonly dialogs: { readonly call: string; readonly callId: string }[] = [];
  readonly logged: { readonly level: string; readonly event: string; readonly fields: LogFields }[] = [];
  readonly wire: Wire;
  readonly metrics: Metrics;
  readonly ground: PolicyGround;
  site: Site;
  readonly #createSite: (config: Config) => Site;
  /** A reload may change them. */
  sessionTimers: () => SessionTimerTerms | undefined = () => this.site.sessionTimers();
  readonly registrar: Registrar;
  readonly userAgent: UserAgent;
  readonly bans: BanGuard;
  readonly fraud: FraudGuard;
  /** The event loop of a test is not watched. */
  readonly overload: OverloadGuard;
  readonly access: AccessGuard;
  readonly devices: DeviceDesk;
  readonly gate: ChallengeGate;
  readonly b2bua: B2bua;
  readonly keeper: CallKeeper;
  readonly forwardings: Forwardings;
  readonly probes: PeerProbes;
  readonly trunks: TrunkRegistrations;
  readonly subscriptions: Subscriptions;
  readonly former: FormerSubscriptions;
  readonly subscriptionKeeper: SubscriptionKeeper | undefined;
  readonly standing: UserStanding;
  /** False: it drains. */
  isAvailable = true;
  /** The PBX, at its first address. */
  readonly pbx: Peer;
  readonly #ingress: Ingress;
  /** How long the store of users takes. */
  lookUpTime = 0;
  /** Calls that one record each is due of: INVITEs, and what an earlier process left. */
  #invites = 0;
  #serial = 0;

  constructor(options: ScenarioOptions = {}) {
    const random = new SeededRandom(options.seed ?? 1);
    const config = scenarioConfig(options);
    this.scheduler = options.scheduler ?? new FakeScheduler();
    this.media = options.media ?? new FakeMediaPlane();
    this.reservations = new ScenarioReservations(this.scheduler.clock, options.state?.budgets);
    this.#counted = options.shared?.reservations ?? this.reservations;
    const { scheduler } = this;
    const logger = this.#logger();
    const common = { scheduler, random, logger };
    this.wire = new Wire(wireListeners, () => this.#ingress);
    const metrics = metricsOf(this);
    this.metrics = metrics;
    this.registrar = new Registrar({
      store: options.shared?.locations ?? options.state?.locations ?? new MemoryLocationStore(),
      scheduler,
      random,
      logger,
      limits: defaultRegistrarLimits,
      isAlive: (flow) => this.wire.isAlive(flow),
      domainOf: (host) => this.site.domainOfHost(host),
      upstreamOf: (aor) => this.forwardings.of(aor),
      onMoved: (oldFlowId, flow, identity) => this.userAgent.moveDialogs(oldFlowId, flow, identity),
      onRegistered: (aor, flow) => this.fraud.registered(aor, flow),
    });
    const environment = { CARRIER_PASSWORD: 'carrier-secret', PBX_PASSWORD: 'pbx-secret' };
    const embedded = new Map();
    const { registrar } = this;
    this.devices = new DeviceDesk({
      store: new MemoryDeviceStore(),
      onDropped: (aor) => this.subscriptions.endOf(aor, 'probation'),
      judgeCode: (aor, code) => options.judgeCode?.(aor, code) ?? 'not-enrolled',
      instanceOn: (aor, flowId) => this.registrar.instanceOn(aor, flowId),
      clock: scheduler.clock,
      logger,
      onAlert: (alert) => this.alerts.push(alert),
    });
    this.ground = policyGround({
      clock: scheduler.clock,
      freePorts: () => mediaPortsOf(config) - this.media.portsInUse,
      restrictions: (subject) => this.fraud.restrictionsOn(subject),
      onAlert: (alert) => this.alerts.push(alert),
      devices: this.devices,
    });
    const { clock } = scheduler;
    const registeredAor = (pbx: string, user: string): ReturnType<Site['registeredAor']> =>
      this.forwardings.aorOf(pbx, user);
    this.#createSite = (changed) =>
      new Site({
        config: changed,
        fingerprint: options.withoutDtls === true ? undefined : this.media.fingerprint,
        database: undefined,
        clock,
        registrar,
        registeredAor,
        isUp: (peer) => this.probes.isUp(peer) ?? true,
        trunkContact: (trunk) => this.trunks.contactUser(trunk),
        logger,
        embedded,
        random,
        environment,
        ground: this.ground,
        addressesOf: (name) => options.interfaces?.[name] ?? [],
      });
    this.site = this.#createSite(config);
    this.bans = new BanGuard({
      rules: banRules(config),
      enabled: () => config.bans.enabled,
      isExempt: (address) => this.site.isNeverBanned(address),
      store: new MemoryBanStore(),
      clock,
      logger,
      onBanned: () => {},
      onLifted: () => {},
    });
    this.fraud = new FraudGuard({
      scheduler,
      logger,
      store: options.fraudStore ?? new MemoryFraudStore(),
      locked: this.ground.locked,
      onAlert: (alert) => this.alerts.push(alert),
      endCall: (call) => this.b2bua.end(call, 'fraud'),
      lockUser: (aor) => this.lock(aor),
      bans: this.bans,
      isExempt: (address) => this.site.isNeverBanned(address),
    });
    this.fraud.apply(fraudSettings(config, options.configFile ?? 'scenario.toml'));
    const familiesOf = (): readonly [4] => [4];
    this.userAgent = new UserAgent({
      transport: this.wire,
      mark: markOf(config, options.place),
      supports: (extension) => this.site.supports(extension),
      credentialsOf: (peer) => this.site.credentialsOf(peer),
      ...(options.dns === undefined
        ? {}
        : { locator: new Resolver({ dns: options.dns, familiesOf, scheduler, random }) }),
      timerC: () => this.site.config.limits.progress_timeout,
      sessionTimers: () => this.sessionTimers(),
      events: {
        onInvite: (incoming) => {
          this.#invites += 1;
          this.b2bua.onInvite(incoming);
        },
        onRequest: (request, transaction, identity) => {
          if (request.method === 'REGISTER') this.registrar.onRegister(request, transaction, identity);
          else {
            const { admissions } = this.site;
            const parts = {
              isAvailable: true,
              capabilities: this.userAgent.capabilities,
              random,
              logger,
              admissions,
              policy: () => this.site.methodPolicy(),
              requester: this.userAgent,
              subscriptions: this.subscriptions,
            };
            otherRequest(request, transaction, identity, parts);
          }
        },
      },
      ...common,
    });
    this.subscriptions = new Subscriptions({
      userAgent: this.userAgent,
      admissions: { admit: (request, identity, way) => this.site.admissions.admit(request, identity, way) },
      policy: () => this.site.methodPolicy(),
      mayStand: (user) => this.site.users.mayStand(user.name, user.domain),
      isAvailable: () => this.isAvailable,
      onRefused: (code) => metrics.subscriptionRefused(code),
      clock,
      random,
      logger,
    });
    this.standing = new UserStanding({
      mayStand: (name, domain) => this.site.users.mayStand(name, domain),
      registrar,
      subscriptions: this.subscriptions,
      logger,
    });
    const secret = new Uint8Array(32).fill(7);
    this.forwardings = new Forwardings({ userAgent: this.userAgent, secret, ...common });
    this.forwardings.apply(this.site);
    this.probes = new PeerProbes({ userAgent: this.userAgent, ...common });
    this.probes.apply(this.site);
    this.trunks = new TrunkRegistrations({ userAgent: this.userAgent, secret: secret, ...common });
    this.trunks.apply(this.site);
    this.access = new AccessGuard({
      site: () => this.site,
      devices: this.devices,
      logger,
      peerOf: (request) => this.userAgent.peerOf(request),
    });
    this.gate = new ChallengeGate({
      rules: this.site.gateRules,
      secret,
      store: { find: (name, domain) => this.#findUser(name, domain) },
      view: {
        matchesTransaction: (request) => this.userAgent.layer.matches(request),
        knowsDialog: (request, flow) => this.userAgent.knowsDialog(request, flow),
        isAlive: (flow) => this.wire.isAlive(flow),
        isBarred: (flow, username) => this.bans.isAccountBanned(flow, username),
        barrier: this.access.barrier,
      },
      outcomes: gateOutcomes({
        userAgent: () => this.userAgent,
        transport: () => this.wire,
        bans: this.bans,
        metrics,
      }),
      observer: authObserver({ bans: this.bans, metrics, logger }),
      ...common,
    });
    this.overload = new OverloadGuard({
      limits: () => overloadLimits(config),
      lookUps: () => this.gate.pending,
      transactions: () => this.userAgent.layer.active - this.userAgent.layer.lingering,
      scheduler,
      logger,
    });
    this.b2bua = new B2bua({
      userAgent: this.userAgent,
      admissions: {
        admit: (request, identity, way) => this.site.admissions.admit(request, identity, way),
        admitStanding: (request, identity, way, leg) => this.site.admissions.admitStanding(request, identity, way, leg),
        admitElsewhere: (request, identity, way, dialog) =>
          this.site.admissions.admitElsewhere(request, identity, way, dialog),
        isEmergency: (request, identity) => this.site.admissions.isEmergency(request, identity),
      },
      directory: {
        mediaOf: (flow, identity) => this.site.mediaOf(flow, identity),
        isOurs: (host) => this.site.isOurs(host),
        mayPickUp: (identity) => this.site.mayPickUp(identity),
        nodeOf: (identity) => this.site.nodeOf(identity),
        methodPolicy: () => this.site.methodPolicy(),
      },
      toldDialog: (aor, name) => this.subscriptions.toldDialog(aor, name),
      nodeOfTag: (tag) => this.site.contactOfNode(nodeOfTag(tag, this.site.config, options.place)),
      reservations: this.#counted,
      media: this.media,
      observer: {
        onDialog: (call, callId) => this.dialogs.push({ call, callId }),
        onAdmitted: ({ id, request, identity, flow }, admission) => {
          if (identity.kind === 'user') this.ground.charges.note(id, request, identity.aor);
          this.fraud.admitted(id, admission, flow);
        },
        onRedirected: ({ id, request }, admission) => {
          this.ground.charges.redirected(id, request, admission);
          this.fraud.redirected(id, admission);
        },
        onRedirectRefused: ({ id }, by, code) => this.fraud.redirectRefused(id, by, code),
        ...mediaAlerts((alert) => this.alerts.push(alert)),
        onReached: (call) => this.keeper.reached(call),
        onCaptured: () => {},
        onCallEnded: (record) => {
          this.fraud.ended(record);
          this.ground.charges.forget(record.callId);
          this.records.push(record);
          if (this.keeper.tookUp(record.callId)) this.recordsAgain.push(record);
          this.keeper.ended(record);
        },
      },
      limits: defaultB2buaLimits,
      ...common,
    });
    this.keeper = new CallKeeper({
      store: options.state?.calls ?? new MemoryCallStore('one-run'),
      b2bua: this.b2bua,
      reservations: this.#counted,
      charges: this.ground.charges,
      onRecord: (record) => {
        this.records.push(record);
        this.recordsAgain.push(record);
      },
      scheduler,
      logger,
    });
    // Without a state nothing outlives the scenario, and no timer of the keeper runs.
    this.#invites += options.state?.calls.load().calls.length ?? 0;
    if (options.state !== undefined) this.keeper.resume(Promise.resolve());
    this.former = new FormerSubscriptions({
      userAgent: this.userAgent,
      isAlive: (flow) => this.wire.isAlive(flow),
      scheduler,
    });
    if (options.state?.subscriptions !== undefined) {
      const { calls, subscriptions: store } = options.state;
      const parts = { store, run: calls.run, subscriptions: this.subscriptions, former: this.former, scheduler };
      this.subscriptionKeeper = new SubscriptionKeeper(parts);
      this.subscriptionKeeper.resume(Promise.resolve());
    }
    this.#ingress = new Ingress({
      userAgent: this.userAgent,
      gate: this.gate,
      bans: this.bans,
      overload: this.overload,
      waiting: () => waitingLimits(config),
      scheduler,
      nextTurn: setImmediate,
      isEmergency: (request, identity) => this.site.admissions.isEmergency(request, identity),
      rate: () => ({ allow: () => Promise.resolve(true) }),
      rules: () => this.site.gateRules,
      transport: this.wire,
      metrics,
      logger,
      onFlowClosed: (flow) => this.registrar.flowClosed(flow),
    });
    this.pbx = this.peer('pbx', 'to-pbx', '10.0.0.5', 5060, { host: '10.0.0.5', port: 5060 });
  }

  /** Where registrations wait that come many at once. */
  get waitingRoom(): WaitingRoom {
    return this.#ingress.room;
  }

  /** Nobody waits any more for a turn of the loop, nor for look-ups that take no time. */
  async served(): Promise<void> {
    await this.settle();
    while (this.waitingRoom.waiting > 0) await this.settle();
  }

  /** What a reload replaces in policy: users, rules, zones. */
  reload(options: ConfigOptions): void {
    this.site = this.#createSite(scenarioConfig(options));
  }

  async lock(aor: string): ReturnType<Site['users']['lock']> {
    const kept = await this.site.users.lock(aor);
    await this.standing.recheck(aor);
    return kept;
  }

  async #findUser(name: string, domain: string): ReturnType<Site['users']['find']> {
    const { lookUpTime, scheduler } = this;
    if (lookUpTime > 0) await new Promise<void>((resolve) => scheduler.after(lookUpTime, resolve));
    return this.site.users.find(name, domain);
  }

  /** Somebody at `address`, with a flow to the named listener. */
  peer(
    name: string,
    listener: string,
    address: string,
    port: number,
    hop?: { readonly host: string; readonly port: number },
    peerNames: readonly string[] = [],
  ): Peer {
    this.#serial += 1;
    const flow = this.wire.flow(listener, { address, port }, this.#serial, peerNames);
    const peer = new Peer({ name, wire: this.wire, flow, settle: this.settle });
    this.wire.connect(peer, hop);
    return peer;
  }

  /** A phone of that user, connected and not registered. */
  phone(user: string, address = '198.51.100.1'): ScenarioPhone {
    this.#serial += 1;
    const flow = this.wire.flow('phones', { address, port: 40_000 + this.#serial }, this.#serial);
    const phone = new ScenarioPhone({ name: user, wire: this.wire, flow, settle: this.settle });
    this.wire.connect(phone);
    return phone;
  }

  /** A phone that is registered. */
  async registered(user: string, address?: string): Promise<ScenarioPhone> {
    const phone = this.phone(user, address);
    await phone.register();
    return phone;
  }

  /** The carrier: calls in from its addresses, and is called at its name. */
  carrier(): Peer {
    return this.peer('carrier', 'carriers', '198.51.100.70', 5061, { host: 'sip.carrier.example', port: 5061 });
  }

  /** The same peer over another connection. */
  reconnect(peer: Peer): void {
    this.#serial += 1;
    const { listener, remote, peerNames } = peer.flow;
    peer.flow = this.wire.flow(listener, { ...remote, port: remote.port + 1_000 }, this.#serial, peerNames);
    this.wire.connect(peer);
  }

  /** Whatever needs no time has happened. */
  readonly settle = async (): Promise<void> => {
    this.scheduler.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
    this.scheduler.advance(0);
    await new Promise((resolve) => setImmediate(resolve));
  };

  async advance(millis: number): Promise<void> {
    await this.settle();
    // In steps, since what a timer begins may need a turn before the next one is due.
    for (let left = millis; left > 0; left -= 500) {
      this.scheduler.advance(Math.min(left, 500));
      await this.settle();
    }
  }

  /** The only record so far, or the only one since `finish`. */
  get record(): CallRecord {
    const [record, ...more] = this.records;
    if (record === undefined || more.length > 0) throw new Error(`${more.length + (record ? 1 : 0)} records`);
    return record;
  }

  /** Nothing is left, nothing leaked, and each INVITE that the gate let pass has exactly one record. `errors` are expected in the log. */
  async finish({ errors = [] }: { readonly errors?: readonly string[] } = {}): Promise<void> {
    this.probes.close();
    this.trunks.close();
    this.fraud.close();
    this.keeper.close();
    this.subscriptionKeeper?.close();
    this.former.close();
    await this.advance(afterlife);
    expect(this.#left()).toEqual(nothing);
    const begun = this.#invites + this.#transfers();
    expect(this.records.length, 'records').toBe(begun);
    expect(new Set(this.records.map(({ callId }) => callId)).size, 'records of different calls').toBe(begun);
    expect(this.userAgent.layer.counts.userErrors, 'exceptions').toBe(0);
    const logged = this.logged.filter(({ level }) => level === 'error').map(({ event }) => event);
    expect([...new Set(logged)], 'errors in the log').toEqual(errors);
    this.expectHidden();
  }

  /** Neither side sees an address, a name or a Call-ID of the other (RFC 5853 §3.1). A process that is asked for a dialog of its own has named it. */
  expectHidden(): void {
    const callIds = (network: string): readonly string[] =>
      this.wire.log.flatMap(({ flow, message }) =>
        flow.network === network ? [message.headers.get('Call-ID') ?? ''] : [],
      );
    for (const [network, other, marks] of [
      ['outside', 'inside', insideMarks],
      ['inside', 'outside', outsideMarks],
    ] as const) {
      const sent = this.wire.log.filter(
        ({ direction, flow, message }) =>
          direction === 'to' && flow.network === network && !message.headers.has('X-Sbc-On-Behalf'),
      );
      for (const mark of [...marks, ...new Set(callIds(other))]) {
        const leaks = sent.filter(({ text }) => text.includes(mark));
        expect(leaks.map(({ text }) => text)[0], `"${mark}" seen ${network}`).toBeUndefined();
      }
    }
  }

  /** REFERs that were accepted: each is a call too. */
  #transfers(): number {
    const isAccepted = ({ direction, message }: Wire['log'][number]): boolean =>
      direction === 'to' && message.kind === 'response' && message.status === 202 && isOfRefer(message);
    return this.wire.log.filter(isAccepted).length;
  }

  #left(): typeof nothing {
    return {
      calls: this.b2bua.active,
      paths: this.b2bua.paths.size,
      setups: this.b2bua.setups.size,
      charged: this.ground.charges.size,
      reservations: this.#counted.held(),
      mediaPorts: this.media.portsInUse,
      mediaSessions: this.media.activeSessions,
      transactions: this.userAgent.layer.active,
      dialogs: this.userAgent.dialogs,
      timers: this.scheduler.pending,
      lookUps: this.gate.pending,
      waiting: this.waitingRoom.waiting,
      forwarded: this.forwardings.size,
      subscriptions: this.subscriptions.active,
    };
  }

  #logger(): Logger {
    const at =
      (level: string) =>
      (event: string, fields: LogFields = {}): void =>
        void this.logged.push({ level, event, fields });
    const logger: Logger = {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => logger,
    };
    return logger;
  }
}

function isOfRefer({ headers }: SipMessage): boolean {
  return headers.get('CSeq')?.endsWith(' REFER') === true;
}

const nothing = {
  calls: 0,
  paths: 0,
  setups: 0,
  charged: 0,
  reservations: 0,
  mediaPorts: 0,
  mediaSessions: 0,
  transactions: 0,
  dialogs: 0,
  timers: 0,
  lookUps: 0,
  waiting: 0,
  forwarded: 0,
  subscriptions: 0,
};

function metricsOf(scenario: Scenario): Metrics {
  return new Metrics({
    calls: () => scenario.b2bua.active - scenario.b2bua.relayed,
    relayedCalls: () => scenario.b2bua.relayed,
    dialogs: () => scenario.userAgent.dialogs,
    registrations: () => scenario.registrar.flows,
    subscriptions: () => scenario.subscriptions.active,
    reservations: () => scenario.reservations.held(),
    transactions: () => scenario.userAgent.layer.active,
    lingeringTransactions: () => scenario.userAgent.layer.lingering,
    timers: () => scenario.scheduler.pending,
    hep: () => undefined,
    peersUp: () => scenario.probes.states(),
    loopLag: () => 0,
    waiting: () => scenario.waitingRoom.waiting,
    connections: () => 0,
    refusedConnections: () => new Map(),
    handlingFailures: () => 0,
    processes: () => undefined,
    mediaPorts: () => scenario.media.portsInUse,
    mediaSessions: () => scenario.media.activeSessions,
    media: () => scenario.media.stats(),
    store: { waiting: () => 0, lost: () => 0, failures: () => 0, restarts: () => 0 },
  });
}
