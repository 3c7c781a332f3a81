// What both relays are told about each call, as SDP: a phone that offers SRTP by SDES, a PBX that answers plain RTP.
import { type Protection, suiteOf } from './packets.ts';

export interface CallAddresses {
  readonly phone: { readonly address: string; readonly port: number };
  readonly pbx: { readonly address: string; readonly port: number };
  readonly protection: Protection;
  /** Base64 of the phone's master key and salt. */
  readonly masterKey: string;
}

export function phoneOffer({ phone, protection, masterKey }: CallAddresses): string {
  if (protection === 'plain') return sdp(phone, 'RTP/AVP', []);
  return sdp(phone, 'RTP/SAVP', [`a=crypto:1 ${suiteOf[protection]} inline:${masterKey}`]);
}

export function pbxAnswer({ pbx }: CallAddresses): string {
  return sdp(pbx, 'RTP/AVP', []);
}

/** The port of the first m-line. */
export function mediaPort(description: string): number {
  return Number(/^m=audio (\d+) /m.exec(description)?.[1] ?? 0);
}

function sdp(
  at: { readonly address: string; readonly port: number },
  profile: string,
  more: readonly string[],
): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${at.address}`,
    's=-',
    `c=IN IP4 ${at.address}`,
    't=0 0',
    `m=audio ${at.port} ${profile} 8`,
    'a=rtpmap:8 PCMA/8000',
    ...more,
    '',
  ].join('\r\n');
}
