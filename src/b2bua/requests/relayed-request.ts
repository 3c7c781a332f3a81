// A request that makes no dialog, relayed to all targets of a stage at once: the first that takes it answers for all, and the best
// failure where none does (RFC 3261 §16.7). The next stage is tried where a call would be.
import type { OutsideRequester, OutsideRequestOptions } from '../../sip/user-agent/session.ts';
import { betterFailure, type Failure, mayFailOver, reachedOrNot } from '../call/failure.ts';
import type { Stages, Target } from '../routing/target.ts';
import { relayedFailure, relayedFinal } from './relayed-answer.ts';

export type RelayedParts = Pick<OutsideRequestOptions, 'method' | 'headers' | 'body'>;

/** `respond` is called once, or never when nobody answered in time (RFC 4320 §4.2). */
export function relayRequest(
  requester: OutsideRequester,
  stages: Stages,
  respond: (status: number) => void,
  make: (target: Target) => RelayedParts,
  before?: Failure,
): void {
  const [stage, ...later] = stages;
  if (stage === undefined || stage.length === 0) {
    const told = relayedFailure(before ?? { status: 480, cause: 'response' });
    if (told !== undefined) respond(told);
    return;
  }
  let open = stage.length;
  let isOver = false;
  let worst = before;
  const failed = (failure: Failure, target: Target): void => {
    if (isOver) return;
    const heard = reachedOrNot(failure, target.party);
    worst = betterFailure(worst, heard);
    open -= 1;
    if (open > 0) return;
    isOver = true;
    relayRequest(requester, mayFailOver(heard) ? later : [], respond, make, worst);
  };
  for (const target of stage) {
    const { destination, requestUri, from, to, credentials } = target;
    requester.request(
      { destination, requestUri, from, to, credentials, ...make(target) },
      {
        onFinal: ({ status }) => {
          if (status >= 300) failed({ status, cause: 'response' }, target);
          else if (!isOver) {
            isOver = true;
            respond(relayedFinal(status));
          }
        },
        onFailed: (failure) => failed(failure, target),
      },
    );
  }
}
