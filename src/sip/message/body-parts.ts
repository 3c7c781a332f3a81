// The bodies of a message: the one that it is, or the parts of a multipart (RFC 5621, RFC 2046 §5.1).
import { asBuffer } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fieldOf, scanField } from './field-lines.ts';
import { readHeaderName } from './header-names.ts';
import { type HeaderField, Headers } from './headers.ts';
import { type Disposition, type MediaType, parseDisposition, parseMediaType } from './media-type.ts';
import type { SipMessage } from './message.ts';
import { type MessageError, messageError } from './message-error.ts';
import { Source } from './source.ts';

export interface BodyPart {
  readonly type: MediaType;
  readonly disposition: Disposition;
  /** A view into the body of the message. */
  readonly content: Uint8Array;
}

/**
 * The bodies of a message in order, those of nested multiparts in their place; none when the body is empty. The error's
 * status is 400 for a body without a readable Content-Type or multipart, 413 for too many parts or too deep a nesting.
 */
export function bodyParts(message: SipMessage): Result<readonly BodyPart[], MessageError> {
  const parts: BodyPart[] = [];
  if (message.body.length === 0) return ok(parts);
  const error = collect(message.headers, asBuffer(message.body), 0, parts);
  return error === undefined ? ok(parts) : err(error);
}

const mostParts = 16;
const deepestNesting = 2;
/** RFC 2046 §5.1.1. */
const longestBoundary = 70;
/** An alternative offers one content in several forms; either way every part is listed. */
const multiparts: ReadonlySet<string> = new Set(['multipart/mixed', 'multipart/alternative', 'multipart/related']);

function collect(headers: Headers, body: Buffer, depth: number, parts: BodyPart[]): MessageError | undefined {
  const type = parseMediaType(headers.get('Content-Type') ?? (depth === 0 ? '' : 'text/plain'));
  if (type === undefined) return messageError('content-type-malformed', 'expected a Content-Type beside a body');
  if (!multiparts.has(type.name)) {
    if (parts.length === mostParts) return messageError('body-parts', `more than ${mostParts} body parts`, 413);
    parts.push({ type, disposition: parseDisposition(headers.get('Content-Disposition')), content: body });
    return undefined;
  }
  if (depth === deepestNesting) return messageError('body-parts', `nested deeper than ${deepestNesting}`, 413);
  const boundary = type.parameters.get('boundary');
  if (boundary === undefined || boundary === '' || boundary.length > longestBoundary) {
    return messageError('multipart-malformed', `expected a boundary of 1 to ${longestBoundary} characters`);
  }
  return collectParts(body, boundary, depth, parts);
}

/** Cuts at the lines `--boundary`; what stands before the first and after the closing one is no part. */
function collectParts(body: Buffer, boundary: string, depth: number, parts: BodyPart[]): MessageError | undefined {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The line that begins the first part may be the first of the body, without a CRLF before it.
  let at = body.indexOf(delimiter.subarray(2)) === 0 ? -2 : body.indexOf(delimiter);
  if (at === -1) return messageError('multipart-malformed', 'no line begins a part');
  for (;;) {
    const afterMark = at + delimiter.length;
    if (body[afterMark] === DASH && body[afterMark + 1] === DASH) return undefined;
    const lineEnd = body.indexOf('\r\n', afterMark);
    const next = lineEnd < 0 ? -1 : body.indexOf(delimiter, lineEnd);
    if (next < 0) return messageError('multipart-malformed', 'expected a line that ends the last part');
    const error = collectPart(body.subarray(lineEnd + 2, next), depth, parts);
    if (error !== undefined) return error;
    at = next;
  }
}

/** A part is its own headers, an empty line and its content; no headers leave the empty line at the start. */
function collectPart(part: Buffer, depth: number, parts: BodyPart[]): MessageError | undefined {
  if (part.length === 0) return undefined;
  const isBare = part.indexOf('\r\n') === 0;
  const headEnd = isBare ? 0 : part.indexOf('\r\n\r\n');
  if (headEnd < 0) return messageError('multipart-malformed', 'expected an empty line in a part');
  const headers = readPartHeaders(Source.ofBytes(part, 0, isBare ? 0 : headEnd + 2));
  if (headers === undefined) return messageError('multipart-malformed', 'expected header fields in a part');
  return collect(headers, part.subarray(isBare ? 2 : headEnd + 4), depth + 1, parts);
}

function readPartHeaders(head: Source): Headers | undefined {
  const fields: HeaderField[] = [];
  if (head.text.includes('\0')) return undefined;
  for (let start = 0; start < head.text.length; ) {
    const line = scanField(head, start);
    if (!line.isClean || line.nameEnd === start || line.valueStart < 0) return undefined;
    fields.push(fieldOf(readHeaderName(head, start, line.nameEnd).canonical, head, line));
    start = line.end + 2;
  }
  return Headers.fromParsed(fields);
}

const DASH = 0x2d;
