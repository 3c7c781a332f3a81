// A refusal that leaves no state behind (RFC 3261 §8.2.7): each copy of the request must get the same answer, so that its
// To-tag is made from nothing but the transaction's key.
import { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';

/** The final response `status` to a request whose server transaction would have `key`. */
export function refusalOf(request: SipRequest, key: string, status: number, headers: Headers): SipResponse {
  return responseTo(request, status, { toTag: digestOf(key), headers });
}

/** Retry-After of such a refusal (§20.33): spread, so that not all come back at once, and the same for each copy. */
export function spreadRetryAfter(key: string): Headers {
  return Headers.of(['Retry-After', `${earliestRetry + (fnv(key) % retrySpread)}`]);
}

const earliestRetry = 5;
const retrySpread = 26;

function digestOf(text: string): string {
  return fnv(text).toString(16).padStart(8, '0');
}

/** FNV-1a, 32 bits: equal texts give equal numbers, and no more is asked of it. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
