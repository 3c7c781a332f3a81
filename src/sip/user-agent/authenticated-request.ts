// A request of ours to a configured peer that may challenge it: sent again once with our credentials (RFC 3261 §22.2).
// Without credentials, for another realm, or once it is cancelled, the challenge is the final answer.
import type { Headers } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { LateAnswerHandler } from '../transaction/settled-client.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import type { UserAgentGround } from './ground.ts';
import { RoutedRequest } from './routed-request.ts';
import type { CallFailure, ChallengeAnswerer } from './session.ts';

export interface AuthenticatedRequestHandlers {
  onProvisional?(response: SipResponse, flow: Flow, request: SipRequest): void;
  /** The final answer; for an INVITE each 2xx, repeated ones too. `request` is as it went out, with our Via. */
  onFinal(response: SipResponse, flow: Flow, request: SipRequest): void;
  /** No answer, or no way there. */
  onFailed(failure: CallFailure): void;
}

export class AuthenticatedRequest {
  readonly #ground: UserAgentGround;
  readonly #credentials: ChallengeAnswerer | undefined;
  readonly #handlers: AuthenticatedRequestHandlers;
  #routed: RoutedRequest | undefined;
  #answeredChallenges = 0;
  #isCancelled = false;

  constructor(
    ground: UserAgentGround,
    credentials: ChallengeAnswerer | undefined,
    handlers: AuthenticatedRequestHandlers,
  ) {
    this.#ground = ground;
    this.#credentials = credentials;
    this.#handlers = handlers;
  }

  /** `make` is called again, with a higher CSeq, when a challenge is answered. */
  send(make: () => SipRequest, to: Destination): void {
    this.#routed = new RoutedRequest(this.#ground, make(), to, {
      onResponse: (response, flow, request) => this.#onResponse(make, request, response, flow),
      onFailed: (failure) => this.#handlers.onFailed(failure),
    });
  }

  /** Bounds how long the answer may take; what comes is heard all the same, so that it is acknowledged. */
  cancel(headers?: Headers): void {
    this.#isCancelled = true;
    this.#routed?.cancel(headers);
  }

  /** The INVITE has its 2xx: any that comes yet is for whoever `heir` returns. */
  release(heir: () => LateAnswerHandler): void {
    this.#routed?.release(heir);
  }

  #onResponse(make: () => SipRequest, request: SipRequest, response: SipResponse, flow: Flow): void {
    if (response.status < 200) {
      this.#handlers.onProvisional?.(response, flow, request);
      return;
    }
    const answer = this.#answerTo(request, response);
    if (answer?.ok === true) {
      this.#answeredChallenges += 1;
      const again = make();
      const { header, value } = answer.value;
      this.#routed?.resend({ ...again, headers: again.headers.append(header, value) });
    } else {
      this.#handlers.onFinal(response, flow, request);
    }
  }

  #answerTo(request: SipRequest, response: SipResponse): ReturnType<ChallengeAnswerer['answer']> | undefined {
    const isChallenge = response.status === 401 || response.status === 407;
    if (!isChallenge || this.#isCancelled || this.#answeredChallenges >= maxChallenges) return undefined;
    return this.#credentials?.answer(request, response);
  }
}

/** One for the first challenge, one for a nonce that had become stale. */
const maxChallenges = 2;
