// How running calls sound now: the account of each call so far, asked of its media worker. Nobody is asked twice within a moment, and
// few at once, so that looking at many calls is never a burst of work in the loop that moves their packets.
import type { CallHalf } from '../b2bua/call/call-half.ts';
import type { MediaRecord } from '../b2bua/call/call-record.ts';
import type { Clock, Millis } from '../core/clock.ts';

/** The worse of the two sides in each respect. */
export interface CallQuality {
  /** Estimated mean opinion score, 1 to 4.5; undefined before media came. */
  readonly mos: number | undefined;
  /** Share of the packets that never arrived, 0 to 1. */
  readonly loss: number;
  readonly jitter: Millis;
  /** To a peer and back; undefined where RTCP does not tell. */
  readonly roundTrip: Millis | undefined;
  /** One side is silent while the other is heard. */
  readonly oneWay: boolean;
  /** What protects the media of the caller's side and of the other: `SDES …`, `DTLS`, `none`. */
  readonly encryption: readonly string[];
}

export interface RunningCall {
  readonly id: string;
  /** The call of another node that this one is the other half of. */
  readonly halfOf?: CallHalf | undefined;
}

export interface LiveQualityParts {
  /** Calls that run. */
  readonly calls: () => Iterable<RunningCall>;
  /** The account of one until now; undefined when it is over. */
  readonly ask: (call: string) => Promise<readonly MediaRecord[] | undefined>;
  readonly clock: Clock;
}

/** Calls that are asked at once; with more of them each is asked in its turn. */
export const askedAtOnce = 64;
/** An answer is not asked for again within so long. */
export const freshFor: Millis = 900;

interface Known {
  readonly askedAt: Millis;
  readonly isHalf: boolean;
  quality: CallQuality | undefined;
}

export class LiveQuality {
  readonly #parts: LiveQualityParts;
  /** Calls that were asked; who was asked last at the end. */
  readonly #known = new Map<string, Known>();

  constructor(parts: LiveQualityParts) {
    this.#parts = parts;
  }

  /** Asks those that were not asked for the longest time. Resolves when they have answered; never rejects. */
  async look(): Promise<void> {
    const { calls, ask, clock } = this.#parts;
    const now = clock.now();
    const running = new Map(Array.from(calls(), ({ id, halfOf }) => [id, halfOf !== undefined]));
    for (const call of this.#known.keys()) if (!running.has(call)) this.#known.delete(call);
    const unknown = [...running.keys()].filter((call) => !this.#known.has(call));
    const stale = [...this.#known].filter(([, { askedAt }]) => now - askedAt >= freshFor).map(([call]) => call);
    const asked = [...unknown, ...stale].slice(0, askedAtOnce);
    const answers = asked.map(async (call) => {
      const isHalf = running.get(call) === true;
      const known: Known = { askedAt: now, isHalf, quality: this.#known.get(call)?.quality };
      this.#known.delete(call);
      this.#known.set(call, known);
      const media = await ask(call);
      if (media !== undefined) known.quality = qualityOf(media);
    });
    await Promise.allSettled(answers);
  }

  /** As it was answered last. */
  of(call: string): CallQuality | undefined {
    return this.#known.get(call)?.quality;
  }

  /**
   * Over all calls of which media is known; undefined where there is none. A call that another node began counts there: what both of its sides
   * sent passes that one too, with all that was lost before.
   */
  summary():
    | { readonly calls: number; readonly mos: number; readonly worst: number; readonly loss: number }
    | undefined {
    const heard = [...this.#known.values()].flatMap(({ quality, isHalf }) =>
      quality?.mos === undefined || isHalf ? [] : [{ mos: quality.mos, loss: quality.loss }],
    );
    if (heard.length === 0) return undefined;
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const scores = heard.map(({ mos }) => mos);
    return {
      calls: heard.length,
      mos: mean(scores),
      worst: Math.min(...scores),
      loss: mean(heard.map(({ loss }) => loss)),
    };
  }
}

/** Undefined where a call has no media. */
export function qualityOf(media: readonly MediaRecord[]): CallQuality | undefined {
  if (media.length === 0) return undefined;
  const reports = media.map(({ report }) => report);
  const scores = reports.flatMap(({ meanOpinionScore: score }) => (score === undefined ? [] : [score]));
  const trips = reports.flatMap(({ roundTrip }) => (roundTrip === undefined ? [] : [roundTrip]));
  return {
    mos: scores.length === 0 ? undefined : rounded(Math.min(...scores)),
    loss: rounded(Math.max(...reports.map(({ lost, received }) => lost / Math.max(1, lost + received.packets))), 4),
    jitter: rounded(Math.max(...reports.map(({ jitter }) => jitter))),
    roundTrip: trips.length === 0 ? undefined : rounded(Math.max(...trips)),
    oneWay: reports.some(({ oneWay }) => oneWay),
    encryption: [...new Map(media.map(({ leg, encryption }) => [leg, encryption])).values()],
  };
}

function rounded(value: number, digits = 2): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
