import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FramerEvent, StreamFramer } from '../../../../src/sip/message/framer.ts';
import { defaultMessageLimits } from '../../../../src/sip/message/limits.ts';
import { parseMessage } from '../../../../src/sip/message/parser.ts';
import { raw } from './raw.ts';

const invite = raw({ body: 'v=0\r\n\r\nINVITE \r\n' });
const options = raw({ startLine: 'OPTIONS sip:a@b SIP/2.0', replace: { CSeq: 'CSeq: 2 OPTIONS' } });

/** An event as a short text: 'ping', 'pong', 'refuse code', or the text of the message. */
function told(event: FramerEvent): string {
  if (event.type === 'message') return Buffer.from(event.bytes).toString('latin1');
  return event.type === 'refuse' ? `refuse ${event.error.code}` : event.type;
}

function inPieces(bytes: Buffer, sizes: readonly number[], framer = new StreamFramer()): readonly string[] {
  const events: string[] = [];
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    // A fresh array for each piece, as a socket hands them out.
    events.push(...framer.push(new Uint8Array(bytes.subarray(at, at + size))).map(told));
    at += size;
  }
  return events;
}

const atOnce = (text: string | Buffer): readonly string[] => inPieces(Buffer.from(text), [Number.MAX_SAFE_INTEGER]);

describe('messages on a stream (RFC 3261 §7.5, §18.3)', () => {
  test('one', () => {
    expect(atOnce(invite)).toEqual([Buffer.from(invite).toString('latin1')]);
  });

  test('many in one segment, in order', () => {
    expect(atOnce(invite + options + invite)).toEqual([invite, options, invite]);
  });

  test('a byte at a time', () => {
    expect(inPieces(Buffer.from(invite + options), [1])).toEqual([invite, options]);
  });

  test('split at every byte', () => {
    const bytes = Buffer.from(`${invite}\r\n\r\n${options}`);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(inPieces(bytes, [cut, bytes.length])).toEqual([invite, 'pong', 'ping', options]);
    }
  });

  test('64 kB, at the limit exactly', () => {
    const limit = defaultMessageLimits.messageBytes;
    const frame = (size: number): string => {
      const head = raw({ replace: { 'Content-Length': `Content-Length: ${size}` } });
      return head + 'x'.repeat(size);
    };
    const overhead = frame(10_000).length - 10_000;
    expect(atOnce(frame(limit - overhead)).map((each) => each.length)).toEqual([limit]);
    expect(inPieces(Buffer.from(frame(limit - overhead)), [1]).map((each) => each.length)).toEqual([limit]);
    expect(atOnce(frame(limit - overhead + 1))).toEqual(['refuse message-too-large']);
  });

  test.each(['l: 3', 'L:3', 'Content-Length\t :\r\n\t 003 \r\n ', 'CONTENT-LENGTH: 3'])(
    '%j ends the message',
    (line) => {
      const text = raw({ body: 'abc', replace: { 'Content-Length': line } });
      expect(atOnce(text + options)).toEqual([text, options]);
    },
  );

  test('a Content-Length inside another field, a body or a fold is none', () => {
    const text = raw({
      body: 'Content-Length: 9\r\n\r\n',
      add: ['Subject: Content-Length: 7', 'X-Content-Length: 5', 'X: a\r\n Content-Length: 4'],
    });
    expect(atOnce(text + options)).toEqual([text, options]);
  });

  test('what is delivered is never written to again', () => {
    const framer = new StreamFramer();
    const bytes = Buffer.from(invite);
    framer.push(bytes.subarray(0, 30));
    const [event] = framer.push(Buffer.concat([bytes.subarray(30), bytes.subarray(0, 40)]));
    framer.push(bytes.subarray(40));
    expect(event?.type === 'message' && Buffer.from(event.bytes).toString()).toBe(invite);
  });

  test('every message that it cuts is one to the parser', () => {
    for (const event of new StreamFramer().push(Buffer.from(invite + options))) {
      expect(event.type === 'message' && parseMessage(event.bytes, undefined, 'stream').ok).toBe(true);
    }
  });
});

describe('keep-alives (RFC 5626 §3.5.1)', () => {
  test.each([
    ['\r\n', ['pong']],
    ['\r\n\r\n', ['pong', 'ping']],
    ['\r\n\r\n\r\n', ['pong', 'ping', 'pong']],
    ['\r\n\r\n\r\n\r\n', ['pong', 'ping', 'pong', 'ping']],
  ])('%j', (text, events) => {
    expect(atOnce(text)).toEqual(events);
    expect(inPieces(Buffer.from(text), [1])).toEqual(events);
  });

  test('a message between two CRLFs makes them no ping', () => {
    expect(atOnce(`\r\n${options}\r\n`)).toEqual(['pong', options, 'pong']);
  });

  test('CRLFs in headers and bodies are theirs', () => {
    expect(atOnce(invite)).toHaveLength(1);
  });
});

