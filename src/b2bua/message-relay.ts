// A MESSAGE outside a dialog (RFC 3428): admitted and routed as a call would be, without slots and without a record. All contacts
// of a user get it; the first that takes it answers for all, and the best failure where none does (RFC 3261 §16.7).
import type { Logger } from '../core/logger.ts';
import { type Random, token } from '../core/random.ts';
import { Headers } from '../sip/message/headers.ts';
import { responseTo, type SipRequest } from '../sip/message/message.ts';
import { allowedMethods } from '../sip/user-agent/allowed-methods.ts';
import { bodyOf, type Identity, type OutsideRequester, type ServerTransaction } from '../sip/user-agent/session.ts';
import type { Admissions } from './admission.ts';
import { betterFailure, type Failure, mayFailOver, reachedOrNot } from './failure.ts';
import { bodyRefusal, type MethodPolicy } from './method-policy.ts';
import { statusReason } from './reason.ts';
import { relayedFailure, relayedFinal } from './relayed-answer.ts';
import type { Stages, Target } from './target.ts';

export interface MessageRelayParts {
  readonly admissions: Pick<Admissions, 'admit'>;
  readonly requester: OutsideRequester;
  readonly policy: () => MethodPolicy;
  readonly random: Random;
  readonly logger: Logger;
}

export class MessageRelay {
  readonly #parts: MessageRelayParts;

  constructor(parts: MessageRelayParts) {
    this.#parts = parts;
  }

  /** Answers `transaction` once, or lets it time out when nobody answered in time (RFC 4320 §4.2). */
  onMessage(request: SipRequest, transaction: ServerTransaction, identity: Identity): void {
    const { random, policy, admissions, logger } = this.#parts;
    const toTag = token(random, 8);
    const respond = (status: number, headers = Headers.empty): void =>
      transaction.respond(responseTo(request, status, { toTag, headers }));
    const { messages } = policy();
    if (!messages.relay) {
      respond(
        405,
        Headers.of(['Allow', allowedMethods]).append('Reason', 'SIP;cause=405;text="Messages are not relayed"'),
      );
      return;
    }
    const status = bodyRefusal(request.headers.get('Content-Type'), request.body.length, messages);
    if (status !== undefined) {
      respond(status, status === 415 ? Headers.of(['Accept', messages.contentTypes.join(', ')]) : Headers.empty);
      return;
    }
    const { flow } = transaction;
    void admissions.admit(request, identity, { listener: flow.listener, from: { flow } }).then((outcome) => {
      if (outcome.kind === 'refused') {
        const { code, status: refused, text } = outcome.refusal;
        logger.info('message-refused-by-policy', { code });
        respond(refused, statusReason(refused, text));
      } else {
        this.#send(request, outcome.admission.stages, respond, undefined);
      }
    });
  }

  #send(request: SipRequest, stages: Stages, respond: (status: number) => void, before: Failure | undefined): void {
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
      this.#send(request, mayFailOver(heard) ? later : [], respond, worst);
    };
    for (const target of stage) {
      this.#request(
        request,
        target,
        (status) => {
          if (status >= 300) failed({ status, cause: 'response' }, target);
          else if (!isOver) {
            isOver = true;
            respond(relayedFinal(status));
          }
        },
        failed,
      );
    }
  }

  #request(
    request: SipRequest,
    target: Target,
    onFinal: (status: number) => void,
    onFailed: (failure: Failure, target: Target) => void,
  ): void {
    const { destination, requestUri, from, to, headers, credentials } = target;
    this.#parts.requester.request(
      // Allow speaks of dialogs that a MESSAGE never makes.
      {
        method: 'MESSAGE',
        destination,
        requestUri,
        from,
        to,
        headers: headers.without('Allow'),
        body: bodyOf(request),
        credentials,
      },
      { onFinal: ({ status }) => onFinal(status), onFailed: (failure) => onFailed(failure, target) },
    );
  }
}
