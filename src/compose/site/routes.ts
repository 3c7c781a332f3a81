// Routes and number rules of the configuration, compiled.
import type { CallerIdRule, NumberRule, PeerNumbers } from '../../b2bua/routing/number-rules.ts';
import type { Route, RouteVia } from '../../b2bua/routing/router.ts';
import type { Config, PbxConfig, TrunkConfig } from '../../config/schema.ts';
import { SbcError } from '../../core/errors.ts';
import { anyNumber, type NumberPattern, parseNumberPattern } from '../../core/number-pattern.ts';
import { conditionOf, schedulesOf } from './policy-rules.ts';

/**
 * The routes of the configuration, or, where it has none, what a small site means: users and trunks reach the first PBX; the PBX
 * reaches users, and whoever is no user through the first trunk that can be called.
 */
export function routesOf(config: Config): readonly Route[] {
  if (config.route.length === 0) return smallSite(config);
  const domain = config.domain[0]?.name ?? '';
  const schedules = schedulesOf(config);
  return config.route.map((route, index) => {
    const { name, from, users, pbxs, groups, listeners, to, via } = route;
    const aors = users?.map((user) => (user.includes('@') ? user : `${user}@${domain}`));
    return {
      name: name === undefined ? `route ${index + 1}` : `route ${name}`,
      from,
      callers: setOf(aors ?? trunksOf(route, config) ?? pbxs),
      groups: setOf(groups),
      listeners: setOf(listeners),
      hours: conditionOf(route, schedules),
      to: to.map(pattern),
      via: via.map(parseVia),
    };
  });
}

/** Those that are named, and those of the groups that are. */
function trunksOf(
  { trunks, trunk_groups: groups }: Config['route'][number],
  { trunk_group: known }: Config,
): readonly string[] | undefined {
  if (groups === undefined) return trunks;
  const members = known.filter(({ name }) => groups.includes(name)).flatMap((group) => group.members);
  const ways = members.map(({ via }) => parseVia(via));
  return [...(trunks ?? []), ...ways.flatMap((way) => (way.kind === 'trunk' ? [way.name] : []))];
}

export function numbersOf(peer: PbxConfig | TrunkConfig, kind: 'pbx' | 'trunk', { numbers }: Config): PeerNumbers {
  return {
    called: peer.called.map(rule),
    caller: peer.caller.map(rule),
    callerId: 'caller_id' in peer ? callerIdOf(peer.caller_id) : { kind: 'any' },
    country: numbers.country,
    side: kind,
  };
}

function smallSite(config: Config): readonly Route[] {
  const [pbx] = config.pbx;
  const trunk = config.trunk.find((one) => one.uri !== undefined);
  const to = [anyNumber];
  const routes: Route[] = [];
  if (pbx !== undefined) {
    const via: readonly RouteVia[] = [{ kind: 'pbx', name: pbx.name }];
    routes.push(
      { name: 'users to the PBX', from: 'user', to, via },
      { name: 'trunks to the PBX', from: 'trunk', to, via },
    );
  }
  routes.push({
    name: 'the PBX to users',
    from: 'pbx',
    to,
    via: [{ kind: 'users' }],
    passUnknown: trunk !== undefined,
  });
  if (trunk !== undefined) {
    routes.push({ name: 'the PBX to the trunk', from: 'pbx', to, via: [{ kind: 'trunk', name: trunk.name }] });
  }
  return routes;
}

export function parseVia(text: string): RouteVia {
  const [kind, name = ''] = text.split(':');
  return kind === 'pbx' || kind === 'trunk' || kind === 'group' ? { kind, name } : { kind: 'users' };
}

function rule({ match, replace, strip, form, prefix }: TrunkConfig['called'][number]): NumberRule {
  return { match: pattern(match), replace, strip, form, prefix };
}

function callerIdOf(config: TrunkConfig['caller_id']): CallerIdRule {
  if (config?.fixed !== undefined) return { kind: 'fixed', number: config.fixed };
  if (config?.anonymous === true) return { kind: 'anonymous' };
  if (config?.allowed === undefined) return { kind: 'any' };
  return { kind: 'allowed', numbers: config.allowed.map(pattern), otherwise: config.default };
}

/** The schema has read it already. */
function pattern(text: string): NumberPattern {
  const parsed = parseNumberPattern(text);
  if (parsed.ok) return parsed.value;
  throw new SbcError('number-pattern', `${text}: ${parsed.error}`);
}

function setOf(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return names === undefined ? undefined : new Set(names);
}
