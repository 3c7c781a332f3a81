// What is counted at one endpoint. Plain numbers in place: one or two additions a packet.

import { dropRecord } from '../plane/drop-record.ts';
import { type DropReason, dropReasons, type EndpointReport, type TrafficCount } from '../plane/messages.ts';
import { srtpFailure } from '../srtp/srtp-limits.ts';

export type CountedTraffic = Pick<EndpointReport, 'received' | 'sent' | 'receivedRtcp' | 'sentRtcp' | 'dropped'>;

export class EndpointCounters {
  receivedPackets = 0;
  receivedBytes = 0;
  sentPackets = 0;
  sentBytes = 0;
  receivedRtcpPackets = 0;
  receivedRtcpBytes = 0;
  sentRtcpPackets = 0;
  sentRtcpBytes = 0;
  /** Made by the first: most endpoints drop nothing. */
  #dropped: Float64Array | undefined;
  /** What was counted before, by another worker or process: part of the account, and of no statistics here. */
  #before: EndpointCounters | undefined;

  /** `reason` is an index into `dropReasons`: see `dropIndex`. */
  drop(reason: number, count = 1): void {
    this.#dropped ??= new Float64Array(dropReasons.length);
    this.#dropped[reason] = (this.#dropped[reason] ?? 0) + count;
  }

  add(other: EndpointCounters): void {
    this.receivedPackets += other.receivedPackets;
    this.receivedBytes += other.receivedBytes;
    this.sentPackets += other.sentPackets;
    this.sentBytes += other.sentBytes;
    this.receivedRtcpPackets += other.receivedRtcpPackets;
    this.receivedRtcpBytes += other.receivedRtcpBytes;
    this.sentRtcpPackets += other.sentRtcpPackets;
    this.sentRtcpBytes += other.sentRtcpBytes;
    for (const [reason, count] of other.#dropped?.entries() ?? []) if (count > 0) this.drop(reason, count);
  }

  /** Goes on from what another worker or process had counted. */
  resume({ received, sent, receivedRtcp, sentRtcp, dropped }: EndpointReport): void {
    const before = new EndpointCounters();
    before.receivedPackets = received.packets;
    before.receivedBytes = received.bytes;
    before.sentPackets = sent.packets;
    before.sentBytes = sent.bytes;
    before.receivedRtcpPackets = receivedRtcp.packets;
    before.receivedRtcpBytes = receivedRtcp.bytes;
    before.sentRtcpPackets = sentRtcp.packets;
    before.sentRtcpBytes = sentRtcp.bytes;
    // A record of an earlier release does not know every reason.
    for (const reason of dropReasons) before.drop(dropIndex[reason], dropped[reason] ?? 0);
    this.#before = before;
  }

  /** The whole account, with what was counted before. */
  account(): CountedTraffic {
    const total = this.#before === undefined ? this : this.#with(this.#before);
    const { received, sent, receivedRtcp, sentRtcp } = total;
    return { received, sent, receivedRtcp, sentRtcp, dropped: total.dropped() };
  }

  #with(before: EndpointCounters): EndpointCounters {
    const total = new EndpointCounters();
    total.add(this);
    total.add(before);
    return total;
  }

  get received(): TrafficCount {
    return { packets: this.receivedPackets, bytes: this.receivedBytes };
  }

  get sent(): TrafficCount {
    return { packets: this.sentPackets, bytes: this.sentBytes };
  }

  get receivedRtcp(): TrafficCount {
    return { packets: this.receivedRtcpPackets, bytes: this.receivedRtcpBytes };
  }

  get sentRtcp(): TrafficCount {
    return { packets: this.sentRtcpPackets, bytes: this.sentRtcpBytes };
  }

  dropped(): Record<DropReason, number> {
    return dropRecord((index) => this.#dropped?.[index] ?? 0);
  }
}

/** Where each reason stands in `dropReasons`. */
export const dropIndex: Readonly<Record<DropReason, number>> = dropRecord((index) => index);

/** The index of the reason for an `srtpFailure`. */
export function dropOfFailure(failure: number): number {
  switch (failure) {
    case srtpFailure.forged:
      return dropIndex.forged;
    case srtpFailure.replayed:
      return dropIndex.replayed;
    case srtpFailure.tooLarge:
      return dropIndex['too-large'];
    case srtpFailure.tooManySources:
      return dropIndex['too-many-sources'];
    case srtpFailure.indexUsed:
    case srtpFailure.indexBehind:
      return dropIndex['index-reuse'];
    default:
      return dropIndex.malformed;
  }
}