describe('what cannot be framed is refused, once, and nothing follows', () => {
  const huge = (length: string): string => raw({ replace: { 'Content-Length': `Content-Length: ${length}` } });
  test.each([
    ['no Content-Length', raw({ replace: { 'Content-Length': '' } }), 'content-length-missing', 400, true],
    ['two that differ', raw({ add: ['Content-Length: 5'] }), 'header-repeated', 400, true],
    ['two that agree', raw({ add: ['l: 0'] }), 'header-repeated', 400, true],
    ['one that is no number', huge('ten'), 'content-length-malformed', 400, true],
    ['a negative one', huge('-1'), 'content-length-malformed', 400, true],
    ['an empty one', huge(''), 'content-length-malformed', 400, true],
    ['two in one', huge('3, 3'), 'content-length-malformed', 400, true],
    ['one above the limit', huge('65536'), 'message-too-large', 513, true],
    ['one above 2^32', huge('4294967296'), 'message-too-large', 513, true],
    ['one of 300 digits', huge('9'.repeat(300)), 'message-too-large', 513, true],
    ['a lone LF', raw({ add: ['X: a\nContent-Length: 5'] }), 'header-control-character', 400, true],
    ['a lone CR', raw({ add: ['X: a\rContent-Length: 5'] }), 'header-control-character', 400, true],
    ['NUL', raw({ add: ['X: a\0'] }), 'header-control-character', 400, true],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01', 'not-sip', 400, false],
    ['a lone LF between messages', '\nINVITE', 'not-sip', 400, false],
    ['a lone CR between messages', '\rINVITE', 'not-sip', 400, false],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'content-length-missing', 400, false],
    ['a line without end', 'x'.repeat(5000), 'start-line-too-long', 414, false],
    [
      'a start line that is too long',
      raw({ startLine: `INVITE sip:${'a'.repeat(4100)}@b SIP/2.0` }),
      'start-line-too-long',
      414,
      false,
    ],
    ['headers without end', raw().slice(0, -2) + 'X: 1\r\n'.repeat(8000), 'header-too-large', 513, true],
  ])('%s', (_, text, code, status, isAnswerable) => {
    for (const sizes of [[Number.MAX_SAFE_INTEGER], [1], [7, 100]]) {
      const framer = new StreamFramer();
      expect(inPieces(Buffer.from(options + text + options, 'latin1'), sizes, framer)).toEqual([
        options,
        `refuse ${code}`,
      ]);
      expect(framer.push(Buffer.from(options))).toEqual([]);
      expect(framer.bufferedBytes).toBe(0);
    }
    const refusal = new StreamFramer().push(Buffer.from(text, 'latin1')).at(-1);
    expect(refusal).toMatchObject({ type: 'refuse', error: { code, status } });
    expect(refusal?.type === 'refuse' && refusal.error.answerable !== undefined).toBe(isAnswerable);
  });

  test('before the body is waited for', () => {
    const framer = new StreamFramer();
    expect(framer.push(Buffer.from(huge('65536'))).map(told)).toEqual(['refuse message-too-large']);
  });

  test('a peer that sends ever more headers is cut at the limit', () => {
    const framer = new StreamFramer();
    let most = 0;
    const piece = Buffer.from('X: 1\r\n'.repeat(100));
    const events = Array.from({ length: 100 }, () => {
      const pushed = framer.push(piece);
      most = Math.max(most, framer.bufferedBytes);
      return pushed.map(told);
    }).flat();
    expect(events).toEqual(['refuse header-too-large']);
    expect(most).toBeLessThanOrEqual(defaultMessageLimits.headerBytes + 4);
  });
});

describe('memory and work', () => {
  test('held are the bytes of the unfinished message only', () => {
    const framer = new StreamFramer();
    framer.push(Buffer.from(invite.repeat(50) + invite.slice(0, 100)));
    expect(framer.bufferedBytes).toBe(100);
    framer.push(Buffer.from(invite.slice(100)));
    expect(framer.bufferedBytes).toBe(0);
    framer.push(Buffer.from('\r'));
    expect(framer.bufferedBytes).toBe(1);
  });

  test('a large message byte by byte, and a large chunk of small ones, take a time that grows with their size', () => {
    // Quadratic work on either would run into the time limit of the test.
    const limits = {
      ...defaultMessageLimits,
      headerBytes: 1_000_000,
      headerLineBytes: 1_000_000,
      messageBytes: 3_000_000,
    };
    const large = Buffer.from(raw({ add: [`X: ${'a'.repeat(250_000)}`], body: 'b'.repeat(250_000) }));
    expect(inPieces(large, [1], new StreamFramer(limits)).map((each) => each.length)).toEqual([large.length]);
    expect(atOnce(options.repeat(10_000))).toHaveLength(10_000);
  });
});

describe('the same however the stream is split', () => {
  const part = fc.oneof(
    fc.constantFrom(invite, options, '\r\n', '\r\n\r\n', '\r', 'INVITE', ' ', '\r\n\r\n\r\n'),
    fc.constantFrom('Content-Length: 3\r\n\r\nabc', 'l : 2\r\n\r\nab', 'Content-Length: 70000\r\n\r\n', 'X:\r\n y\r\n'),
    fc.string({ unit: 'binary-ascii', maxLength: 8 }),
    fc.integer({ min: 0, max: 300 }).map((length) => raw({ body: 'z'.repeat(length) })),
    fc.integer({ min: 0, max: 300 }).map((length) => invite.slice(0, length)),
  );
  const stream = fc.array(part, { maxLength: 8 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
  const small = { ...defaultMessageLimits, messageBytes: 600, headerBytes: 500, startLineBytes: 60 };

  test('in one piece, byte by byte, and in random pieces', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(stream, sizes, fc.constantFrom(defaultMessageLimits, small), (bytes, pieces, limits) => {
        const whole = inPieces(bytes, [Number.MAX_SAFE_INTEGER], new StreamFramer(limits));
        expect(inPieces(bytes, [1], new StreamFramer(limits))).toEqual(whole);
        expect(inPieces(bytes, pieces, new StreamFramer(limits))).toEqual(whole);
      }),
      { numRuns: 400 },
    );
  });

  test('and what the parser takes as one stream message, the framer cuts as one', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        for (const event of new StreamFramer().push(bytes)) {
          if (event.type !== 'message') continue;
          const parsed = parseMessage(event.bytes, undefined, 'stream');
          if (!parsed.ok) expect(parsed.error.code).not.toMatch(/^(body|content-length|message-too|header-(un|too))/);
        }
      }),
      { numRuns: 400 },
    );
  });
});
