// Typed header fields, read on demand and once for each Headers object (RFC 3261 §8.1.1, §20).
import { SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseDigits, readDigits, skipClass, skipDigits, skipSpace, TOKEN, trimEnd, VISIBLE } from './characters.ts';
import type { Headers } from './headers.ts';
import type { SipMessage, SipRequest } from './message.ts';
import { type MessageError, messageError } from './message-error.ts';
import { type NameAddr, readNameAddr } from './name-addr.ts';
import { Source } from './source.ts';
import { nextComma } from './split.ts';
import { parseUri, type Uri } from './uri.ts';
import { formatVia, readVia, type Via } from './via.ts';

export interface CSeq {
  /** 0 to 2^31 - 1. */
  readonly sequence: number;
  readonly method: string;
}

/** What every message has and every layer asks for (RFC 3261 §8.1.1). */
export interface Essentials {
  /** The topmost. */
  readonly via: Via;
  readonly from: NameAddr;
  readonly fromTag: string | undefined;
  readonly to: NameAddr;
  readonly toTag: string | undefined;
  readonly callId: string;
  readonly cseq: CSeq;
  readonly maxForwards?: number | undefined;
}

/** The essentials, or what is wrong with the first that is not as it must be. */
export function essentials(message: SipMessage): Result<Essentials, MessageError> {
  const read = message.headers.once(readEssentials);
  if (read.ok && message.kind === 'request' && read.value.cseq.method !== message.method) {
    return err(
      messageError('cseq-method-mismatch', `CSeq names ${read.value.cseq.method}, the request is ${message.method}`),
    );
  }
  return read;
}

/** The essentials of a message that `parseMessage` accepted, or that we made. Throws SbcError for any other. */
export function essentialsOf(message: SipMessage): Essentials {
  const read = message.headers.once(readEssentials);
  if (!read.ok) throw new SbcError('sip-message-incomplete', read.error.detail);
  return read.value;
}

/** The request under another topmost Via, without reading the rest of it again. */
export function withTopVia(request: SipRequest, via: Via): SipRequest {
  const headers = headersUnder(request.headers, formatVia(via));
  headers.remember(readEssentials, ok({ ...essentialsOf(request), via }));
  headers.remember(newUriMemo, request.headers.once(newUriMemo));
  return { ...request, headers };
}

/** Each hop in a field of its own where there are several. */
function headersUnder(headers: Headers, top: string): Headers {
  const index = headers.indexOf('Via', 0);
  const { source, start, end } = headers.at(index);
  const isOnly = headers.indexOf('Via', index + 1) < 0 && nextComma(source, start, end) === end;
  return isOnly ? headers.replaced(index, top) : headers.with('Via', top, ...headers.values('Via').slice(1));
}

/**
 * The Request-URI, read once for each text. It reads whenever the request was parsed; one of our own may not.
 */
export function requestUri({ headers, uri: text }: SipRequest): Result<Uri, string> {
  const known = headers.once(newUriMemo);
  if (known.uri === undefined || known.text !== text) {
    known.text = text;
    known.uri = parseUri(text);
  }
  return known.uri;
}

/** For the parser, which has read the URI already. */
export function rememberRequestUri(headers: Headers, text: string, uri: Uri): void {
  const known = headers.once(newUriMemo);
  known.text = text;
  known.uri = ok(uri);
}

/** A request that is edited may share its headers with the one it was made from, so that the text is the key. */
interface UriMemo {
  text: string;
  uri: Result<Uri, string> | undefined;
}

function newUriMemo(): UriMemo {
  return { text: '', uri: undefined };
}

/** Reads `number method` (RFC 3261 §20.16); the number is below 2^31 (§8.1.1.5). */
export function parseCSeq(text: string): Result<CSeq, string> {
  return readCSeq(new Source(text), 0, text.length);
}

export function formatCSeq({ sequence, method }: CSeq): string {
  return `${sequence} ${method}`;
}

/**
 * The Contact values, or '*', which stands alone and only beside `Expires: 0` (RFC 3261 §10.2.2). No Contact is an
 * empty list.
 */
export function contacts(headers: Headers): Result<'*' | readonly NameAddr[], MessageError> {
  return headers.once(readContacts);
}

export function routes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return headers.once(readRoutes);
}

export function recordRoutes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return headers.once(readRecordRoutes);
}

/** Every Path value: the proxy next to us first, the one next to the phone last (RFC 3327 §5.3). */
export function paths(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return readAddresses(headers, 'Path');
}

/** Every Via value, topmost first. */
export function vias(headers: Headers): Result<readonly Via[], MessageError> {
  return headers.once(readVias);
}

/** The values of Require, Supported, Allow, Proxy-Require and the like. */
export function tokens(headers: Headers, name: string): readonly string[] {
  return headers.values(name);
}

/** Seconds as Expires, Min-Expires and the `expires` parameter have them: 2^32 - 1 when more, undefined when no number. */
export function parseSeconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDigits(text, 2 ** 32 - 1);
}

