// Bytes → SIP message (RFC 3261 §7, §8.1.1, §18.3, §20). One pass finds the header fields; what they mean is read on
// demand (header-fields.ts), but for the essentials, which every layer needs and which are checked here.
import { asBuffer } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { readDigits } from './characters.ts';
import { fieldOf, firstLineEnd, scanField } from './field-lines.ts';
import { essentials, rememberRequestUri } from './header-fields.ts';
import { headerName, readHeaderName } from './header-names.ts';
import { type HeaderField, Headers } from './headers.ts';
import { defaultMessageLimits, type MessageLimits } from './limits.ts';
import { noBody, type SipMessage } from './message.ts';
import { type MessageError, messageError } from './message-error.ts';
import { answerably } from './skeleton.ts';
import { Source } from './source.ts';
import { splitCommas } from './split.ts';
import { readStartLine } from './start-line.ts';

/**
 * Reads one message. The body is a view into `bytes`, which must not change afterwards. On a datagram, what follows the
 * Content-Length is dropped and a message without one ends with the datagram; on a stream both are errors (§18.3).
 */
export function parseMessage(
  bytes: Uint8Array,
  limits: MessageLimits = defaultMessageLimits,
  transport: 'stream' | 'datagram' = 'datagram',
): Result<SipMessage, MessageError> {
  const buffer = asBuffer(bytes);
  const start = skipEmptyLines(buffer);
  const end = buffer.indexOf(emptyLine, start);
  const headEnd = end < 0 ? buffer.length : end + 2;
  const head = Source.ofBytes(buffer, start, Math.min(headEnd, start + limits.headerBytes + 2));
  const sized = checkSizes(buffer.length - start, end < 0 ? undefined : end - start, limits);
  if (!sized.ok) return err(answerably(sized.error, head));
  const message = parseParts(head, buffer, end + 4, limits, transport);
  return message.ok ? message : err(answerably(message.error, head));
}

const emptyLine = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;

/** Empty lines before the start line are ignored (§7.5). */
function skipEmptyLines(buffer: Buffer): number {
  let start = 0;
  while (buffer[start] === CR && buffer[start + 1] === LF) start += 2;
  return start;
}

function checkSizes(
  messageBytes: number,
  headerBytes: number | undefined,
  limits: MessageLimits,
): Result<undefined, MessageError> {
  if (messageBytes > limits.messageBytes) {
    return fail('message-too-large', `message ${messageBytes} B exceeds ${limits.messageBytes} B`, 513);
  }
  if (headerBytes === undefined) return fail('header-unterminated', 'expected an empty line after the headers');
  if (headerBytes > limits.headerBytes) {
    return fail('header-too-large', `header section ${headerBytes} B exceeds ${limits.headerBytes} B`, 513);
  }
  return fine;
}

/** `head` is the start line and the headers, the last CRLF included. */
function parseParts(
  head: Source,
  buffer: Buffer,
  bodyStart: number,
  limits: MessageLimits,
  transport: 'stream' | 'datagram',
): Result<SipMessage, MessageError> {
  if (head.text.includes('\0')) return fail('header-control-character', 'NUL in the header section');
  const lineEnd = firstLineEnd(head.text);
  if (lineEnd < 0) return fail('header-control-character', 'lone CR or LF in the start line');
  if (lineEnd > limits.startLineBytes) {
    return fail('start-line-too-long', `start line ${lineEnd} B exceeds ${limits.startLineBytes} B`, 414);
  }
  const startLine = readStartLine(head, lineEnd);
  if (!startLine.ok) return startLine;
  const first = startLine.value;
  const fields = parseFields(head, lineEnd + 2, first.kind === 'request', limits);
  if (!fields.ok) return fields;
  const headers = fields.value;
  if (first.kind === 'request') rememberRequestUri(headers, first.uri, first.parsedUri);
  const body = cutBody(buffer, bodyStart, headers, transport);
  if (!body.ok) return body;
  const message: SipMessage =
    first.kind === 'request'
      ? { kind: 'request', method: first.method, uri: first.uri, headers, body: body.value }
      : { kind: 'response', status: first.status, reason: first.reason, headers, body: body.value };
  const checked = essentials(message);
  return checked.ok ? ok(message) : checked;
}

function parseFields(
  head: Source,
  from: number,
  isRequest: boolean,
  limits: MessageLimits,
): Result<Headers, MessageError> {
  const { text } = head;
  const fields: HeaderField[] = [];
  for (let start = from; start < text.length; ) {
    const line = scanField(head, start);
    const { nameEnd, valueStart, end } = line;
    if (!line.isClean) return fail('header-control-character', `lone CR or LF at ${start} or after`);
    if (end - start > limits.headerLineBytes) {
      return fail('header-line-too-long', `header field ${end - start} B exceeds ${limits.headerLineBytes} B`, 513);
    }
    if (nameEnd === start || valueStart < 0) return fail('header-malformed', `expected a name and a colon at ${start}`);
    const name = readHeaderName(head, start, nameEnd);
    if ((isRequest ? name.isSingle : name.isSingleInResponses) && hasField(fields, name.canonical)) {
      return fail('header-repeated', `a second ${name.canonical}`);
    }
    if (fields.length === limits.headerCount) {
      return fail('header-count', `more than ${limits.headerCount} header fields`, 513);
    }
    fields.push(fieldOf(name.canonical, head, line));
    start = end + 2;
  }
  return checkValueCounts(Headers.fromParsed(fields), text, limits.valuesPerHeader);
}

function hasField(fields: readonly HeaderField[], name: string): boolean {
  for (let index = 0; index < fields.length; index += 1) if (fields[index]?.name === name) return true;
  return false;
}

/** Values are only counted in a message that has enough commas to hold too many, so that the usual one costs little. */
function checkValueCounts(headers: Headers, head: string, limit: number): Result<Headers, MessageError> {
  let values = headers.size;
  for (let at = head.indexOf(','); at >= 0 && values <= limit; at = head.indexOf(',', at + 1)) values += 1;
  if (values <= limit) return ok(headers);
  const counts = new Map<string, number>();
  for (const [name, value] of headers) {
    if (!headerName(name).isCommaSeparated) continue;
    const count = (counts.get(name) ?? 0) + splitCommas(value).length;
    if (count > limit) return fail('header-value-count', `${count} values of ${name} exceed ${limit}`);
    counts.set(name, count);
  }
  return ok(headers);
}

function cutBody(
  buffer: Buffer,
  start: number,
  headers: Headers,
  transport: 'stream' | 'datagram',
): Result<Uint8Array, MessageError> {
  const available = buffer.length - start;
  const length = headers.readFirst('Content-Length', readLength);
  if (length === undefined) {
    if (transport === 'stream') return fail('content-length-missing', 'no Content-Length on a stream');
    return ok(available === 0 ? noBody : buffer.subarray(start));
  }
  if (length < 0) return fail('content-length-malformed', `expected a number, got "${headers.get('Content-Length')}"`);
  if (length > available) return fail('body-truncated', `expected ${length} B of body, got ${available} B`);
  if (length < available && transport === 'stream') {
    return fail('body-too-long', `expected ${length} B of body, got ${available} B`);
  }
  return ok(length === 0 ? noBody : buffer.subarray(start, start + length));
}

/** -1 when it is no number. */
function readLength({ codes }: Source, start: number, end: number): number {
  return readDigits(codes, start, end, Number.MAX_SAFE_INTEGER) ?? -1;
}

const fine: Result<undefined, never> = ok(undefined);

function fail(code: string, detail: string, status = 400): Result<never, MessageError> {
  return err(messageError(code, detail, status));
}
