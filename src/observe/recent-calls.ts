// The calls that were over last, as few words as a list needs: what an operator looks for when somebody has just complained.
import type { CallRecord } from '../b2bua/call/call-record.ts';
import type { EpochMillis, Millis } from '../core/clock.ts';

export interface RecentCall {
  readonly id: string;
  readonly caller: string;
  readonly callee: string | undefined;
  readonly dialled: string;
  readonly startedAt: EpochMillis;
  readonly endedAt: EpochMillis;
  /** From answer to end; 0 when it was not answered. */
  readonly duration: Millis;
  readonly cause: string;
  readonly status: number;
  /** Why it was refused: a stable code. */
  readonly refusal: string | undefined;
  /** The worse of both sides. */
  readonly mos: number | undefined;
  /** The name of the call of another node that this one is the other half of. */
  readonly halfOf?: string | undefined;
}

/** What is kept; a few hundred bytes each. */
export const mostRecentCalls = 200;

export class RecentCalls {
  readonly #calls: RecentCall[] = [];

  add(record: CallRecord): void {
    const scores = record.media.flatMap(({ report: { meanOpinionScore: score } }) =>
      score === undefined ? [] : [score],
    );
    this.#calls.push({
      id: record.callId,
      caller: record.caller.name,
      callee: record.callee?.name,
      dialled: record.dialled,
      startedAt: record.startedAt,
      endedAt: record.endedAt,
      duration: Math.round(record.duration),
      cause: record.cause,
      status: record.status,
      refusal: record.refusal?.code,
      halfOf: record.halfOf?.call,
      mos: scores.length === 0 ? undefined : Math.round(Math.min(...scores) * 100) / 100,
    });
    if (this.#calls.length > mostRecentCalls) this.#calls.shift();
  }

  /** The newest first. */
  list(): readonly RecentCall[] {
    return this.#calls.toReversed();
  }
}
