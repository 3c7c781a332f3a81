// Cuts a byte stream into SIP messages (RFC 3261 §7.5, §18.3) and keep-alives (RFC 5626 §3.5.1). Sans-IO, one for each
// connection. Every byte is looked at a bounded number of times however the stream is split, and nothing is held that
// the limits do not allow: a Content-Length that is too large is refused before its body is waited for.
import { asBuffer } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isIn, readDigits, TOKEN } from './characters.ts';
import { fieldOf, scanField } from './field-lines.ts';
import { readHeaderName } from './header-names.ts';
import type { HeaderField } from './headers.ts';
import { defaultMessageLimits, type MessageLimits } from './limits.ts';
import { type MessageError, messageError } from './message-error.ts';
import { answerably } from './skeleton.ts';
import { Source } from './source.ts';

export type FramerEvent =
  /** One whole message; `bytes` may be a view into the chunk that ended it, and is not written to again. */
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** CRLFCRLF between messages: answer CRLF. Always preceded by a pong, its first half. */
  | { readonly type: 'ping' }
  /** CRLF between messages: the answer to our ping, or half of one, or an idle empty line. */
  | { readonly type: 'pong' }
  /** Answer if `error.answerable`, then close: the next message's start cannot be found. Nothing follows. */
  | { readonly type: 'refuse'; readonly error: MessageError };

export class StreamFramer {
  readonly #limits: MessageLimits;
  /** The first #heldBytes of #held are the part of a message (or of a CRLF) that has come so far. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  /** How many bytes of the present message were searched for the empty line that ends its headers. */
  #searched = 0;
  #isStartLineSeen = false;
  /** The size of the present message, once its headers are here; 0 before. */
  #messageBytes = 0;
  /** An odd number of CRLFs came since the last message. */
  #isHalfPing = false;
  #isRefused = false;

