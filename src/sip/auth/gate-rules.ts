// Who is known without a digest and how everybody else is challenged, compiled from the configuration: listeners, domains, and peers
// (trunks and PBXs) with their addresses and certificate names (RFC 3261 §22, RFC 5922 §7). Every mistake is reported at once.
import { CidrTable, parseCidr } from '../../core/cidr.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { SipRequest } from '../message/message.ts';
import { parseUri, type Uri } from '../message/uri.ts';
import type { Flow } from '../transport/transport.ts';
import { type AuthDomain, claimedUri } from './asserted-address.ts';
import type { AuthScope } from './authenticator.ts';
import type { UserCredentials } from './credentials.ts';
import { type DigestAlgorithm, strongestFirst } from './digest.ts';
import type { Identity } from './identity.ts';

export interface ListenerRule {
  readonly name: string;
  /** On an inside listener nobody but the listed peers may speak. */
  readonly side: 'outside' | 'inside';
  readonly algorithms: readonly DigestAlgorithm[];
}

export interface DomainRule {
  readonly name: string;
  readonly realm: string;
  /** Other hosts that phones may use for this domain. */
  readonly aliases?: readonly string[] | undefined;
  /** Narrows what every listener offers for this domain. */
  readonly algorithms?: readonly DigestAlgorithm[] | undefined;
}

/** A trunk or PBX. Addresses and certificate name must both match where both are given; one of them must be. */
export interface PeerRule {
  readonly identity: Extract<Identity, { readonly kind: 'trunk' | 'pbx' }>;
  readonly listener: string;
  /** Addresses and blocks. */
  readonly acceptFrom: readonly string[];
  readonly certificateName?: string | undefined;
  /** An address can be forged on UDP; outside it counts there only when this says so. */
  readonly allowUnauthenticatedUdp?: boolean | undefined;
  /** Present: the peer is challenged all the same, and must know this account. */
  readonly account?: PeerAccount | undefined;
}

export interface PeerAccount {
  readonly username: string;
  readonly credentials: UserCredentials;
}

export interface GateConfig {
  readonly listeners: readonly ListenerRule[];
  /** The first is taken where a request names none of them. */
  readonly domains: readonly DomainRule[];
  readonly peers: readonly PeerRule[];
}

/** Compiles the configuration, or tells everything that is wrong with it. */
export function compileGateRules(config: GateConfig): Result<GateRules, readonly string[]> {
  const errors: string[] = [];
  const domains = compileDomains(config.domains, errors);
  const listeners = new Map<string, CompiledListener>();
  for (const rule of config.listeners) {
    if (listeners.has(rule.name)) errors.push(`listener "${rule.name}" is given twice`);
    listeners.set(rule.name, compileListener(rule, domains, errors));
  }
  for (const peer of config.peers) addPeer(peer, listeners, errors);
  return errors.length > 0 ? err(errors) : ok(new GateRules(listeners));
}

export class GateRules {
  readonly #listeners: ReadonlyMap<string, CompiledListener>;

  constructor(listeners: ReadonlyMap<string, CompiledListener>) {
    this.#listeners = listeners;
  }

  /** Undefined: no such listener is known, and nothing that it brings may pass. */
  sideOf(flow: Flow): 'outside' | 'inside' | undefined {
    return this.#listeners.get(flow.listener)?.side;
  }

  /** The peer at the other end: by certificate before address, by the most specific address block, then as configured. */
  peerOf(flow: Flow): PeerRule | undefined {
    const listener = this.#listeners.get(flow.listener);
    if (listener === undefined) return undefined;
    const covering = listener.addresses.lookup(flow.remote.address);
    const isCovered = (peer: PeerRule): boolean => peer.acceptFrom.length === 0 || covering.includes(peer);
    const names = flow.secure ? flow.peerNames.map(plainName) : [];
    for (const name of names) {
      const peer = listener.certificates.get(name)?.find(isCovered);
      if (peer !== undefined) return peer;
    }
    const isAddressProof = flow.reliable || listener.side === 'inside';
    return covering.find(
      (peer) => peer.certificateName === undefined && (isAddressProof || peer.allowUnauthenticatedUdp === true),
    );
  }

  /**
   * Where a peer with an account is challenged, whomever it names: its password is of the realm of the first domain, and no user of any, so that no
   * domain narrows what the listener offers.
   */
  accountScope(flow: Flow): AuthScope | undefined {
    return this.#listeners.get(flow.listener)?.accountScope;
  }

