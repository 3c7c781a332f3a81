// Rates from two answers of the running SBC and the time between them. Those of several processes are added up from what each did between two looks
// at it, so that one that was started again, or did not answer, makes no burst.
import type { CountedPart, OverviewAnswer } from '../../admin/admin-client-answers.ts';
import { countedParts, isLaterLook } from '../../admin/processes-client-merge.ts';

export interface Sample {
  readonly overview: OverviewAnswer;
  /** Undefined before there is a second answer, and after a restart of the SBC. */
  readonly rates: Rates | undefined;
  /** Of each of several processes that answers, or of the one; undefined as above. */
  readonly parts: readonly (Rates | undefined)[];
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
  readonly dropped: number;
}

export function sampleOf(before: OverviewAnswer | undefined, now: OverviewAnswer): Sample {
  const earlier = before === undefined ? [] : countedParts(before);
  const looked = countedParts(now);
  const parts = looked.map((part) => {
    const last = earlier.find((one) => isLaterLook(one, part));
    return last === undefined ? undefined : ratesOf(last, part);
  });
  const known = parts.filter((rates) => rates !== undefined);
  if (known.length === 0) return { overview: now, rates: undefined, parts };
  const workers = parts.flatMap((rates, index) => rates?.workers ?? (looked[index]?.workers ?? []).map(unknownWorker));
  return { overview: now, rates: { ...known.reduce(added), workers }, parts };
}

function ratesOf(before: CountedPart, now: CountedPart): Rates {
  const elapsed = now.at - before.at;
  const each = (earlier: number, later: number): number => (Math.max(0, later - earlier) / elapsed) * 1_000;
  const share = (earlier: number | undefined, later: number | undefined): number | undefined =>
    earlier === undefined || later === undefined ? undefined : Math.max(0, later - earlier) / elapsed;
  return {
    calls: each(begun(before), begun(now)),
    refused: each(before.calls.refused, now.calls.refused),
    packetsIn: each(before.media.received.packets, now.media.received.packets),
    packetsOut: each(before.media.sent.packets, now.media.sent.packets),
    dropped: each(sum(before.media.dropped), sum(now.media.dropped)),
    bitsIn: each(before.media.received.bytes, now.media.received.bytes) * 8,
    bitsOut: each(before.media.sent.bytes, now.media.sent.bytes) * 8,
    mainShare: share(before.process.ran, now.process.ran),
    workers: now.workers.map(({ ran, packets, dropped }, index) => {
      const earlier = before.workers[index];
      return {
        share: share(earlier?.ran, ran),
        packets: each(earlier?.packets ?? packets, packets),
        dropped: each(earlier?.dropped ?? dropped, dropped),
      };
    }),
  };
}

function added(one: Rates, other: Rates): Rates {
  return {
    calls: one.calls + other.calls,
    refused: one.refused + other.refused,
    packetsIn: one.packetsIn + other.packetsIn,
    packetsOut: one.packetsOut + other.packetsOut,
    dropped: one.dropped + other.dropped,
    bitsIn: one.bitsIn + other.bitsIn,
    bitsOut: one.bitsOut + other.bitsOut,
    mainShare:
      one.mainShare === undefined || other.mainShare === undefined ? undefined : one.mainShare + other.mainShare,
    workers: [...one.workers, ...other.workers],
  };
}

function unknownWorker(): WorkerRates {
  return { share: undefined, packets: 0, dropped: 0 };
}

/** Calls that ever began. */
function begun({ calls }: CountedPart): number {
  return calls.active + calls.answered + calls.unanswered + calls.refused;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
