// An estimate of how a call sounded, from loss, jitter and codec: the E-model with its defaults.
// ITU-T G.107 §7 (rating, delay, loss), Annex B (rating → mean opinion score), G.113 Appendix I (codecs).
import type { Millis } from '../../core/clock.ts';

/** How a codec sounds without loss (equipment impairment) and how it bears loss (robustness). */
export interface CodecQuality {
  readonly impairment: number;
  readonly lossRobustness: number;
}

/** G.711 with packet loss concealment, which every phone has. */
export const g711Quality: CodecQuality = { impairment: 0, lossRobustness: 25.1 };

export interface ReceptionQuality {
  /** 0–1. */
  readonly lossRatio: number;
  readonly jitter: Millis;
  /** One way, without the jitter buffer; 0 when nobody measured it. */
  readonly delay?: Millis;
  readonly codec?: CodecQuality | undefined;
}

/** The mean opinion score of what was received, 1 (bad) to 4.5. */
export function meanOpinionScore(quality: ReceptionQuality): number {
  const rating = transmissionRating(quality);
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  const score = 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6;
  return Math.max(1, score);
}

/** G.107 with its default values for everything that is not measured here; 93.2 at best. */
export function transmissionRating({ lossRatio, jitter, delay = 0, codec = g711Quality }: ReceptionQuality): number {
  // A receiver buffers about twice the jitter, and one packet.
  const mouthToEar = delay + 2 * jitter + packetTime;
  const lossPercent = Math.min(1, Math.max(0, lossRatio)) * 100;
  const { impairment, lossRobustness } = codec;
  const lossImpairment = impairment + (95 - impairment) * (lossPercent / (lossPercent + lossRobustness));
  return bestRating - delayImpairment(mouthToEar) - lossImpairment;
}

const bestRating = 93.2;
const packetTime: Millis = 20;

/** The usual straight-line form of Id: gentle up to 177.3 ms, steep above. */
function delayImpairment(delay: Millis): number {
  return 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
}
