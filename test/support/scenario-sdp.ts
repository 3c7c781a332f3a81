// Session descriptions of scripted peers: one audio line, with or without SRTP keys (RFC 4568).

export interface SdpOptions {
  readonly address: string;
  readonly port: number;
  /** The a=crypto value; absent: plain RTP. */
  readonly crypto?: string | undefined;
  readonly direction?: string | undefined;
  readonly version?: number | undefined;
  readonly formats?: string | undefined;
}

const suite = 'AES_CM_128_HMAC_SHA1_80';

export function sdp({
  address,
  port,
  crypto,
  direction = 'sendrecv',
  version = 1,
  formats = '8 0',
}: SdpOptions): string {
  return [
    'v=0',
    `o=- 4711 ${version} IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} ${crypto === undefined ? 'RTP/AVP' : 'RTP/SAVP'} ${formats}`,
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    ...(crypto === undefined ? [] : [`a=crypto:${crypto}`]),
    `a=${direction}`,
    '',
  ].join('\r\n');
}

/** One audio line with DTLS-SRTP (RFC 5763). */
export function dtlsSdp(options: SdpOptions & { readonly setup: string; readonly fingerprint: string }): string {
  const { setup, fingerprint } = options;
  return sdp(options)
    .replace('RTP/AVP', 'UDP/TLS/RTP/SAVP')
    .replace('a=rtpmap:8', `a=fingerprint:sha-256 ${fingerprint}\r\na=setup:${setup}\r\na=rtpmap:8`);
}

/** An a=crypto value; the key is `filler` all over, so that a test can tell keys apart. */
export function cryptoLine(filler: number, tag = '1'): string {
  return `${tag} ${suite} inline:${Buffer.alloc(30, filler).toString('base64')}`;
}

/** Key and salt of a body's first a=crypto line of our suite, with its tag. */
export function cryptoOf(body: Uint8Array): { readonly tag: string; readonly key: string } | undefined {
  const match = new RegExp(`a=crypto:(\\d+) ${suite} inline:([A-Za-z0-9+/=]+)`).exec(
    Buffer.from(body).toString('latin1'),
  );
  return match === null ? undefined : { tag: match[1] ?? '', key: match[2] ?? '' };
}

/** Address and port that a body asks for audio. */
export function audioOf(body: Uint8Array): {
  readonly address: string;
  readonly port: number;
  readonly direction: string;
} {
  const text = Buffer.from(body).toString('latin1');
  return {
    address: /c=IN IP4 (\S+)/.exec(text)?.[1] ?? '',
    port: Number(/m=audio (\d+)/.exec(text)?.[1] ?? 0),
    direction: /a=(sendrecv|sendonly|recvonly|inactive)/.exec(text)?.[1] ?? 'sendrecv',
  };
}
