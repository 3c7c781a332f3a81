// What the shape alone cannot say: names that must exist, settings that exclude each other, and combinations that would
// leave a door open. Each finding carries the path of the key that is to be changed. Where a table could not be read,
// nothing is said about what it might hold.
import { ipVersion } from '../core/ip-address.ts';
import { formatSocketAddress } from '../core/socket-address.ts';
import { adminFindings } from './admin-checks.ts';
import type { Finding } from './finding.ts';
import { fraudFindings } from './fraud-checks.ts';
import { offeredAt } from './offered-algorithms.ts';
import { policyFindings } from './policy-checks.ts';
import { processFindings } from './process-checks.ts';
import { isInside } from './process-config.ts';
import type { Config, ListenerConfig, PbxConfig, ReadableTables, TrunkConfig } from './schema.ts';
import { storeFindings } from './store-checks.ts';
import { zoneFindings } from './zone-checks.ts';

export function crossChecks(tables: ReadableTables): readonly Finding[] {
  return [
    ...duplicates(tables),
    ...domainFindings(tables),
    ...networkFindings(tables),
    ...listenerFindings(tables),
    ...pbxFindings(tables),
    ...trunkFindings(tables),
    ...registrationFindings(tables),
    ...subscriptionFindings(tables),
    ...userFindings(tables),
    ...routeFindings(tables),
    ...trunkGroupFindings(tables),
    ...policyFindings(tables),
    ...fraudFindings(tables),
    ...zoneFindings(tables),
    ...storeFindings(tables),
    ...processFindings(tables),
    ...adminFindings(tables),
  ];
}

type At = (key: string, message: string) => void;

/** Asks about each entry of a table of the file. */
function findingsOf<T>(table: string, entries: readonly T[] | undefined, ask: (entry: T, at: At) => void): Finding[] {
  const findings: Finding[] = [];
  for (const [index, entry] of (entries ?? []).entries()) {
    ask(entry, (key, message) => findings.push({ path: [table, index, key], message }));
  }
  return findings;
}

/** Whether `entries` could be read and none of them has that name. */
function isMissing(entries: readonly { readonly name: string }[] | undefined, name: string): boolean {
  return entries !== undefined && !entries.some((entry) => entry.name === name);
}

/** The events are those of a PBX. */
function subscriptionFindings({ subscriptions, pbx }: ReadableTables): readonly Finding[] {
  const named = subscriptions?.pbx;
  if (named !== undefined && isMissing(pbx, named)) {
    return [{ path: ['subscriptions', 'pbx'], message: `there is no PBX "${named}"` }];
  }
  if (subscriptions?.relay !== true || pbx === undefined || pbx.length > 0) return [];
  return [{ path: ['subscriptions', 'relay'], message: 'expected a PBX to subscribe to, found none' }];
}

function duplicates(tables: ReadableTables): readonly Finding[] {
  const names = (
    ['domain', 'network', 'listener', 'pbx', 'trunk', 'trunk_group', 'zone', 'group', 'rule', 'limit', 'hours'] as const
  ).flatMap((table) => {
    const seen = new Set<string>();
    return findingsOf<{ readonly name: string }>(table, tables[table], ({ name }, at) => {
      if (seen.has(name)) at('name', `there are two ${table}s named "${name}"`);
      seen.add(name);
    });
  });
  return [...names, ...sameUsers(tables), ...sameAddresses(tables)];
}

function sameUsers({ user, domain }: ReadableTables): readonly Finding[] {
  const seen = new Set<string>();
  return findingsOf('user', user, ({ name, domain: own }, at) => {
    const aor = `${name}@${own ?? domain?.[0]?.name ?? ''}`;
    if (seen.has(aor)) at('name', `there are two users ${aor}`);
    seen.add(aor);
  });
}

function sameAddresses({ listener }: ReadableTables): readonly Finding[] {
  const seen = new Map<string, string>();
  return findingsOf('listener', listener, ({ name, transport, address }, at) => {
    const bound = `${transport === 'udp' ? 'UDP' : 'TCP'} ${formatSocketAddress(address)}`;
    const other = seen.get(bound);
    if (other !== undefined && address.port !== 0) at('address', `listener "${other}" has ${bound} already`);
    seen.set(bound, name);
  });
}

/** Each domain is served at each listener outside, and must be able to challenge there. */
function domainFindings({ domain, listener, pbx, cluster }: ReadableTables): readonly Finding[] {
  if (pbx === undefined || cluster === undefined) return [];
  const outside = (listener ?? []).filter(({ name }) => !isInside({ pbx, cluster }, name));
  return findingsOf('domain', domain, (one, at) => {
    const without = outside.find((listener) => offeredAt(listener, one).length === 0);
    if (without !== undefined) at('algorithms', `listener "${without.name}" offers none of these`);
  });
}

