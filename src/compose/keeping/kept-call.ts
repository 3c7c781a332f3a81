// What is kept of one call for the process that comes after this one, as a versioned record.
import type { ActiveCallSnapshot, LegSession } from '../../b2bua/active-call-snapshot.ts';
import type { ChargeNote } from '../../b2bua/admission/charging.ts';
import type { HistorySnapshot } from '../../b2bua/call/call-history.ts';
import type { CallRecord } from '../../b2bua/call/call-record.ts';
import type { EpochMillis, Millis } from '../../core/clock.ts';
import { isElsewhere } from '../../sip/transport/process-flows.ts';
import type { Flow } from '../../sip/user-agent/session.ts';
import { earlierFlowId } from '../../store/earlier-run.ts';

export interface KeptRunning {
  readonly v: 1;
  readonly kind: 'running';
  readonly at: EpochMillis;
  /** The run of the process that its connections were of. */
  readonly run: string;
  readonly snapshot: ActiveCallSnapshot;
  readonly slots: readonly string[];
  readonly charge: ChargeNote;
}

export type KeptCall =
  | KeptRunning
  | { readonly v: 1; readonly kind: 'unanswered'; readonly at: EpochMillis; readonly history: HistorySnapshot }
  /** It has ended, and its record may not be written yet. */
  | { readonly v: 1; readonly kind: 'over'; readonly record: CallRecord };

/** A call as it is after so long, on the other side of a restart: its time went on, and its connections are gone. */
export function takenUp(snapshot: ActiveCallSnapshot, run: string, elapsed: Millis): ActiveCallSnapshot {
  const { call, signalling, durationLeft } = snapshot;
  const { history } = call;
  return {
    ...snapshot,
    call: { ...call, history: { ...history, duration: history.duration + elapsed } },
    signalling: { ...signalling, sessions: signalling.sessions.map((one) => withoutConnection(one, run)) },
    durationLeft: durationLeft === undefined ? undefined : durationLeft - elapsed,
  };
}

function withoutConnection({ leg, session }: LegSession, run: string): LegSession {
  const { flow, hop } = session;
  return {
    leg,
    session: {
      ...session,
      flow: flow === undefined ? undefined : earlierFlow(flow, run),
      hop: hop.kind === 'flow' ? { kind: 'flow', flow: earlierFlow(hop.flow, run) } : hop,
    },
  };
}

/**
 * A flow of that run, as this one names it. That of a datagram is two addresses, which are what they were; that of another process, which
 * goes on by itself, has its name from there.
 */
export function earlierFlow(flow: Flow, run: string): Flow {
  return flow.reliable && !isElsewhere(flow.id) ? { ...flow, id: earlierFlowId(run, flow.id) } : flow;
}
