// Breaks SIP messages in many ways and checks what must hold for any bytes at all: nothing throws, what parses round-trips,
// what does not is answered safely, and the framer cuts the same however the bytes are split.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { StreamFramer } from '../../src/sip/message/framer.ts';
import { contacts, essentialsOf, recordRoutes, routes, tokens, vias } from '../../src/sip/message/header-fields.ts';
import { defaultMessageLimits } from '../../src/sip/message/limits.ts';
import { responseTo, type SipMessage } from '../../src/sip/message/message.ts';
import type { MessageError } from '../../src/sip/message/message-error.ts';
import { formatNameAddr, parseNameAddr } from '../../src/sip/message/name-addr.ts';
import { parseMessage } from '../../src/sip/message/parser.ts';
import { serializeMessage } from '../../src/sip/message/serializer.ts';
import { parseUri } from '../../src/sip/message/uri.ts';
import { formatVia, parseVia } from '../../src/sip/message/via.ts';

/** What once broke something, and the torture messages of the RFCs. */
const corpusFolders = ['corpus/sip-message', '../torture/rfc4475', '../torture/rfc5118'];

/** Whole numbers in [0, limit), the same ones for the same seed. */
export type Dice = (limit: number) => number;

export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

export function corpus(): readonly Sample[] {
  return corpusFolders.flatMap((folder) => {
    const path = join(import.meta.dirname, folder);
    const names = readdirSync(path).filter((name) => name.endsWith('.sip'));
    return names.sort().map((name) => ({ name: name.slice(0, -'.sip'.length), bytes: readFileSync(join(path, name)) }));
  });
}

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A few changes to a sample of the corpus, most often one: a message that is broken in many places shows only the first. */
export function mutant(samples: readonly Sample[], roll: Dice): Buffer {
  let bytes = pick(samples, roll).bytes;
  for (let changes = 1 + roll(1 + roll(6)); changes > 0; changes -= 1) bytes = change(bytes, samples, roll);
  return bytes.subarray(0, 80_000);
}

/** Throws an Error that says which rule these bytes break. */
export function check(bytes: Buffer, roll: Dice): void {
  checkParsing(bytes, 'datagram');
  checkParsing(bytes, 'stream');
  checkFraming(bytes, roll);
}

const dictionary: readonly string[] = [
  ...['\r', '\n', '\r\n', '\r\n\r\n', '\r\n ', '\r\n\t', '\0', ' ', '\t', ':', ' : ', ';', ',', '=', '"', '\\', '\\"'],
  ...[
    '<',
    '>',
    '@',
    '?',
    '&',
    '%',
    '%00',
    '%0d%0a',
    '%41',
    '[',
    ']',
    '[::1]',
    '[fe80::1%25x]',
    '::',
    '.',
    '..',
    '*',
    '/',
  ],
  ...[
    'sip:',
    'sips:',
    'tel:',
    'urn:',
    'SIP/2.0',
    'SIP/2.0/UDP ',
    'INVITE',
    'ACK',
    '0',
    '-1',
    '65536',
    '4294967296',
    '1e9',
  ],
  ...['9'.repeat(40), 'a'.repeat(300), ';tag=1', ';branch=z9hG4bK', ';received=::1', ';rport', 'l: 0\r\n', 'L : 5\r\n'],
  ...[
    'Via: SIP/2.0/UDP a\r\n',
    'v:',
    'To: <sip:a@b>\r\n',
    'i: x\r\n',
    'm: *\r\n',
    'Expires: 0\r\n',
    'Content-Length: 3\r\n',
  ],
  ...['__proto__', 'constructor', 'é', '\u{1f600}', '\ufeff', '\u2028', '\u00a0', '\x7f', '\x1b['],
];

function change(bytes: Buffer, samples: readonly Sample[], roll: Dice): Buffer {
  // Mostly behind the start line: once that is broken, nothing else is looked at.
  const from = roll(8) === 0 ? 0 : Math.max(0, bytes.indexOf('\r\n') + 2);
  const at = from + roll(bytes.length - from + 1);
  const end = Math.min(bytes.length, at + 1 + roll(roll(4) === 0 ? 200 : 8));
  const [before, cut, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  switch (roll(16)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, cut, cut, after]);
    case 2:
      return Buffer.concat([before, Buffer.from([roll(256)]), after]);
    case 3:
      return Buffer.concat([before, Buffer.from(pick(dictionary, roll)), cut, after]);
    case 4:
      return Buffer.concat([before, Buffer.from(pick(dictionary, roll)), after]);
    case 5:
      return Buffer.concat([before, Buffer.from(pick(dictionary, roll).repeat(roll(60))), after]);
    case 6:
      return before;
    case 7: {
      const other = pick(samples, roll).bytes;
      return Buffer.concat([before, other.subarray(roll(other.length))]);
    }
    case 8:
    case 9:
      return swapLines(bytes, roll);
    default:
      return addLine(bytes, samples, roll);
  }
}

