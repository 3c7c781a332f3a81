// What can be saved of a request that is no valid one, so that its sender gets an answer (RFC 3261 §8.2.6).
import { isMadeOf, VISIBLE } from './characters.ts';
import { fieldOf, scanField } from './field-lines.ts';
import { readHeaderName } from './header-names.ts';
import { type HeaderField, Headers } from './headers.ts';
import { noBody, type SipRequest } from './message.ts';
import type { MessageError } from './message-error.ts';
import type { Source } from './source.ts';
import { nextComma } from './split.ts';
import { methodOf } from './start-line.ts';
import { readVia } from './via.ts';

/** The error with a skeleton of the request when Via, CSeq and Call-ID can be used. `head`: start line and headers. */
export function answerably(error: MessageError, head: Source): MessageError {
  const answerable = skeletonOf(head);
  return answerable === undefined ? error : { ...error, answerable };
}

/** Of names that must be single the first counts; of Via, all. */
const copied: ReadonlySet<string> = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq']);

function skeletonOf(head: Source): SipRequest | undefined {
  const { text } = head;
  const lineEnd = text.indexOf('\r\n');
  const method = lineEnd < 0 ? undefined : methodOf(text.slice(0, lineEnd));
  if (method === undefined || method === 'ACK') return undefined;
  const fields: HeaderField[] = [];
  for (let start = lineEnd + 2; start < text.length; ) {
    const line = scanField(head, start);
    const { canonical } = readHeaderName(head, start, line.nameEnd);
    const isWanted = copied.has(canonical) && (canonical === 'Via' || !fields.some(({ name }) => name === canonical));
    const field = isWanted && line.isClean && line.valueStart > 0 ? fieldOf(canonical, head, line) : undefined;
    if (field !== undefined && isPlain(field)) fields.push(field);
    start = line.end + 2;
  }
  const headers = Headers.fromParsed(fields);
  return isUsable(headers) ? { kind: 'request', method, uri: '', headers, body: noBody } : undefined;
}

function isPlain({ source, start, end }: HeaderField): boolean {
  return end > start && !source.text.slice(start, end).includes('\0');
}

function isUsable(headers: Headers): boolean {
  const isViaUsable = headers.readFirst('Via', (source, start, end) => {
    return readVia(source, start, nextComma(source, start, end)).ok;
  });
  const callId = headers.get('Call-ID');
  return isViaUsable === true && callId !== undefined && isMadeOf(VISIBLE, callId) && headers.has('CSeq');
}
