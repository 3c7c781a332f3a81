// Typed header fields, read on demand and once for each Headers object (RFC 3261 §8.1.1, §20).
import { SbcError } from '../../core/errors.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { isVisible, parseDigits, skipClass, skipSpace, TOKEN } from './characters.ts';
import type { Headers } from './headers.ts';
import { defaultMessageLimits } from './limits.ts';
import type { SipMessage } from './message.ts';
import { type MessageError, messageError } from './message-error.ts';
import { type NameAddr, parseNameAddr } from './name-addr.ts';
import { nextComma } from './split.ts';
import { parseVia, type Via } from './via.ts';

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
  readonly maxForwards?: number;
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

/** Reads `number method` (RFC 3261 §20.16); the number is below 2^31 (§8.1.1.5). */
export function parseCSeq(text: string): Result<CSeq, string> {
  const digitsEnd = skipClass(TOKEN, text, 0, text.length);
  const sequence = parseDigits(text, 0, digitsEnd, 2 ** 31);
  if (sequence === undefined) return err('expected a number');
  if (sequence >= 2 ** 31) return err('expected a number below 2^31');
  const start = skipSpace(text, digitsEnd, text.length);
  const end = skipClass(TOKEN, text, start, text.length);
  if (start === digitsEnd || end === start || end < text.length) return err('expected a space and a method');
  return ok({ sequence, method: text.slice(start) });
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
  return text === undefined ? undefined : parseDigits(text, 0, text.length, 2 ** 32 - 1);
}

/** How long a binding is asked for: the Contact's parameter, else the Expires header, else `fallback` (RFC 3261 §10.2.1.1). */
export function contactExpires(contact: NameAddr, headers: Headers, fallback: number): number {
  return parseSeconds(contact.parameters.get('expires')) ?? parseSeconds(headers.get('Expires')) ?? fallback;
}

function readEssentials(headers: Headers): Result<Essentials, MessageError> {
  const viaField = headers.get('Via');
  if (viaField === undefined) return missing('Via');
  const via = parseVia(viaField.slice(0, nextComma(viaField, 0)));
  if (!via.ok) return malformed('Via', via.error);
  const fromField = headers.get('From');
  if (fromField === undefined) return missing('From');
  const from = parseNameAddr(fromField);
  if (!from.ok) return malformed('From', from.error);
  const toField = headers.get('To');
  if (toField === undefined) return missing('To');
  const to = parseNameAddr(toField);
  if (!to.ok) return malformed('To', to.error);
  const callId = headers.get('Call-ID');
  if (callId === undefined) return missing('Call-ID');
  if (!isVisible(callId)) return malformed('Call-ID', 'expected visible ASCII without spaces');
  const cseqField = headers.get('CSeq');
  if (cseqField === undefined) return missing('CSeq');
  const cseq = parseCSeq(cseqField);
  if (!cseq.ok) return malformed('CSeq', cseq.error);
  const hopsField = headers.get('Max-Forwards');
  const maxForwards = hopsField === undefined ? undefined : parseDigits(hopsField, 0, hopsField.length, 256);
  if (hopsField !== undefined && (maxForwards === undefined || maxForwards > 255)) {
    return malformed('Max-Forwards', 'expected a number from 0 to 255');
  }
  return ok({
    via: via.value,
    from: from.value,
    fromTag: from.value.parameters.get('tag'),
    to: to.value,
    toTag: to.value.parameters.get('tag'),
    callId,
    cseq: cseq.value,
    ...(maxForwards !== undefined && { maxForwards }),
  });
}

function readContacts(headers: Headers): Result<'*' | readonly NameAddr[], MessageError> {
  const values = headers.values('Contact');
  if (!values.includes('*')) return readAddresses(headers, 'Contact');
  if (values.length > 1) return malformed('Contact', 'expected "*" alone');
  return parseSeconds(headers.get('Expires')) === 0
    ? ok('*')
    : malformed('Contact', 'expected "Expires: 0" beside "*"');
}

function readRoutes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return readAddresses(headers, 'Route');
}

function readRecordRoutes(headers: Headers): Result<readonly NameAddr[], MessageError> {
  return readAddresses(headers, 'Record-Route');
}

function readVias(headers: Headers): Result<readonly Via[], MessageError> {
  return readList(headers, 'Via', parseVia);
}

function readAddresses(headers: Headers, name: string): Result<readonly NameAddr[], MessageError> {
  return readList(headers, name, parseNameAddr);
}

function readList<T>(
  headers: Headers,
  name: string,
  parse: (text: string) => Result<T, string>,
): Result<readonly T[], MessageError> {
  const values = headers.values(name);
  const limit = defaultMessageLimits.valuesPerHeader;
  if (values.length > limit) return malformed(name, `expected at most ${limit} values, got ${values.length}`);
  const list: T[] = [];
  for (const value of values) {
    const parsed = parse(value);
    if (!parsed.ok) return malformed(name, parsed.error);
    list.push(parsed.value);
  }
  return ok(list);
}

function missing(name: string): Result<never, MessageError> {
  return err(messageError('header-missing', `no ${name} header`));
}

function malformed(name: string, reason: string): Result<never, MessageError> {
  return err(messageError('header-malformed', `${name}: ${reason}`));
}
