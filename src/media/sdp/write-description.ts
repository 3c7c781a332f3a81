// The SDP that one leg shows: our address, our ports, our keys around what crossed from the other leg.
// RFC 8866 §5 (order of lines), RFC 3264 §5 and §6 (port 0, explicit direction), RFC 3605, RFC 5761.
import type { Slot } from './agreed-line.ts';
import { type CryptoAttribute, formatCryptoAttribute } from './crypto-attribute.ts';
import type { Direction } from './direction.ts';
import type { OutgoingDtls } from './dtls-attributes.ts';
import { formatSdpLine } from './sdp-lines.ts';
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
  let text =
    formatSdpLine('v', '0') +
    formatSdpLine('o', `- ${origin.sessionId} ${version} ${networkAddress(origin.address)}`) +
    formatSdpLine('s', '-') +
    formatSdpLine('c', networkAddress(address));
  for (const value of session.bandwidth) text += formatSdpLine('b', value);
  for (const value of session.timing) text += formatSdpLine('t', value);
  for (const attribute of session.attributes) text += attributeLine(attribute);
  for (const line of media) text += mediaLines(line, address);
  return text;
}

function mediaLines(line: OutgoingMedia, sessionAddress: string): string {
  const port = line.open ? line.local.rtpPort : 0;
  let text = formatSdpLine('m', `${line.kind} ${port} ${line.protocol} ${line.formats.join(' ')}`);
  if (!line.open) return text;
  const { address, rtpPort, rtcpPort } = line.local;
  if (address !== sessionAddress) text += formatSdpLine('c', networkAddress(address));
  for (const value of line.bandwidth) text += formatSdpLine('b', value);
  for (const attribute of line.attributes) text += attributeLine(attribute);
  if (rtcpPort !== undefined && rtcpPort !== rtpPort + 1) text += formatSdpLine('a', `rtcp:${rtcpPort}`);
  if (line.rtcpMux) text += formatSdpLine('a', 'rtcp-mux');
  for (const crypto of line.crypto) text += formatSdpLine('a', `crypto:${formatCryptoAttribute(crypto)}`);
  if (line.dtls !== undefined) text += dtlsLines(line.dtls);
  return text + formatSdpLine('a', line.direction);
}

function dtlsLines({ fingerprint, setup, tlsId }: OutgoingDtls): string {
  return (
    formatSdpLine('a', `fingerprint:${fingerprint.hash} ${fingerprint.value}`) +
    formatSdpLine('a', `setup:${setup}`) +
    (tlsId === undefined ? '' : formatSdpLine('a', `tls-id:${tlsId}`))
  );
}

function networkAddress(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}

function attributeLine({ name, value }: Attribute): string {
  return formatSdpLine('a', value === undefined ? name : `${name}:${value}`);
}
