// The SDP that one leg shows: our address, our ports, our keys around what crossed from the other leg.
// RFC 8866 §5 (order of lines), RFC 3264 §5 and §6 (port 0, explicit direction), RFC 3605, RFC 5761.
import type { Slot } from './agreed-line.ts';
import { type CryptoAttribute, formatCryptoAttribute } from './crypto-attribute.ts';
import type { Direction } from './direction.ts';
import type { OutgoingDtls } from './dtls-attributes.ts';
import { formatSdpLines, type SdpLine } from './sdp-lines.ts';
import type { SessionDescription } from './session-description.ts';
import type { Attribute } from './wire-description.ts';

export interface LocalMedia {
  /** As advertised. */
  readonly address: string;
  readonly rtpPort: number;
  /** Undefined: one port for both. */
  readonly rtcpPort: number | undefined;
}

/** What names the session in o=: constant for a leg's life, but for the version. */
export interface Origin {
  readonly sessionId: string;
  readonly address: string;
}

export type OutgoingMedia =
  | (Slot & { readonly open: false })
  | (Slot & {
      readonly open: true;
      readonly local: LocalMedia;
      readonly direction: Direction;
      readonly bandwidth: readonly string[];
      readonly attributes: readonly Attribute[];
      readonly rtcpMux: boolean;
      readonly crypto: readonly CryptoAttribute[];
      readonly dtls: OutgoingDtls | undefined;
    });

/** The text of a body with CR LF line ends. User name and subject are "-": neither side learns who speaks on the other. */
export function writeDescription(
  origin: Origin,
  version: number,
  session: Omit<SessionDescription, 'media'>,
  media: readonly OutgoingMedia[],
): string {
  const address = media.find((line) => line.open)?.local.address ?? origin.address;
  return formatSdpLines([
    { type: 'v', value: '0' },
    { type: 'o', value: `- ${origin.sessionId} ${version} ${networkAddress(origin.address)}` },
    { type: 's', value: '-' },
    { type: 'c', value: networkAddress(address) },
    ...session.bandwidth.map((value) => ({ type: 'b', value })),
    ...session.timing.map((value) => ({ type: 't', value })),
    ...session.attributes.map(attributeLine),
    ...media.flatMap((line) => mediaLines(line, address)),
  ]);
}

function mediaLines(line: OutgoingMedia, sessionAddress: string): readonly SdpLine[] {
  const head = (port: number): SdpLine => ({
    type: 'm',
    value: `${line.kind} ${port} ${line.protocol} ${line.formats.join(' ')}`,
  });
  if (!line.open) return [head(0)];
  const { address, rtpPort, rtcpPort } = line.local;
  return [
    head(rtpPort),
    ...(address === sessionAddress ? [] : [{ type: 'c', value: networkAddress(address) }]),
    ...line.bandwidth.map((value) => ({ type: 'b', value })),
    ...line.attributes.map(attributeLine),
    ...(rtcpPort === undefined || rtcpPort === rtpPort + 1 ? [] : [{ type: 'a', value: `rtcp:${rtcpPort}` }]),
    ...(line.rtcpMux ? [{ type: 'a', value: 'rtcp-mux' }] : []),
    ...line.crypto.map((crypto) => ({ type: 'a', value: `crypto:${formatCryptoAttribute(crypto)}` })),
    ...(line.dtls === undefined ? [] : dtlsLines(line.dtls)),
    { type: 'a', value: line.direction },
  ];
}

function dtlsLines({ fingerprint, setup, tlsId }: OutgoingDtls): readonly SdpLine[] {
  return [
    { type: 'a', value: `fingerprint:${fingerprint.hash} ${fingerprint.value}` },
    { type: 'a', value: `setup:${setup}` },
    ...(tlsId === undefined ? [] : [{ type: 'a', value: `tls-id:${tlsId}` }]),
  ];
}

function networkAddress(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}

function attributeLine({ name, value }: Attribute): SdpLine {
  return { type: 'a', value: value === undefined ? name : `${name}:${value}` };
}