/** How long a binding is asked for: the Contact's parameter, else the Expires header, else `fallback` (RFC 3261 §10.2.1.1). */
export function contactExpires(contact: NameAddr, headers: Headers, fallback: number): number {
  return parseSeconds(contact.parameters.get('expires')) ?? parseSeconds(headers.get('Expires')) ?? fallback;
}

function readEssentials(headers: Headers): Result<Essentials, MessageError> {
  const via = headers.readFirst('Via', readTopVia);
  if (via === undefined) return missing('Via');
  if (!via.ok) return malformed('Via', via.error);
  const from = headers.readFirst('From', readNameAddr);
  if (from === undefined) return missing('From');
  if (!from.ok) return malformed('From', from.error);
  const to = headers.readFirst('To', readNameAddr);
  if (to === undefined) return missing('To');
  if (!to.ok) return malformed('To', to.error);
  const callId = headers.readFirst('Call-ID', readCallId);
  if (callId === undefined) return missing('Call-ID');
  if (callId === '') return malformed('Call-ID', 'expected visible ASCII without spaces');
  const cseq = headers.readFirst('CSeq', readCSeq);
  if (cseq === undefined) return missing('CSeq');
  if (!cseq.ok) return malformed('CSeq', cseq.error);
  const maxForwards = headers.readFirst('Max-Forwards', readMaxForwards);
  if (maxForwards === -1) return malformed('Max-Forwards', 'expected a number from 0 to 255');
  return ok({
    via: via.value,
    from: from.value,
    fromTag: from.value.parameters.get('tag'),
    to: to.value,
    toTag: to.value.parameters.get('tag'),
    callId,
    cseq: cseq.value,
    maxForwards,
  });
}

function readTopVia(source: Source, start: number, end: number): Result<Via, string> {
  return readVia(source, start, nextComma(source, start, end));
}

/** '' when it is none. */
function readCallId({ codes, text }: Source, start: number, end: number): string {
  return skipClass(VISIBLE, codes, start, end) === end ? text.slice(start, end) : '';
}

function readCSeq({ codes, text }: Source, start: number, end: number): Result<CSeq, string> {
  const digitsEnd = skipDigits(codes, start, end);
  const sequence = readDigits(codes, start, digitsEnd, 2 ** 31);
  if (sequence === undefined) return err('expected a number');
  if (sequence >= 2 ** 31) return err('expected a number below 2^31');
  const methodStart = skipSpace(codes, digitsEnd, end);
  const methodEnd = skipClass(TOKEN, codes, methodStart, end);
  if (methodStart === digitsEnd || methodEnd === methodStart || methodEnd < end) {
    return err('expected a space and a method');
  }
  return ok({ sequence, method: text.slice(methodStart, end) });
}

/** -1 when it is none. */
function readMaxForwards({ codes }: Source, start: number, end: number): number {
  const hops = readDigits(codes, start, end, 256);
  return hops === undefined || hops > 255 ? -1 : hops;
}

function readContacts(headers: Headers): Result<'*' | readonly NameAddr[], MessageError> {
  if (headers.readFirst('Contact', isStar) !== true) return readAddresses(headers, 'Contact');
  if (headers.count('Contact') > 1) return malformed('Contact', 'expected "*" alone');
  return parseSeconds(headers.get('Expires')) === 0
    ? ok('*')
    : malformed('Contact', 'expected "Expires: 0" beside "*"');
}

/** Any other place for a star is caught when it is read as an address. */
function isStar({ codes }: Source, start: number, end: number): boolean {
  return end === start + 1 && codes[start] === STAR;
}

const STAR = 0x2a;

function readRoutes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return readAddresses(headers, 'Route');
}

function readRecordRoutes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return readAddresses(headers, 'Record-Route');
}

function readVias(headers: Headers): Result<readonly Via[], MessageError> {
  return readList(headers, 'Via', readVia);
}

function readAddresses(headers: Headers, name: string): Result<readonly NameAddr[], MessageError> {
  return readList(headers, name, readNameAddr);
}

function readList<T>(
  headers: Headers,
  name: string,
  read: (source: Source, start: number, end: number) => Result<T, string>,
): Result<readonly T[], MessageError> {
  const list: T[] = [];
  for (let index = headers.indexOf(name, 0); index >= 0; index = headers.indexOf(name, index + 1)) {
    const { source, start, end } = headers.at(index);
    const { codes } = source;
    for (let from = start; from < end; ) {
      const comma = nextComma(source, from, end);
      const first = skipSpace(codes, from, comma);
      from = comma + 1;
      if (first === comma) continue;
      const value = read(source, first, trimEnd(codes, first, comma));
      if (!value.ok) return malformed(name, value.error);
      list.push(value.value);
    }
  }
  return ok(list);
}

function missing(name: string): Result<never, MessageError> {
  return err(messageError('header-missing', `no ${name} header`));
}

function malformed(name: string, reason: string): Result<never, MessageError> {
  return err(messageError('header-malformed', `${name}: ${reason}`));
}