  /** Where the request is to be authenticated: by the host of the address it claims, else of its Request-URI, else the default. */
  scopeFor(request: SipRequest, flow: Flow): AuthScope | undefined {
    const listener = this.#listeners.get(flow.listener);
    if (listener === undefined) return undefined;
    const target = parseUri(request.uri);
    const { scopes } = listener;
    return (
      scopes.get(hostOf(claimedUri(request))) ??
      (target.ok ? scopes.get(hostOf(target.value)) : undefined) ??
      listener.defaultScope
    );
  }
}

interface CompiledListener {
  readonly name: string;
  readonly side: 'outside' | 'inside';
  readonly addresses: CidrTable<PeerRule>;
  readonly certificates: Map<string, PeerRule[]>;
  /** By every host that means a domain. */
  readonly scopes: ReadonlyMap<string, AuthScope>;
  readonly defaultScope: AuthScope | undefined;
  readonly accountScope: AuthScope | undefined;
}

interface CompiledDomain {
  readonly domain: AuthDomain;
  readonly rule: DomainRule;
}

function compileDomains(rules: readonly DomainRule[], errors: string[]): readonly CompiledDomain[] {
  const hosts = new Set<string>();
  return rules.map((rule) => {
    const name = rule.name.toLowerCase();
    const aliases = (rule.aliases ?? []).map((alias) => alias.toLowerCase());
    for (const host of [name, ...aliases]) {
      if (hosts.has(host)) errors.push(`"${host}" means two domains`);
      hosts.add(host);
    }
    if (rule.realm === '') errors.push(`domain "${rule.name}": expected a realm`);
    return { domain: { name, realm: rule.realm, aliases }, rule };
  });
}

function compileListener(rule: ListenerRule, domains: readonly CompiledDomain[], errors: string[]): CompiledListener {
  const scopes = new Map<string, AuthScope>();
  let defaultScope: AuthScope | undefined;
  for (const { domain, rule: domainRule } of domains) {
    const allowed = domainRule.algorithms ?? rule.algorithms;
    const algorithms = strongestFirst(rule.algorithms.filter((algorithm) => allowed.includes(algorithm)));
    if (algorithms.length === 0 && rule.side === 'outside') {
      errors.push(`listener "${rule.name}" and domain "${domain.name}" have no digest algorithm in common`);
    }
    const scope = { listener: rule.name, domain, algorithms };
    defaultScope ??= scope;
    for (const host of [domain.name, ...domain.aliases]) scopes.set(host, scope);
  }
  const { name, side } = rule;
  const accountScope = defaultScope && { ...defaultScope, algorithms: strongestFirst(rule.algorithms) };
  return { name, side, scopes, defaultScope, accountScope, addresses: new CidrTable(), certificates: new Map() };
}

function addPeer(peer: PeerRule, listeners: ReadonlyMap<string, CompiledListener>, errors: string[]): void {
  const title = `${peer.identity.kind} "${peer.identity.name}"`;
  const listener = listeners.get(peer.listener);
  if (listener === undefined) {
    errors.push(`${title}: there is no listener "${peer.listener}"`);
    return;
  }
  if (peer.acceptFrom.length === 0 && peer.certificateName === undefined) {
    errors.push(`${title}: expected addresses or a certificate name`);
  }
  for (const entry of peer.acceptFrom) {
    const cidr = parseCidr(entry);
    if (cidr.ok) listener.addresses.add(cidr.value, peer);
    else errors.push(`${title}: ${cidr.error}`);
  }
  if (peer.certificateName !== undefined) {
    const name = plainName(peer.certificateName);
    if (name === '' || name.includes('*')) errors.push(`${title}: expected a certificate name without wildcard`);
    listener.certificates.set(name, [...(listener.certificates.get(name) ?? []), peer]);
  }
}

/** A URI name `sip:example.com` and a DNS name `example.com` name the same domain (RFC 5922 §7.1). */
function plainName(name: string): string {
  const lower = name.toLowerCase();
  return lower.startsWith('sip:') ? lower.slice('sip:'.length) : lower;
}

function hostOf(uri: Uri): string {
  return uri.scheme === 'sip' || uri.scheme === 'sips' ? uri.host : '';
}
