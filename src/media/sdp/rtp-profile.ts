// The RTP profiles that are relayed, as m-lines name them (RFC 3551, RFC 4585, RFC 3711, RFC 5124).

export interface RtpProfile {
  /** RTP/SAVP, RTP/SAVPF. */
  readonly secure: boolean;
  /** The F: early RTCP feedback. */
  readonly feedback: boolean;
}

/** The profile of an m-line's protocol; undefined for whatever is not RTP with or without SDES. */
export function rtpProfileOf(protocol: string): RtpProfile | undefined {
  switch (protocol) {
    case 'RTP/AVP':
      return { secure: false, feedback: false };
    case 'RTP/AVPF':
      return { secure: false, feedback: true };
    case 'RTP/SAVP':
      return { secure: true, feedback: false };
    case 'RTP/SAVPF':
      return { secure: true, feedback: true };
    default:
      return undefined;
  }
}

export function protocolOf({ secure, feedback }: RtpProfile): string {
  return `RTP/${secure ? 'S' : ''}AVP${feedback ? 'F' : ''}`;
}
