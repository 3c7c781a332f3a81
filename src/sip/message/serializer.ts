// SIP message → bytes (RFC 3261 §7). Long header names, one field a line, a Content-Length that is always right.
import { SbcError } from '../../core/errors.ts';
import { isMadeOf, TOKEN, VISIBLE } from './characters.ts';
import type { SipMessage } from './message.ts';

/**
 * The bytes of a message. Content-Length is set to the length of the body whatever the headers say. Throws SbcError for
 * a start line that would not read back as one: we made it, so it is a mistake of ours.
 */
export function serializeMessage(message: SipMessage): Uint8Array {
  let head = startLine(message);
  message.headers.forEach((name, value) => {
    if (name !== 'Content-Length') head += `${name}: ${value}\r\n`;
  });
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  if (message.body.length === 0) return Buffer.from(head, 'utf8');
  const headBytes = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(headBytes + message.body.length);
  bytes.write(head, 'utf8');
  bytes.set(message.body, headBytes);
  return bytes;
}

/** The bytes of a message but for its Content-Length, counted without writing it; text beyond ASCII counts short. */
export function approximateSize(message: SipMessage): number {
  let bytes =
    message.body.length + 2 + (message.kind === 'request' ? message.method.length + message.uri.length + 11 : 0);
  message.headers.forEach((name, value) => {
    bytes += name.length + value.length + 4;
  });
  return bytes;
}

function startLine(message: SipMessage): string {
  if (message.kind === 'request') {
    const { method, uri } = message;
    if (!isMadeOf(TOKEN, method) || !isMadeOf(VISIBLE, uri))
      throw new SbcError('sip-start-line-unsafe', 'bad method or URI', { method });
    return `${method} ${uri} SIP/2.0\r\n`;
  }
  const { status, reason } = message;
  const isStatus = Number.isInteger(status) && status >= 100 && status <= 699;
  if (!isStatus || /[\r\n\0]/.test(reason))
    throw new SbcError('sip-start-line-unsafe', 'bad status or reason', { status });
  return `SIP/2.0 ${status} ${reason}\r\n`;
}
