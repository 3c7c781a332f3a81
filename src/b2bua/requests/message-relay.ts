// A MESSAGE outside a dialog (RFC 3428): admitted and routed as a call would be, without slots and without a record. All contacts
// of a user get it; the first that takes it answers for all, and the best failure where none does (RFC 3261 §16.7).
import type { Logger } from '../../core/logger.ts';
import { type Random, token } from '../../core/random.ts';
import { Headers } from '../../sip/message/headers.ts';
import { responseTo, type SipRequest } from '../../sip/message/message.ts';
import { allowedMethods } from '../../sip/user-agent/allowed-methods.ts';
import { bodyOf, type Identity, type OutsideRequester, type ServerTransaction } from '../../sip/user-agent/session.ts';
import type { Admissions } from '../admission/admission.ts';
import { statusReason } from '../call/reason.ts';
import { bodyRefusal, type MethodPolicy } from '../routing/method-policy.ts';
import { relayRequest } from './relayed-request.ts';

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
    void admissions
      .admit(request, identity, { listener: flow.listener, from: { flow }, isNoCall: true })
      .then((outcome) => {
        if (outcome.kind === 'refused') {
          const { code, status: refused, text } = outcome.refusal;
          logger.info('message-refused-by-policy', { code });
          respond(refused, statusReason(refused, text));
        } else {
          // Allow speaks of dialogs that a MESSAGE never makes.
          const { stages, stageTimeout } = outcome.admission;
          // All phones of a user get it, whatever their q.
          const all = stageTimeout === undefined ? stages : [stages.flat()];
          relayRequest(this.#parts.requester, all, respond, ({ headers }) => ({
            method: 'MESSAGE',
            headers: headers.without('Allow'),
            body: bodyOf(request),
          }));
        }
      });
  }
}
