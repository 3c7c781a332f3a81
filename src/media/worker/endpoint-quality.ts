// How well the media of one endpoint's peer arrives: loss, jitter, round trip, whether it is heard at all, and what it comes to.
// RFC 3550 §6.4.1, ITU-T G.107.
import type { Millis } from '../../core/clock.ts';
import type { EndpointReport } from '../plane/messages.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { meanOpinionScore } from '../rtp/quality.ts';
import { ReceiveStats } from '../rtp/receive-stats.ts';
import { RoundTrip } from '../rtp/round-trip.ts';
import { rtpSequence, rtpSsrc, rtpTimestamp } from '../rtp/rtp-packet.ts';
import { HeardTimes } from './heard-times.ts';

export type QualityReport = Pick<EndpointReport, 'lost' | 'jitter' | 'meanOpinionScore' | 'roundTrip' | 'oneWay'>;

export class EndpointQuality {
  readonly roundTrip = new RoundTrip();
  readonly heard = new HeardTimes();
  readonly #stats = new ReceiveStats();

  /** One proven RTP packet. `clockRate` 0: not known. */
  received(memory: PacketMemory, offset: number, clockRate: number, now: Millis, sizeBytes: number): void {
    const ssrc = rtpSsrc(memory, offset);
    this.#stats.record(ssrc, rtpSequence(memory, offset), rtpTimestamp(memory, offset), clockRate, now, sizeBytes);
    this.heard.heard(now);
  }

  report(): QualityReport {
    const { lost, packets, jitterMillis } = this.#stats;
    const roundTrip = this.roundTrip.duration;
    const quality = { lossRatio: lost / (lost + packets), jitter: jitterMillis, delay: (roundTrip ?? 0) / 2 };
    return {
      lost,
      jitter: hundredths(jitterMillis),
      meanOpinionScore: packets === 0 ? undefined : hundredths(meanOpinionScore(quality)),
      roundTrip: roundTrip === undefined ? undefined : hundredths(roundTrip),
      oneWay: this.heard.wasOneWay,
    };
  }
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
