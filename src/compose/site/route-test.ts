// What would become of a call, without placing it: the live path decides on an INVITE made up for it, and what it would send where is
// shown.
import type { RouteTestQuery, RouteTestView } from '../../admin/operations.ts';
import type { WayIn } from '../../b2bua/admission/admission-parts.ts';
import type { Target } from '../../b2bua/routing/target.ts';
import type { Config } from '../../config/schema.ts';
import { systemClock } from '../../core/clock.ts';
import { SbcError } from '../../core/errors.ts';
import { ipVersion } from '../../core/ip-address.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemRandom } from '../../core/random.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { formatSocketAddress } from '../../core/socket-address.ts';
import { userIdentity } from '../../sip/auth/identity.ts';
import { Headers } from '../../sip/message/headers.ts';
import { noBody, type SipRequest } from '../../sip/message/message.ts';
import { formatUri, noParameters, parseUri } from '../../sip/message/uri.ts';
import type { Identity } from '../../sip/user-agent/session.ts';
import { MemoryDeviceStore } from '../../store/memory/device-store.ts';
import { DeviceDesk } from './device-desk.ts';
import { sideOf } from './listeners.ts';
import { policyGround } from './policy-ground.ts';
import { Site } from './site.ts';

/** For the command line. Throws an SbcError that says what is wrong with the question. */
export async function testRoute(
  { config, query }: { readonly config: Config; readonly query: RouteTestQuery },
  environment: NodeJS.ProcessEnv,
): Promise<RouteTestView> {
  const outcome = await routeTestOffline(config, query, environment);
  if (outcome.ok) return outcome.value;
  throw new SbcError('question-unanswerable', outcome.error);
}

/** By the configuration alone: users of a database and registrations are not known. Throws SbcError where a secret is missing. */
export function routeTestOffline(
  config: Config,
  query: RouteTestQuery,
  environment: NodeJS.ProcessEnv,
): Promise<Result<RouteTestView, string>> {
  const site = new Site({
    config,
    database: undefined,
    clock: systemClock,
    registrar: { whereabouts: () => Promise.resolve({ here: [], elsewhere: new Map() }) },
    registeredAor: () => undefined,
    ground: policyGround({
      clock: systemClock,
      freePorts: () => 1_000_000,
      restrictions: () => [],
      onAlert: () => {},
      devices: new DeviceDesk({
        store: new MemoryDeviceStore(),
        judgeCode: () => 'not-enrolled',
        onDropped: () => {},
        instanceOn: () => undefined,
        clock: systemClock,
        logger: silentLogger,
        onAlert: () => {},
      }),
    }),
    isUp: () => true,
    trunkContact: () => '',
    // No media is opened; the workers' own certificate is not known here.
    fingerprint: { hash: 'sha-256', value: '00' },
    logger: silentLogger,
    embedded: new Map(
      config.pbx.filter(({ embedded }) => embedded).map(({ name }) => [name, { address: '127.0.0.1', port: 5060 }]),
    ),
    random: systemRandom,
    environment,
  });
  return routeTest(site, query);
}

/** The error says what is wrong with the question. */
export async function routeTest(
  site: Pick<Site, 'admissions' | 'config' | 'user' | 'cameFrom'>,
  { from, to, caller, listener, source, zone, at }: RouteTestQuery,
): Promise<Result<RouteTestView, string>> {
  const { config } = site;
  const asked = callerOf(from, config);
  if (!asked.ok) return asked;
  const { identity, name, domain } = asked.value;
  if (identity.kind === 'user' && (await site.user(identity.aor)) === undefined) {
    return err(`there is no user ${identity.aor}`);
  }
  const way = listener ?? asked.value.listener;
  if (!config.listener.some((one) => one.name === way)) return err(`there is no listener "${way}"`);
  const uri = uriOf(to, domain);
  const parsed = parseUri(uri);
  if (!parsed.ok) return err(`to: ${parsed.error}`);
  const origin = originOf(site, way, { source, zone });
  if (!origin.ok) return origin;
  const request = invite(uri, caller ?? name, domain);
  const outcome = await site.admissions.admit(request, identity, { listener: way, at, ...origin.value });
  const view = { from: identity.kind === 'user' ? identity.aor : from, to, listener: way };
  if (outcome.kind === 'refused') {
    const { code, status, text, detail } = outcome.refusal;
    return ok({ ...view, trace: outcome.trace, refusal: { code, status, text, detail }, stages: [] });
  }
  const { stages, trace } = outcome.admission;
  return ok({ ...view, trace, stages: stages.map((stage) => stage.map(targetView)) });
}

