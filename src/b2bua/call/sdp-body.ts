// Between the bodies that SIP carries and the bytes that media/sdp reads.
import { err, ok, type Result } from '../../core/result.ts';
import { sdpContentType, sessionDescriptionIn } from '../../media/sdp/body.ts';
import type { SdpRefusal } from '../../media/sdp/sdp-leg.ts';
import type { Body } from '../../sip/user-agent/session.ts';

export function sdpBody(bytes: Uint8Array): Body {
  return { contentType: sdpContentType, bytes };
}

/** The session description in a body: 488 where there is none, 415 where there is only something else (RFC 3261 §21.4.13). */
export function sdpBytes(body: Body | undefined): Result<Uint8Array, SdpRefusal> {
  const found = body === undefined ? ok(undefined) : sessionDescriptionIn(body.bytes, body);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok(found.value);
  return err({ status: 488, reason: 'no-sdp', detail: 'expected a session description, none came' });
}
