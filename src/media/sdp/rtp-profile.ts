// The RTP profiles that are relayed, as m-lines name them (RFC 3551, RFC 4585, RFC 3711, RFC 5124, RFC 5764 §8).

export interface RtpProfile {
  /** RTP/SAVP, RTP/SAVPF, and the same over DTLS. */
  readonly secure: boolean;
  /** UDP/TLS: the keys come from a handshake. */
  readonly dtls: boolean;
  /** The F: early RTCP feedback. */
  readonly feedback: boolean;
}

/** The profile of an m-line's protocol; undefined for whatever is not RTP. */
export function rtpProfileOf(protocol: string): RtpProfile | undefined {
  return profiles.get(protocol);
}

export function protocolOf({ secure, dtls, feedback }: RtpProfile): string {
  return `${dtls ? 'UDP/TLS/' : ''}RTP/${secure ? 'S' : ''}AVP${feedback ? 'F' : ''}`;
}

const profiles: ReadonlyMap<string, RtpProfile> = new Map(
  [false, true]
    .flatMap((feedback) => [
      { secure: false, dtls: false, feedback },
      { secure: true, dtls: false, feedback },
      { secure: true, dtls: true, feedback },
    ])
    .map((profile) => [protocolOf(profile), profile]),
);
