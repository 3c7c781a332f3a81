// Raw messages for the tests of this folder: a valid request or response, with lines replaced, added or left out.
import type { Result } from '../../../../src/core/result.ts';
import type { SipMessage, SipRequest } from '../../../../src/sip/message/message.ts';
import type { MessageError } from '../../../../src/sip/message/message-error.ts';
import { parseMessage } from '../../../../src/sip/message/parser.ts';

export interface RawOptions {
  readonly startLine?: string;
  /** Header lines that stand instead of the usual one of the same long name; '' leaves it out. */
  readonly replace?: Readonly<Record<string, string>>;
  /** Lines more, below the others. */
  readonly add?: readonly string[];
  readonly body?: string;
}

const usual: readonly (readonly [name: string, line: string])[] = [
  ['Via', 'Via: SIP/2.0/UDP client.example.com:5060;branch=z9hG4bK74bf9'],
  ['Max-Forwards', 'Max-Forwards: 70'],
  ['From', 'From: Alice <sip:alice@example.com>;tag=9fxced76sl'],
  ['To', 'To: Bob <sip:bob@example.net>'],
  ['Call-ID', 'Call-ID: 3848276298220188511@client.example.com'],
  ['CSeq', 'CSeq: 1 INVITE'],
];

/** The text of an INVITE (or of what `startLine` says) with a right Content-Length. */
export function raw(options: RawOptions = {}): string {
  const body = options.body ?? '';
  const contentLength: readonly [string, string] = ['Content-Length', `Content-Length: ${Buffer.byteLength(body)}`];
  const replace = new Map(Object.entries(options.replace ?? {}));
  const lines = [...usual, contentLength]
    .map(([name, line]) => replace.get(name) ?? line)
    .filter((line) => line !== '');
  const startLine = options.startLine ?? 'INVITE sip:bob@example.net SIP/2.0';
  return `${[startLine, ...lines, ...(options.add ?? [])].join('\r\n')}\r\n\r\n${body}`;
}

export function parse(text: string | Uint8Array, transport?: 'stream' | 'datagram'): Result<SipMessage, MessageError> {
  return parseMessage(typeof text === 'string' ? Buffer.from(text) : text, undefined, transport);
}

/** The message, which the test takes for valid. */
export function parsed(options: RawOptions = {}): SipMessage {
  return valid(parse(raw(options)));
}

export function parsedRequest(options: RawOptions = {}): SipRequest {
  const message = parsed(options);
  if (message.kind !== 'request') throw new Error('expected a request');
  return message;
}

export function valid<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(`expected a value, got ${JSON.stringify(result.error)}`);
  return result.value;
}

export function invalid<T, E>(result: Result<T, E>): E {
  if (result.ok) throw new Error('expected an error, got a value');
  return result.error;
}
