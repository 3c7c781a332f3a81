// Between the bodies that SIP carries and the bytes that media/sdp reads.
import { err, ok, type Result } from '../core/result.ts';
import type { SdpRefusal } from '../media/sdp/sdp-leg.ts';
import type { Body } from '../sip/user-agent/session.ts';

export const sdpContentType = 'application/sdp';

export function sdpBody(bytes: Uint8Array): Body {
  return { contentType: sdpContentType, bytes };
}

/** The SDP of a body: 488 where there is none, 415 where it is something else (RFC 3261 §21.4.13). */
export function sdpBytes(body: Body | undefined): Result<Uint8Array, SdpRefusal> {
  if (body === undefined || body.bytes.length === 0) {
    return err({ status: 488, reason: 'no-sdp', detail: 'expected an SDP body, none came' });
  }
  if (mediaType(body.contentType) !== sdpContentType) {
    return err({
      status: 415,
      reason: 'not-sdp',
      detail: `expected ${sdpContentType}, got ${body.contentType.slice(0, 80)}`,
    });
  }
  return ok(body.bytes);
}

function mediaType(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
