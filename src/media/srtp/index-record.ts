// Which packet indices a key has used, as plain values that another process can go on from. RFC 3711 §3.3.1, §9.1.

export interface LedgerEntry {
  /** Signed 32 bits. */
  readonly ssrc: number;
  readonly highest: number;
}

/** The highest index of each SSRC that was sent, and the next one of RTCP. */
export interface SentIndices {
  readonly rtp: readonly LedgerEntry[];
  readonly rtcp: number;
}

/** The highest index of each SSRC that was received. */
export interface ReceivedIndices {
  readonly rtp: readonly LedgerEntry[];
  readonly rtcp: readonly LedgerEntry[];
}
