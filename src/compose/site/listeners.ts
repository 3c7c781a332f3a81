// Listeners and media terms as the configuration describes them.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { MediaTerms } from '../../b2bua/routing/target.ts';
import { readAuthorities } from '../../config/authorities.ts';
import { isInside } from '../../config/process-config.ts';
import type { Config, ListenerConfig, NetworkConfig } from '../../config/schema.ts';
import type { Authorities } from '../../core/authorities.ts';
import { messageOf, SbcError } from '../../core/errors.ts';
import { ipVersion } from '../../core/ip-address.ts';
import type { Fingerprint } from '../../media/dtls/fingerprint.ts';
import type { MediaLimit } from '../../media/plane/messages.ts';
import { defaultSdpPolicy } from '../../media/sdp/sdp-policy.ts';
import type { ListenerOptions, TlsOptions } from '../../sip/transport/listener-options.ts';
import type { IpFamily } from '../../sip/transport/resolver.ts';
import { defaultTransportLimits, type TransportLimits } from '../../sip/transport/transport-limits.ts';
import type { OwnMedia } from './own-media.ts';

/**
 * Files are relative to the folder of the configuration. Throws SbcError `file-unreadable`, or `certificate-unusable` for authorities that
 * name nobody.
 */
export function listenerOptions(config: Config, configFile: string): readonly ListenerOptions[] {
  return config.listener.map((listener) => ({
    name: listener.name,
    network: listener.network,
    transport: listener.transport,
    address: listener.address,
    advertise: listener.advertise,
    isShared: config.sbc.processes > 1 && !isInside(config, listener.name),
    tls: tlsOptions(listener, configFile),
  }));
}

export function tlsOptions(listener: ListenerConfig, configFile: string): TlsOptions | undefined {
  if (listener.transport !== 'tls') return undefined;
  const read = (file: string | undefined): string => readText(listener, file ?? '', configFile);
  return {
    certificate: read(listener.certificate),
    key: read(listener.key),
    others: listener.certificates.map(({ certificate, key, names }) => ({
      certificate: read(certificate),
      key: read(key),
      names,
    })),
    clientCa: authoritiesOf(listener, 'client_ca', configFile),
    clientCertificate: listener.client_certificate,
    serverCa: authoritiesOf(listener, 'server_ca', configFile),
  };
}

/** Every file that a reload reads again: the configuration, and what its listeners and its dashboard show and trust. Absolute. */
export function reloadedFiles(config: Config, configFile: string): readonly string[] {
  const files = config.listener.flatMap(({ certificate, key, certificates, client_ca, server_ca }) => [
    certificate,
    key,
    client_ca,
    server_ca,
    ...certificates.flatMap((other) => [other.certificate, other.key]),
  ]);
  const { web } = config.admin;
  const named = [...files, web?.certificate, web?.key].flatMap((file) =>
    file === undefined ? [] : [resolve(dirname(configFile), file)],
  );
  return [...new Set([resolve(configFile), ...named])];
}

/** Throws SbcError `certificate-unusable` when certificate and key do not fit each other. */
export function checkCertificate(tls: Pick<TlsOptions, 'certificate' | 'key' | 'others'>): void {
  const { certificate, key, others = [] } = tls;
  try {
    for (const pair of [{ certificate, key }, ...others]) {
      createSecureContext({ cert: pair.certificate, key: pair.key });
    }
  } catch (thrown) {
    throw new SbcError('certificate-unusable', `certificate and key cannot be used: ${messageOf(thrown)}`, {}, thrown);
  }
}

/** What a listener can reach: the family of its address; from `[::]` both. */
export function familiesOf(config: Config, listener: string): readonly IpFamily[] {
  const address = config.listener.find((one) => one.name === listener)?.address.address ?? '';
  if (address === '::') return [6, 4];
  return address.includes(':') ? [6] : [4];
}

/** What peers may hold and keep waiting; the rest is as the transports know it. */
export function transportLimits({ transport }: Config): TransportLimits {
  return {
    ...defaultTransportLimits,
    connections: transport.connections,
    connectionsPerAddress: transport.connections_per_address,
    handshakesPerAddress: transport.handshakes_per_address,
    handshakeTimeout: transport.handshake_timeout,
    firstMessageTimeout: transport.first_message_timeout,
    messageTimeout: transport.message_timeout,
    unservedTimeout: transport.unserved_timeout,
    idleTimeout: transport.idle_timeout,
    connectTimeout: transport.connect_timeout,
    sendQueueBytes: transport.send_queue,
  };
}

/** `inside` is where a PBX speaks: nobody but listed peers may, and private media addresses are normal. */
export function sideOf(config: Config, listener: string): 'inside' | 'outside' {
  return isInside(config, listener) ? 'inside' : 'outside';
}

