// A user agent of which a test reads what it was asked to send, and says what became of it.
import { Headers } from '../../../src/sip/message/headers.ts';
import { noBody, type SipResponse } from '../../../src/sip/message/message.ts';
import type {
  CallFailure,
  OutsideRequester,
  OutsideRequestHandlers,
  OutsideRequestOptions,
} from '../../../src/sip/user-agent/session.ts';

export class FakeRequester implements OutsideRequester {
  readonly sent: OutsideRequestOptions[] = [];
  #handlers: OutsideRequestHandlers | undefined;

  request(options: OutsideRequestOptions, handlers: OutsideRequestHandlers): void {
    this.sent.push(options);
    this.#handlers = handlers;
  }

  contactFor(_destination: OutsideRequestOptions['destination'], user?: string): string {
    return user === undefined ? '<sip:192.0.2.10:5060>' : `<sip:${user}@192.0.2.10:5060>`;
  }

  /** The last request gets this final answer. */
  answer(status: number, ...headers: readonly (readonly [string, string])[]): void {
    const response: SipResponse = {
      kind: 'response',
      status,
      reason: '',
      headers: Headers.of(...headers.map(([name, value]): [string, string] => [name, value])),
      body: noBody,
    };
    this.#handlers?.onFinal(response);
  }

  /** The last request comes to nothing. */
  fail(cause: CallFailure['cause'] = 'timeout'): void {
    this.#handlers?.onFailed({ status: 408, cause });
  }

  /** The last header of that name of the last request. */
  header(name: string): string | undefined {
    return this.sent.at(-1)?.headers.get(name);
  }
}
