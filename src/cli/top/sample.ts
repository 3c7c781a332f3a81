// Rates from two answers of the running SBC and the time between them.
import type { OverviewAnswer } from '../../admin/admin-client.ts';

export interface Sample {
  readonly overview: OverviewAnswer;
  /** Undefined before there is a second answer, and after a restart of the SBC. */
  readonly rates: Rates | undefined;
}

/** Each a second, but for shares of a processor (1 is all of one). */
export interface Rates {
  readonly calls: number;
  readonly refused: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly dropped: number;
  readonly bitsIn: number;
  readonly bitsOut: number;
  readonly mainShare: number | undefined;
  readonly workers: readonly WorkerRates[];
}

export interface WorkerRates {
  readonly share: number | undefined;
  readonly packets: number;
}

export function sampleOf(before: OverviewAnswer | undefined, now: OverviewAnswer): Sample {
  if (before === undefined || before.startedAt !== now.startedAt || before.at >= now.at) {
    return { overview: now, rates: undefined };
  }
  const elapsed = now.at - before.at;
  const each = (earlier: number, later: number): number => (Math.max(0, later - earlier) / elapsed) * 1_000;
  const share = (earlier: number | undefined, later: number | undefined): number | undefined =>
    earlier === undefined || later === undefined ? undefined : Math.max(0, later - earlier) / elapsed;
  return {
    overview: now,
    rates: {
      calls: each(begun(before), begun(now)),
      refused: each(before.calls.refused, now.calls.refused),
      packetsIn: each(before.media.received.packets, now.media.received.packets),
      packetsOut: each(before.media.sent.packets, now.media.sent.packets),
      dropped: each(sum(before.media.dropped), sum(now.media.dropped)),
      bitsIn: each(before.media.received.bytes, now.media.received.bytes) * 8,
      bitsOut: each(before.media.sent.bytes, now.media.sent.bytes) * 8,
      mainShare: share(before.process.ran, now.process.ran),
      workers: now.workers.map(({ ran, packets }, index) => {
        const earlier = before.workers[index];
        return { share: share(earlier?.ran, ran), packets: each(earlier?.packets ?? packets, packets) };
      }),
    },
  };
}

/** Calls that ever began. */
function begun({ calls }: OverviewAnswer): number {
  return calls.active + calls.answered + calls.unanswered + calls.refused;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
