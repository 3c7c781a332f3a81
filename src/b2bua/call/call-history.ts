// What a call remembers of itself for the record that is written when it is over.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { MediaReport } from '../../media/plane/messages.ts';
import type { ReadNumber } from '../../policy/site-numbers.ts';
import type { Refusal, RuleTrace } from '../../policy/verdict.ts';
import type { Callee, Party } from '../routing/target.ts';
import type { Admission, Instant } from './call-event.ts';
import type { CallHalf } from './call-half.ts';
import type { AttemptRecord, CallRecord, MediaRecord } from './call-record.ts';
import type { EndCause } from './end-cause.ts';
import type { Leg } from './leg.ts';

interface Started {
  readonly id: string;
  readonly caller: Party;
  readonly dialled: string;
  readonly transferOf?: string | undefined;
  readonly halfOf?: CallHalf | undefined;
}

interface Ended {
  readonly cause: EndCause;
  readonly status: number;
  readonly at: Instant;
}

/** What a running call has written down so far; a plain record. */
export interface HistorySnapshot {
  readonly call: Started;
  readonly startedAt: EpochMillis;
  readonly callee: Party | undefined;
  readonly canonical: string | undefined;
  readonly ringingAt: EpochMillis | undefined;
  readonly answeredAt: EpochMillis | undefined;
  /** How long it has been answered. */
  readonly duration: Millis;
  readonly trace: readonly RuleTrace[];
  readonly attempts: readonly AttemptRecord[];
}

export class CallHistory {
  readonly #call: Started;
  readonly #startedAt: EpochMillis;
  #callee: Party | undefined;
  #canonical: string | undefined;
  #number: ReadNumber | undefined;
  #transferOf: string | undefined;
  #ringingAt: EpochMillis | undefined;
  #answered: Instant | undefined;
  #ended: Ended | undefined;
  #refusal: Refusal | undefined;
  #trace: readonly RuleTrace[] = [];
  readonly #attempts: AttemptRecord[] = [];
  /** Leg name and protection of each endpoint, by its number. */
  readonly #endpoints = new Map<number, { readonly leg: string; readonly encryption: string }>();

  constructor({ id, caller, dialled, transferOf, halfOf }: Started, at: Instant) {
    this.#call = { id, caller, dialled, halfOf };
    this.#transferOf = transferOf;
    this.#startedAt = at.wall;
  }

  /** The history of a call that another process began; its duration goes on from what it was. */
  static restore(snapshot: HistorySnapshot, at: Instant): CallHistory {
    const history = new CallHistory(snapshot.call, { now: at.now, wall: snapshot.startedAt });
    history.#callee = snapshot.callee;
    history.#canonical = snapshot.canonical;
    history.#ringingAt = snapshot.ringingAt;
    if (snapshot.answeredAt !== undefined) {
      history.#answered = { now: at.now - snapshot.duration, wall: snapshot.answeredAt };
    }
    history.#trace = snapshot.trace;
    history.#attempts.push(...snapshot.attempts);
    return history;
  }

  snapshot(at: Instant): HistorySnapshot {
    return {
      call: { ...this.#call, transferOf: this.#transferOf },
      startedAt: this.#startedAt,
      callee: this.#callee,
      canonical: this.#canonical,
      ringingAt: this.#ringingAt,
      answeredAt: this.#answered?.wall,
      duration: this.#duration(at.now),
      trace: this.#trace,
      attempts: [...this.#attempts],
    };
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  get cause(): EndCause {
    return this.#ended?.cause ?? 'internal';
  }

  get callee(): Party | undefined {
    return this.#callee;
  }

  /** What was decided on; a call of an earlier process does not know it. */
  get number(): ReadNumber | undefined {
    return this.#number;
  }

  get halfOf(): CallHalf | undefined {
    return this.#call.halfOf;
  }

  get dialled(): string {
    return this.#call.dialled;
  }

  get startedAt(): EpochMillis {
    return this.#startedAt;
  }

  get answeredAt(): EpochMillis | undefined {
    return this.#answered?.wall;
  }

  admitted(admission: Admission): void {
    this.#trace = admission.trace;
    this.#canonical = admission.canonical;
    this.#number = admission.number;
    this.#transferOf ??= admission.replaces;
  }

  refused(refusal: Refusal, trace: readonly RuleTrace[]): void {
    this.#refusal = refusal;
    this.#trace = [...this.#trace, ...trace];
  }

  /** More that policy was asked. */
  traced(trace: readonly RuleTrace[]): void {
    this.#trace = [...this.#trace, ...trace];
  }

  tried(target: Callee): void {
    this.#callee = target.party;
  }

  attempted(attempt: AttemptRecord): void {
    this.#attempts.push(attempt);
  }

  ringing(at: Instant): void {
    this.#ringingAt ??= at.wall;
  }

  answered(target: Callee, attempt: AttemptRecord, at: Instant): void {
    this.#callee = target.party;
    this.#answered = at;
    this.#attempts.push(attempt);
  }

  ended(cause: EndCause, status: number, at: Instant): void {
    this.#ended ??= { cause, status, at };
  }

  /** Notes which endpoint belongs to which leg, and what protects it, before both are forgotten. */
  encryption(caller: Leg, callee: Leg): void {
    for (const [name, leg] of [
      ['a', caller],
      ['b', callee],
    ] as const) {
      for (const [line, opened] of leg.endpoints.entries()) {
        if (opened !== undefined) this.#endpoints.set(opened.endpoint, { leg: name, encryption: leg.encryption(line) });
      }
    }
  }

  record(report: MediaReport, at: Instant): CallRecord {
    const ended = this.#ended ?? { cause: 'internal', status: 500, at };
    return {
      callId: this.#call.id,
      transferOf: this.#transferOf,
      halfOf: this.#call.halfOf,
      caller: this.#call.caller,
      callee: this.#callee,
      dialled: this.#call.dialled,
      canonical: this.#canonical,
      startedAt: this.#startedAt,
      ringingAt: this.#ringingAt,
      answeredAt: this.#answered?.wall,
      endedAt: ended.at.wall,
      duration: this.#duration(ended.at.now),
      cause: ended.cause,
      status: ended.status,
      refusal: this.#refusal === undefined ? undefined : { code: this.#refusal.code, detail: this.#refusal.detail },
      trace: this.#trace,
      attempts: this.#attempts,
      media: this.mediaRecords(report),
    };
  }

  /** How long it has been answered. */
  talked(at: Instant): Millis {
    return this.#duration(this.#ended?.at.now ?? at.now);
  }

  #duration(end: Millis): Millis {
    return this.#answered === undefined ? 0 : Math.max(0, end - this.#answered.now);
  }

  /** Whose media each endpoint of the report is. */
  mediaRecords(report: MediaReport): readonly MediaRecord[] {
    return report.endpoints.flatMap((endpoint) => {
      const known = this.#endpoints.get(endpoint.endpoint);
      return known === undefined ? [] : [{ ...known, report: endpoint }];
    });
  }
}
