// The Reason header (RFC 3326) that each end of a call carries, so that both sides and every log say the same.
import type { Refusal } from '../../policy/verdict.ts';
import { Headers } from '../../sip/message/headers.ts';
import type { CallOutput, LegId } from './call-event.ts';
import type { EndCause } from './end-cause.ts';

/** Headers with the Reason for a call that ended for `cause`; empty where the method alone says it. */
export function reasonFor(cause: EndCause): Headers {
  const text = reasonTexts[cause];
  return text === undefined ? Headers.empty : Headers.of(['Reason', text]);
}

/** Headers with a Reason that names a SIP status. `text` is ours: it holds neither quotes nor line ends. */
export function statusReason(status: number, text: string): Headers {
  return Headers.of(['Reason', `SIP;cause=${status};text="${text}"`]);
}

/** No port or no worker for a leg. */
export function noMedia(detail: string): Refusal {
  return { code: 'media-not-available', status: 503, text: 'Media not available', detail, retryAfterSeconds: 5 };
}

/** SDP that cannot be used. */
export function unusableOffer(status: number, detail: string): Refusal {
  return { code: 'media-not-acceptable', status, text: 'Media not acceptable', detail };
}

/** A store that did not answer, or could not. */
export function storeFailure(detail: string): Refusal {
  return { code: 'store-not-available', status: 503, text: 'Service not available', detail, retryAfterSeconds: 10 };
}

const reasonTexts: Readonly<Partial<Record<EndCause, string>>> = {
  'caller-hung-up': 'Q.850;cause=16;text="Normal call clearing"',
  'callee-hung-up': 'Q.850;cause=16;text="Normal call clearing"',
  'caller-cancelled': 'SIP;cause=487;text="Request cancelled"',
  'no-answer': 'Q.850;cause=19;text="No answer"',
  'early-media-limit': 'Q.850;cause=102;text="Early media limit reached"',
  'duration-limit': 'Q.850;cause=102;text="Call duration limit reached"',
  'media-timeout': 'Q.850;cause=102;text="Media timeout"',
  'media-lost': 'Q.850;cause=41;text="Media lost"',
  'keying-failed': 'Q.850;cause=88;text="No keys for media"',
  'caller-flow-lost': 'Q.850;cause=27;text="Connection lost"',
  transferred: 'Q.850;cause=16;text="Transferred"',
  operator: 'Q.850;cause=31;text="Ended by the operator"',
  fraud: 'Q.850;cause=21;text="Call rejected"',
  lost: 'Q.850;cause=41;text="Call lost in a restart"',
  draining: 'Q.850;cause=41;text="Service is restarting"',
};

export const notAcceptable = statusReason(488, 'Not acceptable here');

/** Ends a leg whose 2xx cannot be used: a 2xx is acknowledged whatever it says (RFC 3261 §13.2.2.4). */
export function ackAndBye(leg: LegId, headers: Headers): readonly CallOutput[] {
  return [
    { type: 'ack', leg, body: undefined },
    { type: 'bye', leg, headers },
  ];
}