/** Who is at the other end of a leg, as far as its media terms depend on it. */
export interface LegPeer {
  /** Numeric where known: the media address of its family is taken. */
  readonly address: string;
  /** A phone: media to another address than its signalling comes from waits until it latched. */
  readonly isPhone: boolean;
  /** What it wants otherwise than its network. */
  readonly own?: OwnMedia | undefined;
}

export interface MediaContext {
  readonly config: Config;
  /** Of the certificate that the media workers show; undefined where they do not speak DTLS. */
  readonly fingerprint: Fingerprint | undefined;
}

/** Throws SbcError `dtls-unavailable` when a network, trunk, group or user has DTLS first, and the workers do not speak it. */
export function checkKeying({ config, fingerprint }: MediaContext): void {
  if (fingerprint !== undefined) return;
  const networks = config.network.filter(({ encryption }) => encryption !== 'off');
  const wanting = [...networks, ...config.trunk, ...config.group, ...config.user].find(
    ({ keying }) => keying?.[0] === 'dtls',
  );
  if (wanting === undefined) return;
  throw new SbcError('dtls-unavailable', `${wanting.name}: keying "dtls" needs native code, which does not load here`);
}

/** What media must be on a leg over a listener. */
export function mediaTerms({ config, fingerprint }: MediaContext, listenerName: string, peer: LegPeer): MediaTerms {
  const listener = config.listener.find((one) => one.name === listenerName);
  const network = config.network.find((one) => one.name === listener?.network);
  if (listener === undefined || network === undefined) {
    throw new SbcError('unknown-listener', `there is no listener ${listenerName}`, { listener: listenerName });
  }
  const isPrivate = isInside(config, listenerName);
  const address = mediaAddress(
    network,
    ipVersion(peer.address) === undefined ? listener.address.address : peer.address,
  );
  return {
    address,
    sdp: {
      ...defaultSdpPolicy,
      encryption: network.encryption,
      secureSignalling: listener.transport === 'tls',
      keying: peer.own?.keying ?? network.keying,
      fingerprint,
      suites: network.suites ?? defaultSdpPolicy.suites,
      allowedAddresses: network.allow_loopback_media ? 'any' : isPrivate ? 'private' : 'public',
      codecs: peer.own?.codecs ?? network.codecs,
      video: peer.own?.video ?? network.video,
      mediaLimit: mediaLimitOf(config.limits, network, peer.own),
      limitByCodec:
        peer.own?.media_limit_by_codec ?? network.media_limit_by_codec ?? config.limits.media_limit_by_codec,
      latchWindow: network.latch_window ?? 0,
      addressFamily: address.bind.includes(':') ? 6 : 4,
      ...(peer.isPhone && !isPrivate ? { provenAddress: peer.address } : {}),
    },
  };
}

/** What a peer may send on one m-line: by its own word, its network's, or everybody's. */
function mediaLimitOf(limits: Config['limits'], network: NetworkConfig, own: OwnMedia = {}): MediaLimit {
  const bandwidth = own.media_bandwidth ?? network.media_bandwidth ?? limits.media_bandwidth;
  return {
    packetsPerSecond:
      own.media_packets_per_second ?? network.media_packets_per_second ?? limits.media_packets_per_second,
    bytesPerSecond: Math.max(1, Math.floor(bandwidth / 8)),
  };
}

/** The address of the peer's family, else the first. */
function mediaAddress(network: NetworkConfig, peer: string): MediaTerms['address'] {
  const isIPv6 = peer.includes(':');
  const address = network.media.find((one) => one.address.includes(':') === isIPv6) ?? network.media[0];
  if (address === undefined) throw new SbcError('no-media-address', `network ${network.name} has no media address`);
  return { bind: address.address, advertise: address.advertise ?? address.address };
}

/** Undefined where none are named: of clients nobody is asked, of next hops those that Node trusts. */
function authoritiesOf(
  listener: ListenerConfig,
  key: 'client_ca' | 'server_ca',
  configFile: string,
): Authorities | undefined {
  const file = listener[key];
  if (file === undefined) return undefined;
  const path = resolve(dirname(configFile), file);
  const read = readAuthorities(path);
  if (read.ok) return read.value;
  const { code, detail } = read.error;
  throw new SbcError(code, `listener ${listener.name}: ${key}: ${detail}`, { listener: listener.name, path });
}

function readText(listener: ListenerConfig, file: string, configFile: string): string {
  const path = resolve(dirname(configFile), file);
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    const context = { listener: listener.name, path };
    throw new SbcError('file-unreadable', `listener ${listener.name}: ${messageOf(thrown)}`, context, thrown);
  }
}