function swapLines(bytes: Buffer, roll: Dice): Buffer {
  const lines = bytes.toString('latin1').split('\r\n');
  const [first, second] = [roll(lines.length), roll(lines.length)];
  const [a, b] = [lines[first] ?? '', lines[second] ?? ''];
  return Buffer.from(lines.with(first, b).with(second, a).join('\r\n'), 'latin1');
}

/** A header line of another sample, at the start of some line. */
function addLine(bytes: Buffer, samples: readonly Sample[], roll: Dice): Buffer {
  const line = pick(pick(samples, roll).bytes.toString('latin1').split('\r\n'), roll);
  const lines = bytes.toString('latin1').split('\r\n');
  return Buffer.from(lines.toSpliced(1 + roll(lines.length), roll(2), line).join('\r\n'), 'latin1');
}

function checkParsing(bytes: Buffer, transport: 'stream' | 'datagram'): void {
  const result = parseMessage(bytes, undefined, transport);
  if (result.ok) checkMessage(result.value);
  else checkError(result.error);
}

// Characters that are no UTF-8 come back as three bytes each.
const roomy = Object.fromEntries(Object.entries(defaultMessageLimits).map(([name, limit]) => [name, limit * 3]));

function checkMessage(message: SipMessage): void {
  const { headers } = message;
  for (const [name, value] of headers) {
    if (/[\r\n\0]/.test(name + value)) throw new Error(`${name} holds a control character`);
    headers.values(name);
  }
  for (const read of [contacts, routes, recordRoutes, vias]) read(headers);
  tokens(headers, 'Require');
  const { from, to, via } = essentialsOf(message);
  if (message.kind === 'request' && !parseUri(message.uri).ok) throw new Error('the Request-URI does not read');
  for (const address of [from, to]) {
    same(parseNameAddr(formatNameAddr(address)), {
      ok: true,
      value: { ...address, displayName: address.displayName || undefined },
    });
  }
  same(parseVia(formatVia(via)), { ok: true, value: via });
  const again = parseMessage(serializeMessage(message), { ...defaultMessageLimits, ...roomy }, 'stream');
  if (!again.ok) throw new Error(`what was serialised does not parse: ${again.error.detail}`);
  same(essentialsOf(again.value), essentialsOf(message));
  same([...again.value.headers.without('Content-Length')], [...headers.without('Content-Length')]);
  if (!Buffer.from(again.value.body).equals(message.body)) throw new Error('the body changed');
}

const statuses: readonly number[] = [400, 414, 505, 513];
const answered: readonly string[] = ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length'];

function checkError(error: MessageError): void {
  if (!statuses.includes(error.status)) throw new Error(`unexpected status ${error.status}`);
  if (!/^[a-z-]+$/.test(error.code)) throw new Error(`unexpected code ${error.code}`);
  if (error.answerable === undefined) return;
  const bytes = serializeMessage(responseTo(error.answerable, error.status, { toTag: 'fuzz' }));
  const head = Buffer.from(bytes).toString();
  const names = head
    .split('\r\n')
    .slice(1, -2)
    .map((line) => line.slice(0, line.indexOf(': ')));
  const stray = names.find((name) => !answered.includes(name));
  if (stray !== undefined) throw new Error(`the answer has a field ${JSON.stringify(stray)}`);
}

function checkFraming(bytes: Buffer, roll: Dice): void {
  const whole = frame(bytes, () => bytes.length);
  same(
    frame(bytes, () => 1 + roll(50)),
    whole,
  );
  if (bytes.length < 3000)
    same(
      frame(bytes, () => 1),
      whole,
    );
}

/** What the framer made of the bytes, as texts. */
function frame(bytes: Buffer, nextSize: () => number): readonly string[] {
  const framer = new StreamFramer();
  const events: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = nextSize();
    for (const event of framer.push(bytes.subarray(at, at + size))) {
      if (event.type === 'message') checkFramed(event.bytes);
      if (event.type === 'refuse') checkError(event.error);
      const detail = event.type === 'message' ? Buffer.from(event.bytes).toString('latin1') : '';
      events.push(`${event.type}${event.type === 'refuse' ? event.error.code : detail}`);
    }
    if (framer.bufferedBytes > defaultMessageLimits.messageBytes) throw new Error('the framer holds too much');
    at += size;
  }
  return events;
}

/** The framer and the parser must agree where a message ends. */
function checkFramed(bytes: Uint8Array): void {
  const result = parseMessage(bytes, undefined, 'stream');
  if (!result.ok && /^(body|content-length)/.test(result.error.code)) {
    throw new Error(`framed, but the parser says ${result.error.code}`);
  }
}

function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`expected ${inspect(expected)}, got ${inspect(actual)}`);
  }
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (each instanceof Map ? [...each] : each)).slice(0, 600);
}

function pick<T>(list: readonly T[], roll: Dice): T {
  const picked = list[roll(list.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}