function networkFindings({ network }: ReadableTables): readonly Finding[] {
  return (network ?? []).flatMap(({ media }, index) =>
    media.flatMap(({ address, advertise }, order): Finding[] => {
      if (advertise === undefined || ipVersion(advertise) === ipVersion(address)) return [];
      const path = ['network', index, 'media', order, 'advertise'];
      return [{ path, message: `${advertise} and ${address} are of different IP versions` }];
    }),
  );
}

function listenerFindings(tables: ReadableTables): readonly Finding[] {
  return findingsOf('listener', tables.listener, (listener, at) => {
    const network = tables.network?.find((one) => one.name === listener.network);
    if (isMissing(tables.network, listener.network)) at('network', `there is no network "${listener.network}"`);
    if (listener.transport === 'tls') tlsFindings(listener, at);
    else {
      if (network?.encryption === 'required') {
        at('transport', `network "${network.name}" requires encryption, and keys travel over TLS only`);
      }
      for (const key of ['certificate', 'key', 'client_ca', 'server_ca'] as const) {
        if (listener[key] !== undefined) at(key, `is for TLS; this listener speaks ${listener.transport}`);
      }
      if (listener.certificates.length > 0)
        at('certificates', `is for TLS; this listener speaks ${listener.transport}`);
    }
    if (isHidden(listener, tables)) {
      at('address', 'a listener on every address needs advertise: peers must learn which one to answer to');
    }
  });
}

function tlsFindings(listener: ListenerConfig, at: At): void {
  for (const key of ['certificate', 'key'] as const) {
    if (listener[key] === undefined) at(key, `a TLS listener needs ${key}`);
  }
  if (listener.client_certificate !== 'off' && listener.client_ca === undefined) {
    at('client_certificate', 'checking client certificates needs client_ca');
  }
}

/** What a stream's peer reached is known; what a datagram's peer did, or a next hop will, is not. */
function isHidden({ name, transport, address, advertise }: ListenerConfig, { pbx, trunk }: ReadableTables): boolean {
  if (advertise !== undefined || (address.address !== '0.0.0.0' && address.address !== '::')) return false;
  const callsOut = [...(pbx ?? []), ...(trunk ?? [])].some((peer) => peer.listener === name && peer.uri !== undefined);
  return transport === 'udp' || callsOut;
}

function pbxFindings(tables: ReadableTables): readonly Finding[] {
  return findingsOf('pbx', tables.pbx, (pbx, at) => {
    const listener = tables.listener?.find((one) => one.name === pbx.listener);
    if (isMissing(tables.listener, pbx.listener)) at('listener', `there is no listener "${pbx.listener}"`);
    if (pbx.embedded && pbx.uri !== undefined) at('uri', 'an embedded PBX has no uri');
    if (!pbx.embedded && pbx.uri === undefined) at('name', 'a PBX has a uri, or embedded = true');
    if (!pbx.embedded && pbx.accept_from.length === 0) at('name', 'accept_from must list the addresses of the PBX');
    if (pbx.uri?.startsWith('sips:') === true && listener !== undefined && listener.transport !== 'tls') {
      at('uri', 'sips: needs a TLS listener');
    }
    if (pbx.certificate_name !== undefined && listener !== undefined && listener.transport !== 'tls') {
      at('certificate_name', 'a certificate needs a TLS listener');
    }
    forwardFindings(pbx, tables, at);
    credentialFindings(pbx, at);
  });
}

function forwardFindings(pbx: PbxConfig, { domain }: ReadableTables, at: At): void {
  const missing = pbx.domains.find((name) => isMissing(domain, name));
  if (missing !== undefined) at('domains', `there is no domain "${missing}"`);
  if (pbx.registrations === 'local') {
    if (pbx.domains.length > 0) at('domains', 'is for registrations = "forward"');
    return;
  }
  if (pbx.embedded) at('registrations', 'the embedded PBX is no registrar');
  if (pbx.forward_expires < shortestForward) at('forward_expires', 'expected at least a minute');
}

const shortestForward = 60_000;

function trunkFindings(tables: ReadableTables): readonly Finding[] {
  return findingsOf('trunk', tables.trunk, (trunk, at) => {
    const listener = tables.listener?.find((one) => one.name === trunk.listener);
    if (isMissing(tables.listener, trunk.listener)) at('listener', `there is no listener "${trunk.listener}"`);
    if (listener !== undefined) trunkOnListener(trunk, listener, at);
    const callsIn = trunk.accept_from.length > 0 || trunk.certificate_name !== undefined;
    if (trunk.uri === undefined && !callsIn) {
      at('name', 'a trunk needs a uri to call out, or accept_from or certificate_name to call in');
    }
    if (trunk.registers && (trunk.uri === undefined || trunk.username === '')) {
      at('registers', 'registering needs uri, username and password_env');
    }
    if (trunk.bulk_numbers && !trunk.registers) at('bulk_numbers', 'bulk numbers are registered: set registers = true');
    if (trunk.challenge && !callsIn) {
      at('challenge', 'a trunk is recognised by accept_from or certificate_name before it is challenged');
    }
    if (trunk.challenge && trunk.username === '') at('challenge', 'a challenged trunk needs username and password_env');
    if (trunk.signed_identity === 'pass' && (trunk.caller_id !== undefined || trunk.caller.length > 0)) {
      at('signed_identity', 'a signature ends with the caller that caller and caller_id would show: one or the other');
    }
    credentialFindings(trunk, at);
  });
}

