// Which transaction a message belongs to: RFC 3261 §17.1.3, §17.2.3, and §8.2.2.2 for requests that came twice.
// Keys are joined with LF, which no header value holds.
import type { CSeq, Essentials } from '../message/header-fields.ts';
import type { SipRequest } from '../message/message.ts';
import type { Via } from '../message/via.ts';
import type { Flow } from '../transport/transport.ts';

/** Every branch of RFC 3261 begins so (§8.1.1.7). */
export const branchCookie = 'z9hG4bK';

/** The transaction of ours that a response answers: our branch and the method of its CSeq. */
export function clientKey(branch: string, method: string): string {
  return `${method}\n${branch}`;
}

/**
 * The server transaction that a request belongs to. `method` is that of the request which made it: INVITE for an ACK, and
 * INVITE where a CANCEL looks for what it cancels. Without the cookie, RFC 2543's fields (§17.2.3); To is left out there, as an
 * INVITE's may lack the tag that its ACK has; the layer compares that one itself.
 */
export function serverKey(request: SipRequest, essentials: Essentials, method: string): string {
  const { via, fromTag, callId, cseq } = essentials;
  if (hasUniqueBranch(via)) return `${method}\n${via.branch.toLowerCase()}\n${via.host}:${via.port ?? ''}`;
  return `${method}\n${request.uri}\n${fromTag ?? ''}\n${callId}\n${cseq.sequence}\n${via.protocol} ${via.host}:${via.port ?? ''};${via.branch ?? ''}`;
}

/** Whether the branch alone names the transaction; the bare cookie does not (RFC 4475 §3.2.1). */
export function hasUniqueBranch(via: Via): via is Via & { readonly branch: string } {
  const { branch } = via;
  if (branch === undefined || branch.length <= branchCookie.length) return false;
  return branch.startsWith(branchCookie) || branch.slice(0, branchCookie.length).toLowerCase() === lowerCookie;
}

/**
 * What copies of one request that took several paths have in common (§8.2.2.2). Undefined inside a dialog, where no copies
 * are looked for.
 */
export function originKey({ toTag, fromTag, callId, cseq }: Essentials): string | undefined {
  return toTag === undefined ? `${callId}\n${fromTag ?? ''}\n${formatted(cseq)}` : undefined;
}

/** Whether `flow` leads to where `other` leads to: nobody else may retransmit, acknowledge or cancel a request. */
export function isSameSource(flow: Flow, other: Flow): boolean {
  return flow === other || (flow.listener === other.listener && flow.remote.address === other.remote.address);
}

const lowerCookie = branchCookie.toLowerCase();

function formatted({ sequence, method }: CSeq): string {
  return `${sequence} ${method}`;
}
