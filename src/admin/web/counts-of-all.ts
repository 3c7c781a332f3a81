// What several processes count, as totals that only ever grow: of each what it counted between two looks at the same run of it. One that is started
// again begins at 0, and one that did not answer comes back with all that it counted meanwhile; neither is a burst of calls.
import type { NodeCounts } from '../../observe/node-history.ts';
import type { CountedPart, OverviewAnswer } from '../admin-client-answers.ts';
import { countedParts, isLaterLook } from '../processes-client-merge.ts';

type Totals = Pick<NodeCounts, 'begun' | 'refused' | 'packets' | 'dropped' | 'ran'>;

export class CountsOfAll {
  #before: readonly CountedPart[] = [];
  #totals: Totals = { begun: 0, refused: 0, packets: 0, dropped: 0, ran: 0 };

  /** Takes one look after the other. */
  take(overview: OverviewAnswer): NodeCounts {
    const now = countedParts(overview);
    for (const part of now) {
      const before = this.#before.find((one) => isLaterLook(one, part));
      if (before !== undefined) this.#totals = grown(this.#totals, totalsOf(before), totalsOf(part));
    }
    this.#before = now;
    const { calls, quality, registrations, process } = overview;
    return {
      ...this.#totals,
      calls: calls.active,
      mos: quality?.mos ?? Number.NaN,
      loss: quality?.loss ?? Number.NaN,
      registrations,
      lag: process.lag,
    };
  }
}

function totalsOf({ calls, media, process, workers }: CountedPart): Totals {
  return {
    begun: calls.active + calls.answered + calls.unanswered + calls.refused,
    refused: calls.refused,
    packets: media.received.packets,
    dropped: Object.values(media.dropped).reduce((sum, packets) => sum + packets, 0),
    ran: workers.reduce((sum, { ran = 0 }) => sum + ran, process.ran ?? 0),
  };
}

function grown(totals: Totals, before: Totals, now: Totals): Totals {
  const of = (key: keyof Totals): number => totals[key] + Math.max(0, now[key] - before[key]);
  return {
    begun: of('begun'),
    refused: of('refused'),
    packets: of('packets'),
    dropped: of('dropped'),
    ran: of('ran'),
  };
}
