import { describe, expect, test } from 'vitest';
import { contacts } from '../../../../src/sip/message/header-fields.ts';
import { defaultMessageLimits, type MessageLimits } from '../../../../src/sip/message/limits.ts';
import { parseMessage } from '../../../../src/sip/message/parser.ts';
import { parseUri } from '../../../../src/sip/message/uri.ts';
import { invalid, parse, raw, valid } from './raw.ts';

const limited = (text: string, limits: Partial<MessageLimits>) =>
  parseMessage(Buffer.from(text), { ...defaultMessageLimits, ...limits });
const text = raw({ body: 'x'.repeat(100) });
const headerBytes = text.indexOf('\r\n\r\n');
const fieldCount = text.slice(0, headerBytes).split('\r\n').length - 1;

describe('each limit holds to the byte', () => {
  test.each([
    ['messageBytes', text.length, 'message-too-large', 513],
    ['headerBytes', headerBytes, 'header-too-large', 513],
    ['startLineBytes', text.indexOf('\r\n'), 'start-line-too-long', 414],
    [
      'headerLineBytes',
      'Via: SIP/2.0/UDP client.example.com:5060;branch=z9hG4bK74bf9'.length,
      'header-line-too-long',
      513,
    ],
    ['headerCount', fieldCount, 'header-count', 513],
  ] as const)('%s', (name, size, code, status) => {
    expect(limited(text, { [name]: size }).ok).toBe(true);
    const error = invalid(limited(text, { [name]: size - 1 }));
    expect(error).toMatchObject({ code, status });
    expect(error.answerable).toBeDefined();
  });

  const routes = (...lines: readonly string[]) => raw({ add: lines });
  test.each([
    [routes('Route: a,b,c,d')],
    [routes('Route: a,b', 'Route: c', 'Route: d')],
    [routes('Route: a,b,,,,,c', 'Route: ,,,d')],
  ])('valuesPerHeader, over all the fields of a name', (message) => {
    expect(limited(message, { valuesPerHeader: 4 }).ok).toBe(true);
    expect(invalid(limited(message, { valuesPerHeader: 3 }))).toMatchObject({
      code: 'header-value-count',
      status: 400,
    });
  });

  test('valuesPerHeader, in a message of fewer fields than that', () => {
    const eleven = raw({ add: [`Route: ${Array.from({ length: 11 }, (_, index) => `r${index}`).join()}`] });
    expect(limited(eleven, { valuesPerHeader: 11 }).ok).toBe(true);
    expect(limited(eleven, { valuesPerHeader: 10 }).ok).toBe(false);
  });

  test('commas inside quotes, brackets and texts count for nothing', () => {
    const message = raw({ add: ['Contact: "a,b,c,d" <sip:e,f,g,h@i>', 'Subject: a,b,c,d,e', 'Date: a,b,c,d'] });
    expect(limited(message, { valuesPerHeader: 1 }).ok).toBe(true);
  });
});

describe('what would hang or exhaust a careless parser', () => {
  // Each takes milliseconds here; with quadratic work it would take minutes and run into the time limit of the test.
  const size = 1_000_000;
  const vast: MessageLimits = {
    messageBytes: Number.MAX_SAFE_INTEGER,
    headerBytes: Number.MAX_SAFE_INTEGER,
    startLineBytes: Number.MAX_SAFE_INTEGER,
    headerLineBytes: Number.MAX_SAFE_INTEGER,
    headerCount: 2_000_000,
    valuesPerHeader: 2_000_000,
  };
  const repeat = (unit: string): string => unit.repeat(Math.floor(size / unit.length));
  test.each([
    ['spaces before a colon', `X${repeat(' ')}: 1`],
    ['spaces in a value', `X: a${repeat(' ')}b`],
    ['spaces at the end', `X: a${repeat(' ')}`],
    ['folds', `X: a${repeat('\r\n ')}b`],
    ['open quotes', `Contact: ${repeat('"')}`],
    ['escapes', `Contact: "${repeat('\\')}`],
    ['open brackets', `Contact: ${repeat('<')}`],
    ['open quotes after commas', `Contact: ${repeat(',"')}`],
    ['commas', `Contact: ${repeat(',')}`],
    ['semicolons', `Contact: <sip:a@b>${repeat(';')}`],
    ['parameters without end', `Contact: <sip:a@b>${repeat(';a=')}`],
    ['digits', `Expires: ${repeat('9')}`],
    ['colons', `X${repeat(':')}`],
    ['dots', `Contact: <sip:a@${repeat('a.')}>`],
    ['at signs', `Contact: <sip:${repeat('@')}>`],
    ['percent signs', `Contact: <sip:${repeat('%41')}@b>`],
    ['carriage returns', `X: ${repeat('\r')}`],
    ['line feeds', `X: ${repeat('\n')}`],
    ['fields', repeat('X: 1\r\n').slice(0, -2)],
    ['bytes that are not ASCII', `X: ${repeat('é')}`],
  ])('a flood of %s', (_, line) => {
    const result = parseMessage(Buffer.from(raw({ add: [line] })), vast);
    if (result.ok) contacts(result.value.headers);
    expect([true, false]).toContain(result.ok);
  });

  test('a flood of parameters with different names', () => {
    const parameters = Array.from({ length: 200_000 }, (_, index) => `;p${index}=${index}`).join('');
    const message = valid(parseMessage(Buffer.from(raw({ add: [`Contact: <sip:a@b>${parameters}`] })), vast));
    const [contact] = valid(contacts(message.headers));
    expect(typeof contact === 'object' && contact.parameters.size).toBe(200_000);
  });

  test('a flood of one text as a URI', () => {
    for (const unit of ['a', ':', '@', ';', '%', '[', '.', '?', ';a=b'])
      expect(parseUri(`sip:${repeat(unit)}`).ok).toBe(false);
  });

  test('the limits of a real listener refuse a megabyte at once', () => {
    expect(invalid(parse(`INVITE ${'x'.repeat(1_000_000)}`))).toMatchObject({ code: 'message-too-large' });
  });

  test('a detail quotes no more than a line of what the peer sent', () => {
    const error = invalid(parse(raw({ startLine: `INVITE sip:a@b ${'y'.repeat(4000)}` })));
    expect(error.detail.length).toBeLessThan(250);
  });
});