  constructor(limits: MessageLimits = defaultMessageLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait for the rest of their message. */
  get bufferedBytes(): number {
    return this.#heldBytes;
  }

  /** Takes the next bytes of the stream (which must not change afterwards) and returns what they complete, in order. */
  push(chunk: Uint8Array): readonly FramerEvent[] {
    const events: FramerEvent[] = [];
    if (this.#isRefused || chunk.length === 0) return events;
    const input = this.#heldBytes === 0 ? asBuffer(chunk) : this.#append(chunk);
    const used = this.#cut(input, events);
    if (this.#isRefused) this.#hold(input, input.length);
    else if (used > 0 || this.#heldBytes === 0) this.#hold(input, used);
    return events;
  }

  /** Cuts messages off `input`; returns how many of its bytes are done with. */
  #cut(input: Buffer, events: FramerEvent[]): number {
    let start = 0;
    for (;;) {
      if (this.#messageBytes === 0) {
        if (this.#searched === 0) start = this.#skipKeepAlives(input, start, events);
        if (start === input.length || this.#isRefused) return start;
        if (this.#searched === 0 && input[start] === CR) return start;
        this.#findSize(input, start, events);
        if (this.#messageBytes === 0) return start;
      }
      const end = start + this.#messageBytes;
      if (end > input.length) return start;
      events.push({ type: 'message', bytes: input.subarray(start, end) });
      start = end;
      this.#messageBytes = 0;
      this.#searched = 0;
      this.#isStartLineSeen = false;
      this.#isHalfPing = false;
    }
  }

  /** Returns the index after the CRLFs at `start`. What follows them begins a message, or half a CRLF. */
  #skipKeepAlives(input: Buffer, from: number, events: FramerEvent[]): number {
    let start = from;
    while (start + 1 < input.length && input[start] === CR && input[start + 1] === LF) {
      events.push(this.#isHalfPing ? ping : pong);
      this.#isHalfPing = !this.#isHalfPing;
      start += 2;
    }
    const first = input[start];
    const isHalfLine = first === CR && start + 1 === input.length;
    if (first !== undefined && !isHalfLine && !isIn(TOKEN, first)) {
      this.#refuse(messageError('not-sip', `expected a message, got byte ${first}`), events);
    }
    return start;
  }

  /** Looks on for the end of the headers of the message at `start`; sets #messageBytes when it is here. */
  #findSize(input: Buffer, start: number, events: FramerEvent[]): void {
    const { headerBytes, startLineBytes, messageBytes } = this.#limits;
    this.#checkStartLine(input, start, startLineBytes, events);
    if (this.#isRefused) return;
    const from = start + Math.max(0, this.#searched - (emptyLine.length - 1));
    const window = input.subarray(from, start + headerBytes + emptyLine.length);
    const found = window.indexOf(emptyLine);
    this.#searched = Math.min(input.length - start, headerBytes + emptyLine.length);
    if (found < 0) {
      if (this.#searched === headerBytes + emptyLine.length) {
        const detail = `header section exceeds ${headerBytes} B`;
        this.#refuse(messageError('header-too-large', detail, 513), events, input.subarray(start, start + headerBytes));
      }
      return;
    }
    const bodyStart = from + found + emptyLine.length - start;
    const head = input.subarray(start, start + bodyStart - 2);
    const length = contentLength(Source.ofBytes(head, 0, head.length));
    if (!length.ok) this.#refuse(length.error, events, head);
    else if (bodyStart + length.value > messageBytes) {
      const detail = `message ${bodyStart + length.value} B exceeds ${messageBytes} B`;
      this.#refuse(messageError('message-too-large', detail, 513), events, head);
    } else this.#messageBytes = bodyStart + length.value;
  }

  /** A peer that speaks no SIP is told so after one overlong line, not after a whole header section of noise. */
  #checkStartLine(input: Buffer, start: number, limit: number, events: FramerEvent[]): void {
    if (this.#isStartLineSeen || input.length - start < limit + 2) return;
    this.#isStartLineSeen = true;
    if (input.subarray(start, start + limit + 2).includes('\r\n')) return;
    this.#refuse(messageError('start-line-too-long', `start line exceeds ${limit} B`, 414), events);
  }

  #refuse(error: MessageError, events: FramerEvent[], head?: Buffer): void {
    this.#isRefused = true;
    events.push({
      type: 'refuse',
      error: head === undefined ? error : answerably(error, Source.ofBytes(head, 0, head.length)),
    });
  }

  /** Adds to what is held, doubling the room, so that a byte at a time costs a bounded number of copies of each. */
  #append(chunk: Uint8Array): Buffer {
    const needed = this.#heldBytes + chunk.length;
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#held.length, smallestRoom));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    this.#held.set(chunk, this.#heldBytes);
    this.#heldBytes = needed;
    return this.#held.subarray(0, needed);
  }

  /** Keeps a copy of what is left of `input`, so that neither a chunk nor a delivered message is held or overwritten. */
  #hold(input: Buffer, used: number): void {
    this.#heldBytes = input.length - used;
    this.#held = this.#heldBytes === 0 ? nothing : Buffer.allocUnsafeSlow(this.#heldBytes);
    if (this.#heldBytes > 0) input.copy(this.#held, 0, used);
  }
}

const CR = 0x0d;
const LF = 0x0a;
const emptyLine = Buffer.from('\r\n\r\n');
const nothing = Buffer.alloc(0);
const smallestRoom = 512;
const ping: FramerEvent = { type: 'ping' };
const pong: FramerEvent = { type: 'pong' };

/** The one Content-Length of a header section. Fields are cut exactly as the parser does it. */
function contentLength(head: Source): Result<number, MessageError> {
  const { text } = head;
  if (text.includes('\0')) return err(messageError('header-control-character', 'NUL in the header section'));
  let field: HeaderField | undefined;
  for (let start = text.indexOf('\r\n') + 2; start < text.length; ) {
    const line = scanField(head, start);
    if (!line.isClean) return err(messageError('header-control-character', 'lone CR or LF in the headers'));
    if (line.valueStart > 0 && isContentLength(head, start, line.nameEnd)) {
      if (field !== undefined) return err(messageError('header-repeated', 'a second Content-Length'));
      field = fieldOf('Content-Length', head, line);
    }
    start = line.end + 2;
  }
  if (field === undefined) return err(messageError('content-length-missing', 'no Content-Length on a stream'));
  const length = readDigits(field.source.codes, field.start, field.end, Number.MAX_SAFE_INTEGER);
  if (length !== undefined) return ok(length);
  const value = field.source.text.slice(field.start, field.end);
  return err(messageError('content-length-malformed', `expected a number, got "${value}"`));
}

/** `l` or `Content-Length`; the length tells nearly all other names apart. */
function isContentLength(head: Source, start: number, end: number): boolean {
  const size = end - start;
  return (size === 1 || size === 14) && readHeaderName(head, start, end).canonical === 'Content-Length';
}
