// Everything that one configuration decides and a reload replaces as a whole: users, peers, routes, limits, gate rules.
import { Admissions } from '../../b2bua/admission/admission.ts';
import type { Directory, Peer, PeerVia, ReachableContact } from '../../b2bua/routing/directory.ts';
import type { MethodPolicy } from '../../b2bua/routing/method-policy.ts';
import { Router } from '../../b2bua/routing/router.ts';
import type { MediaTerms } from '../../b2bua/routing/target.ts';
import type { Config } from '../../config/schema.ts';
import { CidrTable, parseCidr } from '../../core/cidr.ts';
import type { Clock } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import { type AccessFacts, accessRefusal } from '../../policy/access.ts';
import { type PartyFacts, PolicyEngine } from '../../policy/policy-engine.ts';
import type { Origin, Zones } from '../../policy/zones.ts';
import type { BindingRecord } from '../../registration/location.ts';
import type { Registrar } from '../../registration/registrar.ts';
import type { LiveBinding } from '../../registration/registrar-parts.ts';
import type { UserAccess } from '../../sip/auth/credentials.ts';
import { compileGateRules, type GateRules } from '../../sip/auth/gate-rules.ts';
import { sameIdentity, userIdentity } from '../../sip/auth/identity.ts';
import type { SessionTimerTerms } from '../../sip/dialog/session-timer.ts';
import { replacesTag } from '../../sip/message/replaces.ts';
import type { Uri } from '../../sip/message/uri.ts';
import { inDrawnOrder } from '../../sip/transport/hop-selection.ts';
import type { Flow, Identity } from '../../sip/user-agent/session.ts';
import { type Asking, type DeviceDesk, deviceOfBinding } from './device-desk.ts';
import { checkKeying, type MediaContext, mediaTerms, sideOf } from './listeners.ts';
import { nodeContact, type SiteNode, siteNodes } from './nodes.ts';
import type { OwnMedia } from './own-media.ts';
import { type PeerContext, pbxPeer, peerRules, trunkFacts, trunkPeer } from './peers.ts';
import type { PolicyGround } from './policy-ground.ts';
import { policyRules } from './policy-rules.ts';
import { parseVia, routesOf } from './routes.ts';
import { siteNumbers } from './site-numbers.ts';
import { type AddressesOf, siteZones, systemAddresses } from './site-zones.ts';
import { subscriptionPolicy } from './subscription-policy.ts';
import { realmOf, type UserDatabase, Users } from './users.ts';

export interface SiteParts extends PeerContext {
  readonly database: UserDatabase | undefined;
  readonly clock: Clock;
  readonly registrar: Pick<Registrar, 'whereabouts'>;
  /** What a PBX that registrations are forwarded to calls. */
  readonly registeredAor: Directory['registeredAor'];
  /** Whether that node of the site is alive; absent: nobody knows better than a call does. */
  readonly isNodeAlive?: ((node: string) => boolean) | undefined;
  /** Our Contact at a trunk that we register with. */
  readonly trunkContact: (trunk: string) => string;
  readonly logger: Logger;
  readonly ground: PolicyGround;
  /** Absent: what the system says now. */
  readonly addressesOf?: AddressesOf | undefined;
}

export class Site implements Directory {
  readonly config: Config;
  readonly users: Users;
  readonly gateRules: GateRules;
  readonly admissions: Admissions;
  readonly registeredAor: Directory['registeredAor'];
  readonly #zones: Zones;
  readonly #devices: DeviceDesk;
  readonly #media: MediaContext;
  readonly #registrar: Pick<Registrar, 'whereabouts'>;
  readonly #nodes: readonly SiteNode[];
  readonly #isAlive: (node: string) => boolean;
  readonly #random: Random;
  readonly #trunkContact: SiteParts['trunkContact'];
  readonly #peers = new Map<string, Peer>();
  readonly #neverBanned = new CidrTable<true>();

  /** Throws SbcError when the configuration names a secret or a file that is not there. Nothing else has happened then. */
  constructor(parts: SiteParts) {
    const { config, database, environment, logger, clock } = parts;
    this.config = config;
    this.#media = parts;
    this.#zones = siteZones(config, parts.addressesOf ?? systemAddresses, logger);
    this.#devices = parts.ground.devices;
    checkKeying(parts);
    this.#registrar = parts.registrar;
    this.#nodes = siteNodes(parts);
    this.#isAlive = parts.isNodeAlive ?? (() => true);
    this.#random = parts.random;
    this.#trunkContact = parts.trunkContact;
    this.registeredAor = parts.registeredAor;
    this.users = new Users(config, { database, environment, clock, locked: parts.ground.locked });
    this.gateRules = gateRulesOf(parts);
    for (const pbx of config.pbx) this.#peers.set(`pbx:${pbx.name}`, pbxPeer(pbx, parts));
    for (const trunk of config.trunk) {
      const peer = trunkPeer(trunk, parts);
      if (peer !== undefined) this.#peers.set(`trunk:${trunk.name}`, peer);
    }
    const peers = [...config.pbx, ...config.trunk, ...config.cluster.peer];
    for (const { accept_from } of [...peers, { accept_from: config.bans.allow }]) {
      for (const block of accept_from) {
        const cidr = parseCidr(block);
        if (cidr.ok) this.#neverBanned.add(cidr.value, true);
      }
    }
    const { limits } = config;
    const { ground } = parts;
    const { reserve_calls: emergencyCalls, via } = config.emergency;
    const policy = new PolicyEngine(
      {
        concurrentCalls: limits.total_calls,
        maxCallDuration: limits.max_call_duration,
        ringTimeout: limits.ring_timeout,
        earlyMediaTimeout: limits.early_media_timeout,
        emergencyCalls,
        emergencyPorts: Math.min(emergencyCalls * portsOfCall, mediaPortsOf(config) / 4),
      },
      policyRules(config),
    );
    const emergencyVia = via === undefined ? undefined : parseVia(via);
    const router = new Router(routesOf(config));
    const numbers = siteNumbers(config);
    this.admissions = new Admissions({ directory: this, router, numbers, policy, logger, emergencyVia, ...ground });
  }

