// The bounds of SRTP contexts, and what protect and unprotect return instead of a length.

export const srtpLimits = {
  /** SSRCs under one key. Only somebody who holds the key can add one; a long queue with announcements has hundreds. */
  sources: 1024,
  /** RFC 3711 §9.2: 2^48 packets under one key. */
  highestRollOver: 0xffffffff,
  /** RFC 3711 §9.2: 2^31 RTCP packets under one key. */
  highestRtcpIndex: 0x7fffffff,
  /** After a pause of unknown length: at 50 packets a second each roll-over counter is 22 minutes. */
  rollOversSearched: 4,
  /** Header and sender SSRC (RFC 3550 §6.4.2). */
  shortestRtcpBytes: 8,
} as const;

/** Negative, so that they never pass for a length. `forged` is what ciphers return (`forgedPacket`). */
export const srtpFailure = {
  forged: -1,
  replayed: -2,
  malformed: -3,
  tooLarge: -4,
  tooManySources: -5,
  /** Sending: this index was used before. */
  indexUsed: -6,
  /** Sending: the index is too far behind to know whether it was used. */
  indexBehind: -7,
} as const;
