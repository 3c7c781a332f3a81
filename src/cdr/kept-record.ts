// A call record as a row: what is asked for in columns, and the whole of it as it stands in the file.
import type { CallRecord } from '../b2bua/call/call-record.ts';
import type { KeptRecord } from '../store/call-records.ts';
import { decidingRule, payerOf } from './decision.ts';

/** `line`: what `formatCdr` made of it. */
export function keptRecord(record: CallRecord, line: string): KeptRecord {
  const { callId, caller, callee, canonical, dialled, startedAt, endedAt, refusal, trace } = record;
  return {
    call: callId,
    startedAt: Math.round(startedAt),
    endedAt: Math.round(endedAt),
    caller: `${caller.kind}:${caller.name}`,
    payer: payerOf(trace),
    callee: callee && `${callee.kind}:${callee.name}`,
    number: canonical,
    dialled,
    verdict: refusal === undefined ? 'admitted' : 'refused',
    decidedBy: decidingRule(refusal, trace),
    line,
  };
}