  domainOf(uri: Uri): string {
    const host = uri.scheme === 'sip' || uri.scheme === 'sips' ? uri.host : '';
    return this.domainOfHost(host) ?? this.config.domain[0]?.name ?? '';
  }

  /** The domain that a host means, itself or as the name or address of one of our outside listeners. */
  domainOfHost(host: string): string | undefined {
    if (this.config.domain.some((domain) => domain.name === host)) return host;
    return aliasesOf(this.config).includes(host) ? this.config.domain[0]?.name : undefined;
  }

  async factsOf(identity: Identity): Promise<PartyFacts> {
    if (identity.kind === 'user') {
      const facts = await this.users.facts(identity.aor);
      if (facts !== undefined) return facts;
      throw new SbcError('unknown-user', `${identity.aor} proved itself and is no user any more`, {
        aor: identity.aor,
      });
    }
    const trunk = identity.kind === 'trunk' ? this.config.trunk.find((one) => one.name === identity.name) : undefined;
    if (trunk !== undefined) return trunkFacts(this.config, trunk);
    return {
      kind: identity.kind,
      name: identity.kind === 'anonymous' ? 'anonymous' : identity.name,
      limits: undefined,
    };
  }

  peer(kind: 'pbx' | 'trunk', name: string): Peer | undefined {
    return this.#peers.get(`${kind}:${name}`);
  }

  /** What answers challenges of that peer, as it is configured now. */
  credentialsOf(identity: Identity): Peer['credentials'] {
    const isPeer = identity.kind === 'pbx' || identity.kind === 'trunk';
    return isPeer ? this.peer(identity.kind, identity.name)?.credentials : undefined;
  }

