// A refusal that leaves no state behind (RFC 3261 §8.2.7): each copy of the request must get the same answer, so that its
// To-tag is made from nothing but the transaction's key.
import type { Headers } from '../message/headers.ts';
import { responseTo, type SipRequest, type SipResponse } from '../message/message.ts';

/** The final response `status` to a request whose server transaction would have `key`. */
export function refusalOf(request: SipRequest, key: string, status: number, headers: Headers): SipResponse {
  return responseTo(request, status, { toTag: digestOf(key), headers });
}

/** FNV-1a, 32 bits, in hexadecimal: equal texts give equal digests, and no more is asked of it. */
function digestOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
