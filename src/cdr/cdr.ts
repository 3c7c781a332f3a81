// The call record as it is written: one JSON object a line, a versioned schema (docs/cdr.md). Times are ISO 8601 in UTC,
// durations seconds.
import type { CallRecord, MediaRecord } from '../b2bua/call/call-record.ts';
import { jsonLine } from '../core/json-line.ts';
import { decidingRule, payerOf } from './decision.ts';

export const cdrVersion = 1;

/** The line of a record, without its line end. */
export function formatCdr(record: CallRecord, node: string): string {
  const entry = {
    v: cdrVersion,
    node,
    call: record.callId,
    transfer_of: record.transferOf ?? null,
    half_of: record.halfOf?.call ?? null,
    caller: partyText(record.caller),
    payer: payerOf(record.trace) ?? partyText(record.caller),
    callee: record.callee === undefined ? null : partyText(record.callee),
    dialled: record.dialled,
    canonical: record.canonical ?? null,
    started: iso(record.startedAt),
    ringing: iso(record.ringingAt),
    answered: iso(record.answeredAt),
    ended: iso(record.endedAt),
    duration: Math.round(record.duration) / 1000,
    cause: record.cause,
    status: record.status,
    verdict: record.refusal === undefined ? 'admitted' : 'refused',
    decided_by: decidingRule(record.refusal, record.trace) ?? null,
    refusal: record.refusal ?? null,
    rules: record.trace,
    attempts: record.attempts,
    media: record.media.map(mediaEntry),
  };
  return jsonLine(JSON.stringify(entry));
}

function partyText({ kind, name }: CallRecord['caller']): string {
  return `${kind}:${name}`;
}

function iso(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

/** What that leg's phone sent (`received`), what it was sent, and how well its media arrived here. */
export function mediaEntry({ leg, encryption, report }: MediaRecord): Record<string, unknown> {
  const { received, sent, codec, lost, jitter, roundTrip, meanOpinionScore, oneWay, dropped } = report;
  const drops = Object.entries(dropped).filter(([, count]) => count > 0);
  return {
    leg,
    encryption: encryption === 'DTLS' ? `DTLS ${report.suite ?? 'none'}` : encryption,
    codec: codec ?? null,
    received,
    sent,
    lost,
    jitter: Math.round(jitter * 100) / 100,
    round_trip: roundTrip === undefined ? null : Math.round(roundTrip * 100) / 100,
    mos: meanOpinionScore === undefined ? null : Math.round(meanOpinionScore * 100) / 100,
    one_way: oneWay,
    dropped: Object.fromEntries(drops),
  };
}
