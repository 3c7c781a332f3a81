// The session description inside a SIP body: application/sdp itself, or the part of a multipart body that is one.
// RFC 5621 (multipart, handling), RFC 3261 §20.11 and §21.4.13, RFC 3959 (early-session is not the session), RFC 2045.
import { err, ok, type Result } from '../../core/result.ts';
import { type MimeHeaders, type MimePart, parseParameters, parseParts } from './mime-parts.ts';
import { refusal, type SdpRefusal } from './sdp-policy.ts';

export const sdpContentType = 'application/sdp';

/**
 * The bytes of the session description in `body`; undefined when there is none. Parts that are not understood are passed
 * over unless they say handling=required. Errors: 415, and 400 for a broken multipart body.
 */
export function sessionDescriptionIn(
  body: Uint8Array,
  headers: MimeHeaders,
): Result<Uint8Array | undefined, SdpRefusal> {
  if (body.length === 0) return ok(undefined);
  const type = parseParameters(headers.contentType ?? '').value;
  if (type !== sdpContentType && !containers.has(type)) {
    if (handlingOf(headers) === 'optional') return ok(undefined);
    return err(refusal(415, 'not-sdp', `expected ${sdpContentType}, got "${type.slice(0, 80)}"`));
  }
  return descriptionIn({ headers, bytes: body }, 0);
}

const containers: ReadonlySet<string> = new Set(['multipart/mixed', 'multipart/alternative']);
const deepestNesting = 3;

function descriptionIn({ headers, bytes }: MimePart, depth: number): Result<Uint8Array | undefined, SdpRefusal> {
  const { value: type, parameters } = parseParameters(headers.contentType ?? 'text/plain');
  if (containers.has(type)) {
    if (depth === deepestNesting) return err(refusal(400, 'malformed', 'multipart bodies nested too deep'));
    return descriptionInParts(bytes, parameters.get('boundary'), type === 'multipart/alternative', depth);
  }
  const disposition = parseParameters(headers.contentDisposition ?? 'session').value;
  if (type !== sdpContentType || disposition !== 'session') {
    if (handlingOf(headers) !== 'required') return ok(undefined);
    return err(refusal(415, 'unsupported-body', `a part of type "${type.slice(0, 80)}" asks to be understood`));
  }
  if (isEncoded(headers)) return err(refusal(415, 'unsupported-body', 'an encoded session description'));
  return ok(bytes);
}

/** Alternatives come in rising order of preference (RFC 2046 §5.1.4); elsewhere two descriptions would mean two sessions. */
function descriptionInParts(
  bytes: Uint8Array,
  boundary: string | undefined,
  areAlternatives: boolean,
  depth: number,
): Result<Uint8Array | undefined, SdpRefusal> {
  const parts = parseParts(bytes, boundary);
  if (!parts.ok) return err(refusal(400, 'malformed', parts.error));
  let found: Uint8Array | undefined;
  for (const part of parts.value) {
    const description = descriptionIn(part, depth + 1);
    if (!description.ok) return description;
    if (description.value === undefined) continue;
    if (found !== undefined && !areAlternatives) {
      return err(refusal(400, 'malformed', 'more than one session description in a multipart body'));
    }
    found = description.value;
  }
  return ok(found);
}

function handlingOf(headers: MimeHeaders): string | undefined {
  return parseParameters(headers.contentDisposition ?? '')
    .parameters.get('handling')
    ?.toLowerCase();
}

function isEncoded({ contentEncoding = 'identity', contentTransferEncoding = 'binary' }: MimeHeaders): boolean {
  const transferEncoding = contentTransferEncoding.trim().toLowerCase();
  return contentEncoding.trim().toLowerCase() !== 'identity' || !['7bit', '8bit', 'binary'].includes(transferEncoding);
}