  peersOf(via: PeerVia): readonly Peer[] {
    const group = via.kind === 'group' ? this.config.trunk_group.find((one) => one.name === via.name) : undefined;
    const members =
      group === undefined
        ? [`${via.kind}:${via.name}`]
        : inDrawnOrder(group.members, this.#random).map((one) => one.via);
    return members.flatMap((member) => this.#peers.get(member) ?? []);
  }

  isTrunkContact(trunk: string, user: string): boolean {
    const registers = this.config.trunk.some((one) => one.name === trunk && one.registers);
    return registers && user === this.#trunkContact(trunk);
  }

  user(aor: string): Promise<PartyFacts | undefined> {
    return this.users.facts(aor);
  }

  nodeOf(identity: Identity): string | undefined {
    return this.#nodes.find((node) => sameIdentity(node.identity, identity))?.name;
  }

  /** Another node of this site as a contact of whoever is called there; undefined where there is none of that name. */
  contactOfNode(name: string | undefined): ((aor: string) => ReachableContact) | undefined {
    const node = this.#nodes.find((one) => one.name === name);
    return node && ((aor) => nodeContact(node, aor, 1));
  }

  async contacts(aor: string, where?: 'here'): Promise<readonly ReachableContact[]> {
    const { here: registered, elsewhere } = await this.#registrar.whereabouts(aor);
    const here = await this.#contactsHere(aor, registered);
    if (where === 'here' || elsewhere.size === 0) return here;
    const others = this.#nodes.filter(({ name }) => elsewhere.has(name) && this.#isAlive(name));
    return [...here, ...others.map((node) => nodeContact(node, aor, elsewhere.get(node.name) ?? 1))];
  }

  async #contactsHere(aor: string, registered: readonly LiveBinding[]): Promise<readonly ReachableContact[]> {
    const at = aor.lastIndexOf('@');
    const access = registered.length === 0 ? undefined : await this.users.accessOf(aor);
    // Zones may have moved since it registered, and its device may have been denied.
    const bindings = registered.filter(
      ({ record, flow }) =>
        access === undefined ||
        accessRefusal(aor, access, this.#accessOfBinding(record, flow, access), []) === undefined,
    );
    const own = bindings.length === 0 ? undefined : await this.users.mediaOf(aor);
    const factor = access?.secondFactor ?? 'off';
    return bindings.map(({ record, flow }) => {
      const identity = userIdentity(aor.slice(0, at), aor.slice(at + 1));
      if (factor !== 'off') this.#devices.remember(identity, deviceOfBinding(record, flow, factor));
      return {
        identity,
        uri: record.contact,
        path: record.path,
        priority: record.priority,
        destination: { kind: 'flow', flow },
        media: this.#mediaOver(flow, own),
      };
    });
  }

  accessOf(asking: Asking): AccessFacts {
    const { flow, factor } = asking;
    const device = factor === 'off' ? undefined : this.#devices.facts(asking);
    return { ...this.cameFrom(originOf(flow)), device };
  }

  #accessOfBinding(record: BindingRecord, flow: Flow, { secondFactor }: UserAccess): AccessFacts {
    const device = secondFactor === 'off' ? undefined : this.#devices.factsOfBinding(record, flow, secondFactor);
    return { ...this.cameFrom(originOf(flow)), device };
  }

  readonly cameFrom = (origin: Origin): AccessFacts => ({
    from: `${origin.source} over ${origin.listener}`,
    zones: this.#zones.of(origin),
  });

  /** Peers of the configuration, and what `[bans] allow` names. */
  isNeverBanned(address: string): boolean {
    return this.#neverBanned.has(address);
  }

  trustsIdentityOf(identity: Identity): boolean {
    if (identity.kind === 'trunk') {
      return this.config.trunk.find((one) => one.name === identity.name)?.trust_identity === true;
    }
    return identity.kind === 'pbx';
  }

  mayPickUp(identity: Identity): boolean {
    if (identity.kind !== 'trunk') return identity.kind !== 'anonymous';
    return this.config.trunk.find((one) => one.name === identity.name)?.picks_up === true;
  }

  isOurs(host: string): boolean {
    return this.domainOfHost(host) !== undefined;
  }

  /** Extensions that a request may require because policy serves them. */
  supports(extension: string): boolean {
    return extension === replacesTag && this.config.transfers.refer === 'handle';
  }

  methodPolicy(): MethodPolicy {
    const { relay, max_bytes: maxBytes, content_types: contentTypes, info } = this.config.messages;
    return {
      messages: { relay, maxBytes, contentTypes },
      info,
      subscriptions: subscriptionPolicy(this.config),
      refer: this.config.transfers.refer,
      redirects: this.config.redirects.limit,
      stageTimeout: this.config.limits.stage_timeout,
      identicalSetups: this.config.limits.identical_setups,
    };
  }

  /** In seconds, as the wire has them. */
  sessionTimers(): SessionTimerTerms | undefined {
    const { enabled, expires, min_se: minimum } = this.config.session_timers;
    return enabled ? { expires: expires / 1_000, minimum: minimum / 1_000 } : undefined;
  }

  mediaOf(flow: Flow, identity: Identity): MediaTerms {
    return this.#mediaOver(flow, identity.kind === 'user' ? this.users.knownMediaOf(identity.aor) : undefined);
  }

  #mediaOver(flow: Flow, user: OwnMedia | undefined): MediaTerms {
    const identity = this.gateRules.peerOf(flow)?.identity;
    const { trunk: trunks, pbx: pbxs } = this.config;
    const trunk = identity?.kind === 'trunk' ? trunks.find(({ name }) => name === identity.name) : undefined;
    const pbx = identity?.kind === 'pbx' ? pbxs.find(({ name }) => name === identity.name) : undefined;
    const peer = { isPhone: identity === undefined, own: trunk ?? pbx ?? user };
    return mediaTerms(this.#media, flow.listener, { address: flow.remote.address, ...peer });
  }
}

function originOf({ listener, remote, local }: Flow): Origin {
  return { listener, source: remote.address, local: local.address };
}

/** RTP and RTCP of both legs. */
const portsOfCall = 4;

/** On all addresses together. */
export function mediaPortsOf({ media, network }: Config): number {
  const addresses = new Set(network.flatMap((one) => one.media.map(({ address }) => address)));
  return addresses.size * (media.ports.last - media.ports.first + 1);
}

function gateRulesOf(context: PeerContext): GateRules {
  const { config } = context;
  const aliases = aliasesOf(config);
  const rules = compileGateRules({
    listeners: config.listener.map(({ name, algorithms }) => ({ name, side: sideOf(config, name), algorithms })),
    domains: config.domain.map(({ name, algorithms }, index) => ({
      name,
      algorithms,
      realm: realmOf(config, name),
      aliases: index === 0 ? aliases : [],
    })),
    peers: peerRules(context),
  });
  if (rules.ok) return rules.value;
  throw new SbcError('gate-rules', rules.error.join('; '));
}

/** Hosts that phones may use for the first domain: what outside listeners advertise, or where they are bound. */
function aliasesOf(config: Config): readonly string[] {
  const hosts = config.listener
    .filter((listener) => sideOf(config, listener.name) === 'outside')
    .flatMap(({ address, advertise }) => [address.address, ...(advertise === undefined ? [] : [advertise.address])])
    .map((host) => host.toLowerCase())
    .filter((host) => host !== '0.0.0.0' && host !== '::' && config.domain.every((domain) => domain.name !== host));
  return [...new Set(hosts)];
}