const notAsked = { standing: 'not-asked', text: 'no phone calls here' } as const;

/** Where the call is taken to come from. */
function originOf(
  { config, cameFrom }: Pick<Site, 'config' | 'cameFrom'>,
  listener: string,
  { source, zone }: Pick<RouteTestQuery, 'source' | 'zone'>,
): Result<Pick<WayIn, 'from'>, string> {
  if (source !== undefined && zone !== undefined) return err('source and zone exclude each other');
  if (zone !== undefined) {
    if (!config.zone.some((one) => one.name === zone)) return err(`there is no zone "${zone}"`);
    return ok({ from: { facts: { from: `somewhere over ${listener}`, zones: [zone], device: notAsked } } });
  }
  if (source === undefined) return ok({ from: { facts: { from: 'nowhere known', zones: [], device: notAsked } } });
  if (ipVersion(source) === undefined) return err(`source: ${source} is no IP address`);
  const local = config.listener.find((one) => one.name === listener)?.address.address ?? '';
  return ok({ from: { facts: { ...cameFrom({ listener, source, local }), device: notAsked } } });
}

interface Caller {
  readonly identity: Identity;
  /** What From says. */
  readonly name: string;
  readonly domain: string;
  readonly listener: string;
}

/** `alice`, `alice@pbx.test`, `pbx:main`, `trunk:carrier`. */
function callerOf(text: string, config: Config): Result<Caller, string> {
  const [kind = '', name = ''] = text.split(':', 2);
  const domain = config.domain[0]?.name ?? '';
  if (kind === 'pbx' || kind === 'trunk') {
    const peer = config[kind].find((one) => one.name === name);
    if (peer === undefined) return err(`there is no ${kind} "${name}"`);
    return ok({ identity: { kind, name }, name: 'anonymous', domain, listener: peer.listener });
  }
  const at = text.lastIndexOf('@');
  const user = at < 0 ? text : text.slice(0, at);
  const own = at < 0 ? domain : text.slice(at + 1);
  if (!config.domain.some((one) => one.name === own)) return err(`there is no domain "${own}"`);
  const outside = config.listener.find((one) => sideOf(config, one.name) === 'outside') ?? config.listener[0];
  return ok({ identity: userIdentity(user, own), name: user, domain: own, listener: outside?.name ?? '' });
}

/** What was dialled, as a phone would send it; a URI stays as it is. */
function uriOf(to: string, domain: string): string {
  const lower = to.toLowerCase();
  const isUri = ['sip:', 'sips:', 'tel:', 'urn:'].some((scheme) => lower.startsWith(scheme));
  return isUri ? to : formatUri({ scheme: 'sip', user: to, host: domain, parameters: noParameters });
}

function invite(uri: string, caller: string, domain: string): SipRequest {
  const from = formatUri({ scheme: 'sip', user: caller, host: domain, parameters: noParameters });
  const headers = Headers.of(
    ['Via', 'SIP/2.0/TLS route-test.invalid;branch=z9hG4bKroutetest'],
    ['Max-Forwards', '70'],
    ['From', `<${from}>;tag=route-test`],
    ['To', `<${uri}>`],
    ['Call-ID', 'route-test'],
    ['CSeq', '1 INVITE'],
  );
  return { kind: 'request', method: 'INVITE', uri, headers, body: noBody };
}

function targetView({
  party,
  requestUri,
  from,
  to,
  headers,
  destination,
}: Target): RouteTestView['stages'][number][number] {
  const assertedIdentity = headers.get('P-Asserted-Identity');
  return {
    target: `${party.kind}:${party.name}`,
    requestUri,
    from,
    to,
    ...(assertedIdentity === undefined ? {} : { assertedIdentity }),
    nextHop:
      destination.kind === 'flow'
        ? `${destination.flow.transport} ${formatSocketAddress(destination.flow.remote)}, its own connection`
        : `${destination.transport} ${formatSocketAddress({ address: destination.host, port: destination.port })} from ${destination.listener}`,
  };
}
