// PBXs and trunks of the configuration: for the gate, who they are; for connect, how they are reached.
import type { Peer } from '../../b2bua/routing/directory.ts';
import type { Config, PbxConfig, TrunkConfig } from '../../config/schema.ts';
import { SbcError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { formatSocketAddress, type SocketAddress } from '../../core/socket-address.ts';
import { ha1ForAll } from '../../sip/auth/credentials.ts';
import { DigestClient } from '../../sip/auth/digest-client.ts';
import type { PeerRule } from '../../sip/auth/gate-rules.ts';
import { parseUri } from '../../sip/message/uri.ts';
import type { ChallengeAnswerer, Destination } from '../../sip/user-agent/session.ts';
import { type MediaContext, mediaTerms } from './listeners.ts';
import { nodeRules } from './nodes.ts';
import { numbersOf } from './routes.ts';
import { inherit, realmOf, secretOf } from './users.ts';

export interface PeerContext extends MediaContext {
  readonly random: Random;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether `trunk:NAME` or `pbx:NAME` answers its pings. */
  readonly isUp: (peer: string) => boolean;
  /** Where an embedded PBX was bound, by its name. */
  readonly embedded: ReadonlyMap<string, SocketAddress>;
}

export function pbxPeer(pbx: PbxConfig, context: PeerContext): Peer {
  const { config } = context;
  const endpoint = endpointOf(pbx, context);
  const { scheme, host, port } = endpoint;
  const identityHost = config.domain[0]?.name ?? host;
  return {
    kind: 'pbx',
    name: pbx.name,
    facts: { kind: 'pbx', name: pbx.name, limits: undefined },
    numbers: numbersOf(pbx, 'pbx', config),
    destination: destinationOf(config, pbx, endpoint),
    hostPort: formatSocketAddress({ address: host, port }),
    scheme,
    identityHost,
    trusted: true,
    signedIdentity: pbx.signed_identity,
    takesSipsWithoutTls: pbx.sips_without_tls,
    media: mediaTerms(context, pbx.listener, { address: host, isPhone: false, own: pbx }),
    credentials: credentialsOf(pbx, context),
    isUp: () => context.isUp(`pbx:${pbx.name}`),
  };
}

/** Undefined for a trunk that only calls in. */
export function trunkPeer(trunk: TrunkConfig, context: PeerContext): Peer | undefined {
  if (trunk.uri === undefined) return undefined;
  const { config } = context;
  const endpoint = endpointOf(trunk, context);
  const { scheme, host, port } = endpoint;
  return {
    kind: 'trunk',
    name: trunk.name,
    facts: trunkFacts(config, trunk),
    numbers: numbersOf(trunk, 'trunk', config),
    destination: destinationOf(config, trunk, endpoint),
    hostPort: formatSocketAddress({ address: host, port }),
    scheme,
    identityHost: host,
    trusted: trunk.trust_identity,
    signedIdentity: trunk.signed_identity,
    takesSipsWithoutTls: false,
    media: mediaTerms(context, trunk.listener, { address: host, isPhone: false, own: trunk }),
    credentials: credentialsOf(trunk, context),
    isUp: () => context.isUp(`trunk:${trunk.name}`),
  };
}

export function trunkFacts(config: Config, trunk: TrunkConfig): Peer['facts'] {
  return { kind: 'trunk', name: trunk.name, limits: inherit(config.limits, trunk) };
}

/** Who the gate knows without a digest, or challenges by an account of its own. */
export function peerRules({ config, environment, embedded }: PeerContext): readonly PeerRule[] {
  const pbxs = config.pbx.map((pbx): PeerRule => {
    const address = embedded.get(pbx.name)?.address;
    return {
      identity: { kind: 'pbx', name: pbx.name },
      listener: pbx.listener,
      acceptFrom: address === undefined ? pbx.accept_from : [address],
      certificateName: pbx.certificate_name,
    };
  });
  const trunks = config.trunk
    .filter((trunk) => trunk.accept_from.length > 0 || callerCertificate(trunk, config) !== undefined)
    .map((trunk): PeerRule => {
      const account = trunk.challenge ? accountOf(config, trunk, environment) : undefined;
      return {
        identity: { kind: 'trunk', name: trunk.name },
        listener: trunk.listener,
        acceptFrom: trunk.accept_from,
        certificateName: callerCertificate(trunk, config),
        allowUnauthenticatedUdp: trunk.allow_unauthenticated_udp || trunk.challenge,
        account,
      };
    });
  return [...pbxs, ...trunks, ...nodeRules(config)];
}

/** A registrar calls over the connection that we proved it on, or one that it proves itself on: by the same name (RFC 5922). */
function callerCertificate(trunk: TrunkConfig, config: Config): string | undefined {
  const isTls = config.listener.some((one) => one.name === trunk.listener && one.transport === 'tls');
  if (trunk.certificate_name !== undefined || !trunk.registers || !isTls || trunk.accept_from.length > 0) {
    return trunk.certificate_name;
  }
  const uri = parseUri(trunk.uri ?? '');
  return uri.ok && (uri.value.scheme === 'sip' || uri.value.scheme === 'sips') ? uri.value.host : undefined;
}

function accountOf(config: Config, trunk: TrunkConfig, environment: NodeJS.ProcessEnv): PeerRule['account'] {
  const password = secretOf(trunk.password_env, `trunk ${trunk.name}`, environment);
  const realm = realmOf(config, config.domain[0]?.name ?? '');
  return { username: trunk.username, credentials: { ha1: ha1ForAll(trunk.username, realm, password) } };
}

interface Endpoint {
  readonly scheme: 'sip' | 'sips';
  readonly host: string;
  readonly port: number;
  /** Else SRV records may name others (RFC 3263 §4.2). */
  readonly hasPort: boolean;
}

function endpointOf(peer: PbxConfig | TrunkConfig, { embedded }: PeerContext): Endpoint {
  const bound = embedded.get(peer.name);
  if (bound !== undefined) return { scheme: 'sip', host: bound.address, port: bound.port, hasPort: true };
  const uri = parseUri(peer.uri ?? '');
  if (!uri.ok || (uri.value.scheme !== 'sip' && uri.value.scheme !== 'sips')) {
    throw new SbcError('peer-uri', `${peer.name}: expected sip:HOST[:PORT], got ${peer.uri ?? 'nothing'}`);
  }
  const { scheme, host, port } = uri.value;
  return {
    scheme,
    host,
    port: port ?? (scheme === 'sips' || uri.value.parameters.get('transport') === 'tls' ? 5061 : 5060),
    hasPort: port !== undefined,
  };
}

function destinationOf(config: Config, peer: PbxConfig | TrunkConfig, { host, port, hasPort }: Endpoint): Destination {
  const transport = config.listener.find((one) => one.name === peer.listener)?.transport ?? 'udp';
  return {
    kind: 'next-hop',
    listener: peer.listener,
    transport,
    host,
    port,
    ...(hasPort ? {} : { discover: true }),
    ...(peer.certificate_name === undefined ? {} : { certificateName: peer.certificate_name }),
    ...(peer.response_timeout === undefined ? {} : { responseWithin: peer.response_timeout }),
  };
}

function credentialsOf(peer: PbxConfig | TrunkConfig, context: PeerContext): ChallengeAnswerer | undefined {
  if (peer.username === '') return undefined;
  const password = secretOf(peer.password_env, peer.name, context.environment);
  return new DigestClient({ username: peer.username, password, realm: peer.realm }, context.random);
}
