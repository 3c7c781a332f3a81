// What the shape alone cannot say: names that must exist, settings that exclude each other, and combinations that would
// leave a door open. Each finding carries the path of the key that is to be changed.
import type { Path } from './locate.ts';
import type { Config } from './schema.ts';

export interface Finding {
  readonly path: Path;
  readonly message: string;
}

export function crossChecks(config: Config): readonly Finding[] {
  return [
    ...duplicates(config),
    ...listenerFindings(config),
    ...pbxFindings(config),
    ...trunkFindings(config),
    ...userFindings(config),
    ...routeFindings(config),
  ];
}

function duplicates(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const table of ['domain', 'network', 'listener', 'pbx', 'trunk', 'group'] as const) {
    const seen = new Set<string>();
    for (const [index, { name }] of config[table].entries()) {
      if (seen.has(name))
        findings.push({ path: [table, index, 'name'], message: `there are two ${table}s named "${name}"` });
      seen.add(name);
    }
  }
  const users = new Set<string>();
  for (const [index, user] of config.user.entries()) {
    const aor = `${user.name}@${user.domain ?? config.domain[0]?.name ?? ''}`;
    if (users.has(aor)) findings.push({ path: ['user', index, 'name'], message: `there are two users ${aor}` });
    users.add(aor);
  }
  return findings;
}

function listenerFindings(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, listener] of config.listener.entries()) {
    const at = (key: string, message: string): void => void findings.push({ path: ['listener', index, key], message });
    const network = config.network.find((one) => one.name === listener.network);
    if (network === undefined) at('network', `there is no network "${listener.network}"`);
    if (listener.transport === 'tls') {
      if (listener.certificate === undefined) at('transport', 'a TLS listener needs certificate and key');
      if (listener.key === undefined) at('transport', 'a TLS listener needs certificate and key');
    } else if (network?.encryption === 'required') {
      at('transport', `network "${network.name}" requires encryption, and keys travel over TLS only`);
    }
    if (listener.client_certificate !== 'off' && listener.client_ca === undefined) {
      at('client_certificate', 'checking client certificates needs client_ca');
    }
  }
  return findings;
}

function pbxFindings(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, pbx] of config.pbx.entries()) {
    const at = (key: string, message: string): void => void findings.push({ path: ['pbx', index, key], message });
    if (!config.listener.some((one) => one.name === pbx.listener))
      at('listener', `there is no listener "${pbx.listener}"`);
    if (pbx.embedded === (pbx.uri !== undefined)) at('name', 'a PBX has either a uri or embedded = true');
    if (!pbx.embedded && pbx.accept_from.length === 0) at('name', 'accept_from must list the addresses of the PBX');
    if ((pbx.username === '') !== (pbx.password_env === ''))
      at('username', 'username and password_env belong together');
  }
  return findings;
}

function trunkFindings(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, trunk] of config.trunk.entries()) {
    const at = (key: string, message: string): void => void findings.push({ path: ['trunk', index, key], message });
    const listener = config.listener.find((one) => one.name === trunk.listener);
    if (listener === undefined) at('listener', `there is no listener "${trunk.listener}"`);
    if (trunk.uri === undefined && trunk.accept_from.length === 0 && trunk.certificate_name === undefined) {
      at('name', 'a trunk needs a uri to call out, or accept_from or certificate_name to call in');
    }
    if (trunk.uri?.startsWith('sips:') === true && listener !== undefined && listener.transport !== 'tls') {
      at('uri', 'sips: needs a TLS listener');
    }
    const byAddress = trunk.accept_from.length > 0 && trunk.certificate_name === undefined && !trunk.challenge;
    if (byAddress && listener?.transport === 'udp' && !trunk.allow_unauthenticated_udp) {
      at(
        'accept_from',
        'an address proves nothing on UDP: use TLS, challenge = true, or allow_unauthenticated_udp = true',
      );
    }
    if (trunk.certificate_name !== undefined && listener?.transport !== 'tls') {
      at('certificate_name', 'a certificate needs a TLS listener');
    }
    if ((trunk.username === '') !== (trunk.password_env === '')) {
      at('username', 'username and password_env belong together');
    }
  }
  return findings;
}

function userFindings(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, user] of config.user.entries()) {
    const at = (key: string, message: string): void => void findings.push({ path: ['user', index, key], message });
    if (user.domain !== undefined && !config.domain.some((one) => one.name === user.domain)) {
      at('domain', `there is no domain "${user.domain}"`);
    }
    if (user.group !== undefined && !config.group.some((one) => one.name === user.group)) {
      at('group', `there is no group "${user.group}"`);
    }
    const secrets = [user.password, user.password_env, user.ha1].filter((secret) => secret !== undefined);
    if (secrets.length !== 1) at('name', 'a user has exactly one of password, password_env and ha1');
  }
  return findings;
}

function routeFindings(config: Config): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, route] of config.route.entries()) {
    const [kind, name] = route.via.split(':');
    const peers = kind === 'pbx' ? config.pbx : kind === 'trunk' ? config.trunk : undefined;
    const peer = peers?.find((one) => one.name === name);
    if (peers !== undefined && peer === undefined) {
      findings.push({ path: ['route', index, 'via'], message: `there is no ${kind} "${name}"` });
    } else if (kind === 'trunk' && peer?.uri === undefined) {
      findings.push({ path: ['route', index, 'via'], message: `trunk "${name}" has no uri to call out to` });
    }
  }
  return findings;
}
