// Why bytes or fields are no valid SIP message, and what is needed to say so to their sender.
import type { SipRequest } from './message.ts';

export interface MessageError {
  /** Stable, kebab-case. */
  readonly code: string;
  /** What was expected and what came. It may quote peer input: data for a log field, never for a header. */
  readonly detail: string;
  /** The response that fits: 400, 414, 505 or 513. */
  readonly status: number;
  /**
   * Present when the request can be answered: a skeleton whose Via, CSeq and Call-ID are usable (From and To as they
   * came, absent when they were). Its method may be garbled; it serves `responseTo` and nothing else. Never an ACK.
   */
  readonly answerable?: SipRequest;
}

/** An error that is answered 400 unless another status is given. */
export function messageError(code: string, detail: string, status = 400): MessageError {
  return { code, detail: detail.length <= longestDetail ? detail : `${detail.slice(0, longestDetail)}…`, status };
}

const longestDetail = 200;
