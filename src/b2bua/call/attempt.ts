// One try at reaching a target: leg B before it is joined to the caller's. It may have any number of early dialogs.
import type { Millis } from '../../core/clock.ts';
import type { SdpLeg } from '../../media/sdp/sdp-leg.ts';
import type { Headers } from '../../sip/message/headers.ts';
import type { Callee } from '../routing/target.ts';
import type { CallOutput } from './call-event.ts';
import type { AttemptRecord } from './call-record.ts';
import type { Leg } from './leg.ts';
import { ackAndBye } from './reason.ts';

export interface Attempt {
  readonly leg: Leg;
  readonly target: Callee;
  /**
   * `preparing`: slots and ports are asked for. `inviting`: the INVITE is out. `answering`: its 2xx made an offer, ports are
   * asked for, and the 2xx waits for its ACK.
   */
  phase: 'preparing' | 'inviting' | 'answering' | 'over';
  /** The SDP state of each early dialog that sent an answer, by the To-tag's id. */
  /** How long budgets of its own claims let the call last. */
  longest?: Millis | undefined;
  readonly early: Map<string, SdpLeg>;
}

/** How records name a target: never with its address. */
export function targetName(target: Callee): string {
  return `${target.party.kind}:${target.party.name}`;
}

export function outcomeOf(attempt: Attempt, status: number, outcome: AttemptRecord['outcome']): AttemptRecord {
  return { target: targetName(attempt.target), status, outcome };
}

/** Ends its phone's side, wherever it stands. */
export function cancelling({ leg: { id }, phase }: Attempt, why: Headers): readonly CallOutput[] {
  if (phase === 'inviting') return [{ type: 'cancel', leg: id, headers: why }];
  return phase === 'answering' ? ackAndBye(id, why) : [];
}

/** Returns the slots and ports of an attempt that is over. */
export function giveBack(attempt: Attempt): readonly CallOutput[] {
  const outputs: CallOutput[] = [];
  const endpoints = attempt.leg.endpoints.flatMap((opened) => (opened === undefined ? [] : [opened.endpoint]));
  if (endpoints.length > 0) outputs.push({ type: 'close-endpoints', endpoints });
  if (attempt.target.claims.length > 0) outputs.push({ type: 'release', claims: attempt.target.claims });
  return outputs;
}
