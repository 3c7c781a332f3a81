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
  /** What another worker or process had measured. */
  #before: Before = nothingBefore;

  /** One proven RTP packet. `clockRate` 0: not known. */
  received(memory: PacketMemory, offset: number, clockRate: number, now: Millis, sizeBytes: number): void {
    const ssrc = rtpSsrc(memory, offset);
    this.#stats.record(ssrc, rtpSequence(memory, offset), rtpTimestamp(memory, offset), clockRate, now, sizeBytes);
    this.heard.heard(now);
  }

  /** Goes on from what another worker or process had measured; what was lost while nobody listened is not known. */
  resume({ received, lost, jitter, roundTrip, oneWay }: EndpointReport): void {
    this.#before = { packets: received.packets, lost, jitter, roundTrip };
    if (oneWay) this.heard.wasFoundOneWay();
  }

  report(): QualityReport {
    const before = this.#before;
    const { lost: lostHere, packets: packetsHere, jitterMillis } = this.#stats;
    const [lost, packets] = [before.lost + lostHere, before.packets + packetsHere];
    const jitter = packetsHere === 0 ? before.jitter : jitterMillis;
    const roundTrip = this.roundTrip.duration ?? before.roundTrip;
    const quality = { lossRatio: lost / (lost + packets), jitter, delay: (roundTrip ?? 0) / 2 };
    return {
      lost,
      jitter: hundredths(jitter),
      meanOpinionScore: packets === 0 ? undefined : hundredths(meanOpinionScore(quality)),
      roundTrip: roundTrip === undefined ? undefined : hundredths(roundTrip),
      oneWay: this.heard.wasOneWay,
    };
  }
}

interface Before {
  readonly packets: number;
  readonly lost: number;
  readonly jitter: Millis;
  readonly roundTrip: Millis | undefined;
}

const nothingBefore: Before = { packets: 0, lost: 0, jitter: 0, roundTrip: undefined };

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
