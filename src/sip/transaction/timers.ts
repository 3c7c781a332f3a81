// The timers of SIP transactions (RFC 3261 §17 and its table 4; L and M: RFC 6026 §8.7, §8.4). All values are milliseconds.
import type { Millis } from '../../core/clock.ts';

export interface SipTimers {
  /** Round-trip estimate. */
  readonly t1: Millis;
  /** Longest interval between retransmissions of a non-INVITE request or an INVITE response. */
  readonly t2: Millis;
  /** How long a message stays in the network. */
  readonly t4: Millis;
  /** Longest wait for a final answer to an INVITE after a provisional one (§16.6); its user enforces it. */
  readonly timerC: Millis;
}

export const defaultSipTimers: SipTimers = { t1: 500, t2: 4_000, t4: 5_000, timerC: 180_000 };

/** The RFC's letters; '100' is the automatic 100 Trying. */
export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M' | '100';

/**
 * How much later than that the timers may fire on which a transaction only waits for copies: each call has some, thousands run at a time,
 * and nobody waits for one. They are all at least T4 long.
 */
export const lingerSlack: Millis = 250;

export function slackOf(timer: TimerName): Millis {
  return lingering.has(timer) ? lingerSlack : 0;
}

/** How soon the transaction user must answer an INVITE before a 100 is sent for it (§17.2.1). */
export const tryingDelay: Millis = 200;

/** Timers B, F, H, J, L and M, and what a cancelled INVITE may still take (§9.1): 64 · T1. */
export function lifetime({ t1 }: Pick<SipTimers, 't1'>): Millis {
  return 64 * t1;
}

/** Timer D: as long as the server may wait for the ACK, and its T1 is not known here (§17.1.1.2). */
export function completedWait(timers: SipTimers): Millis {
  return Math.max(shortestTimerD, lifetime(timers));
}

/** How long the client's timer E takes to reach T2: only then may a 100 answer a non-INVITE over UDP (RFC 4320 §4.1). */
export function timerEReachesT2({ t1, t2 }: SipTimers): Millis {
  let elapsed = 0;
  for (let interval = t1; interval < t2; interval *= 2) elapsed += interval;
  return elapsed;
}

const lingering: ReadonlySet<TimerName> = new Set(['D', 'I', 'J', 'K', 'L', 'M']);

const shortestTimerD: Millis = 32_000;
