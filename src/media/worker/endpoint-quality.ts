// How well the media of one endpoint's peer arrives: loss, jitter, round trip, whether it is heard at all, and what it comes to.
// RFC 3550 §6.4.1, ITU-T G.107, G.113.
import type { Millis } from '../../core/clock.ts';
import type { EndpointReport } from '../plane/messages.ts';
import type { PacketMemory } from '../rtp/packet-memory.ts';
import { meanOpinionScore } from '../rtp/quality.ts';
import { ReceiveStats } from '../rtp/receive-stats.ts';
import { RoundTrip } from '../rtp/round-trip.ts';
import { rtpPayloadType, rtpSequence, rtpSsrc, rtpTimestamp } from '../rtp/rtp-packet.ts';
import { HeardTimes } from './heard-times.ts';
import { codecNamed, type HeardCodec, noPayloadTypes, type PayloadTypes } from './payload-types.ts';

export type QualityReport = Pick<
  EndpointReport,
  'lost' | 'jitter' | 'meanOpinionScore' | 'codec' | 'roundTrip' | 'oneWay'
>;

export class EndpointQuality {
  readonly roundTrip = new RoundTrip();
  readonly heard = new HeardTimes();
  readonly #stats = new ReceiveStats();
  /** What another worker or process had measured. */
  #before: Before = nothingBefore;
  #payloadTypes = noPayloadTypes;
  /** Packets until the last sweep. */
  #swept = 0;
  /** Of the last packet. */
  #payloadType = -1;
  /** What the peer spoke with last. */
  #codec: HeardCodec | undefined;

  /** What the peer's payload types mean from now on. */
  expectTypes(payloadTypes: PayloadTypes): void {
    this.#payloadTypes = payloadTypes;
    this.#payloadType = -1;
  }

  /** Reads what `received` needs, in two levels; see `PacketFlow.preload`. */
  preload(level: number): number {
    return level === 0 ? this.#payloadType : this.#stats.preload();
  }

  /** One proven RTP packet. */
  received(memory: PacketMemory, offset: number, now: Millis, sizeBytes: number): void {
    const ssrc = rtpSsrc(memory, offset);
    const payloadType = rtpPayloadType(memory, offset);
    if (payloadType !== this.#payloadType) {
      this.#payloadType = payloadType;
      this.#codec = this.#payloadTypes.codec(payloadType) ?? this.#codec;
    }
    const clockRate = this.#payloadTypes.clockRate(payloadType);
    this.#stats.record(ssrc, rtpSequence(memory, offset), rtpTimestamp(memory, offset), clockRate, now, sizeBytes);
  }

  /** A few times a second: that the peer is heard is seen by what has come since. */
  sweep(now: Millis): void {
    const { packets } = this.#stats;
    if (packets !== this.#swept) this.heard.heard(now);
    this.#swept = packets;
  }

  /** Goes on from what another worker or process had measured; what was lost while nobody listened is not known. */
  resume({ received, lost, jitter, roundTrip, oneWay, codec }: EndpointReport): void {
    this.#before = { packets: received.packets, lost, jitter, roundTrip };
    this.#codec = codec === undefined ? undefined : codecNamed(codec);
    if (oneWay) this.heard.wasFoundOneWay();
  }

  report(): QualityReport {
    const before = this.#before;
    const { lost: lostHere, packets: packetsHere, jitterMillis } = this.#stats;
    const [lost, packets] = [before.lost + lostHere, before.packets + packetsHere];
    const jitter = packetsHere === 0 ? before.jitter : jitterMillis;
    const roundTrip = this.roundTrip.duration ?? before.roundTrip;
    const quality = {
      lossRatio: lost / (lost + packets),
      jitter,
      delay: (roundTrip ?? 0) / 2,
      codec: this.#codec?.quality,
    };
    return {
      lost,
      jitter: hundredths(jitter),
      meanOpinionScore: packets === 0 ? undefined : hundredths(meanOpinionScore(quality)),
      codec: this.#codec?.name,
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
