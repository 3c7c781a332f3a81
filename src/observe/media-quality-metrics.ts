// How calls sounded, as distributions over calls: one observation a media line and side, at the end of the call. A call that another node began is
// observed there, which all of its media passes; what only whoever is beside a phone sees is counted here.
import { Counter, Histogram, type Registry } from 'prom-client';
import type { CallRecord } from '../b2bua/call/call-record.ts';

export class MediaQualityMetrics {
  readonly #score: Histogram<'leg'>;
  readonly #loss: Histogram<'leg'>;
  readonly #jitter: Histogram<'leg'>;
  readonly #roundTrip: Histogram<'leg'>;
  readonly #oneWay: Counter<'leg'>;
  readonly #overLimit: Counter<'leg'>;

  constructor(registry: Registry) {
    const histogram = (name: string, help: string, buckets: readonly number[]): Histogram<'leg'> =>
      new Histogram({ ...shared(registry), name, help, buckets: [...buckets] });
    this.#score = histogram('sbc_media_mos', 'Estimated opinion score of what came from a side.', scoreBuckets);
    this.#loss = histogram('sbc_media_loss_ratio', 'Share of a side’s packets that never arrived.', lossBuckets);
    this.#jitter = histogram('sbc_media_jitter_seconds', 'Interarrival jitter.', jitterBuckets);
    this.#roundTrip = histogram('sbc_media_round_trip_seconds', 'To a side and back, from RTCP.', roundTripBuckets);
    this.#oneWay = new Counter({
      ...shared(registry),
      name: 'sbc_media_one_way_total',
      help: 'Sides that were silent while the other was heard.',
    });
    this.#overLimit = new Counter({
      ...shared(registry),
      name: 'sbc_media_over_limit_total',
      help: 'Sides that sent more than they may.',
    });
  }

  callEnded({ media, halfOf }: CallRecord): void {
    for (const { leg, report } of media) {
      const labels = { leg: leg === 'a' ? 'caller' : 'callee' };
      const { received, lost, jitter, roundTrip, meanOpinionScore, oneWay, dropped } = report;
      if (dropped['over-limit'] > 0) this.#overLimit.inc(labels);
      if (halfOf !== undefined) continue;
      if (oneWay) this.#oneWay.inc(labels);
      if (roundTrip !== undefined) this.#roundTrip.observe(labels, roundTrip / 1000);
      if (meanOpinionScore === undefined) continue;
      this.#score.observe(labels, meanOpinionScore);
      this.#loss.observe(labels, lost / (lost + received.packets));
      this.#jitter.observe(labels, jitter / 1000);
    }
  }
}

function shared(registry: Registry): { labelNames: 'leg'[]; registers: Registry[] } {
  return { labelNames: ['leg'], registers: [registry] };
}

const scoreBuckets = [1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.4];
const lossBuckets = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
const jitterBuckets = [0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
const roundTripBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1];