function trunkOnListener(trunk: TrunkConfig, { transport }: ListenerConfig, at: At): void {
  if (trunk.uri?.startsWith('sips:') === true && transport !== 'tls') at('uri', 'sips: needs a TLS listener');
  const byAddress = trunk.accept_from.length > 0 && trunk.certificate_name === undefined && !trunk.challenge;
  if (byAddress && transport === 'udp' && !trunk.allow_unauthenticated_udp) {
    at(
      'accept_from',
      'an address proves nothing on UDP: use TLS, challenge = true, or allow_unauthenticated_udp = true',
    );
  }
  if (trunk.certificate_name !== undefined && transport !== 'tls') {
    at('certificate_name', 'a certificate needs a TLS listener');
  }
}

function credentialFindings(
  { username, password_env: variable }: Pick<TrunkConfig, 'username' | 'password_env'>,
  at: At,
): void {
  if (username === '' && variable !== '') at('password_env', 'username and password_env belong together');
  if (username !== '' && variable === '') at('username', 'username and password_env belong together');
}

function registrationFindings({ registrations }: ReadableTables): readonly Finding[] {
  if (registrations === undefined) return [];
  const { min_expires: min, max_expires: max } = registrations;
  if (max < 1_000) return [{ path: ['registrations', 'max_expires'], message: 'expected at least a second' }];
  if (min <= max) return [];
  return [{ path: ['registrations', 'min_expires'], message: `is longer than max_expires (${max / 1_000} s)` }];
}

function userFindings({ user, domain, group }: ReadableTables): readonly Finding[] {
  return findingsOf('user', user, (entry, at) => {
    if (entry.domain !== undefined && isMissing(domain, entry.domain))
      at('domain', `there is no domain "${entry.domain}"`);
    if (entry.group !== undefined && isMissing(group, entry.group)) at('group', `there is no group "${entry.group}"`);
    const secrets = [entry.password, entry.password_env, entry.ha1].filter((secret) => secret !== undefined);
    if (secrets.length !== 1) at('name', 'a user has exactly one of password, password_env and ha1');
  });
}

function routeFindings(tables: ReadableTables): readonly Finding[] {
  return findingsOf('route', tables.route, (route, at) => {
    const hops = route.via;
    if (hops.length > 1 && hops.includes('users')) at('via', '"users" stands alone');
    for (const via of hops) viaFinding(via, tables, (message) => at('via', message));
    for (const [key, table, from] of [
      ['groups', tables.group, 'user'],
      ['trunks', tables.trunk, 'trunk'],
      ['trunk_groups', tables.trunk_group, 'trunk'],
      ['pbxs', tables.pbx, 'pbx'],
      ['listeners', tables.listener, undefined],
    ] as const) {
      const names = route[key] ?? [];
      const missing = names.find((name) => isMissing(table, name));
      if (missing !== undefined) at(key, `there is no ${key.slice(0, -1)} "${missing}"`);
      if (names.length > 0 && from !== undefined && from !== route.from) at(key, `is for from = "${from}"`);
    }
    if (route.users !== undefined && route.from !== 'user') at('users', 'is for from = "user"');
    if (route.hours !== undefined && isMissing(tables.hours, route.hours)) {
      at('hours', `there are no hours "${route.hours}"`);
    }
  });
}

function trunkGroupFindings(tables: ReadableTables): readonly Finding[] {
  return findingsOf('trunk_group', tables.trunk_group, ({ members }, at) => {
    const seen = new Set<string>();
    for (const { via } of members) {
      if (seen.has(via)) at('members', `${via} is in it twice`);
      seen.add(via);
      viaFinding(via, tables, (message) => at('members', message));
    }
  });
}

/** A way that leads nowhere. */
function viaFinding(via: string, tables: ReadableTables, tell: (message: string) => void): void {
  const [kind, name = ''] = via.split(':');
  if (kind === 'group') {
    if (isMissing(tables.trunk_group, name)) tell(`there is no trunk_group "${name}"`);
    return;
  }
  const peers: readonly (Config['pbx'] | Config['trunk'])[number][] | undefined =
    kind === 'pbx' ? tables.pbx : kind === 'trunk' ? tables.trunk : undefined;
  if (isMissing(peers, name)) tell(`there is no ${kind} "${name}"`);
  else if (kind === 'trunk' && peers?.find((one) => one.name === name)?.uri === undefined && peers !== undefined) {
    tell(`trunk "${name}" has no uri to call out to`);
  }
}
