import { describe, expect, test } from 'vitest';
import { parseWireDescription, type WireMedia } from '../../../../src/media/sdp/wire-description.ts';
import { accepted, body, refusalOf, sessionLines, withMedia } from './sdp-fixtures.ts';

function onlyMedia(...lines: readonly string[]): WireMedia {
  const [media] = accepted(parseWireDescription(withMedia(...lines))).media;
  if (media === undefined) throw new Error('no m-line');
  return media;
}

describe('the session part (RFC 8866 §5)', () => {
  test.each([
    ['no v= line', sessionLines.slice(1)],
    ['v= not first', [sessionLines[1], 'v=0', ...sessionLines.slice(2)]],
    ['another version', ['v=1', ...sessionLines.slice(1)]],
    ['no o= line', [sessionLines[0], ...sessionLines.slice(2)]],
    ['a short o= line', ['v=0', 'o=- 1 1 IN IP4', 's=-', 'c=IN IP4 192.0.2.1']],
    ['two o= lines', [...sessionLines, 'o=- 1 1 IN IP4 192.0.2.9']],
    ['two c= lines', [...sessionLines, 'c=IN IP4 192.0.2.9']],
    ['nothing', []],
  ])('is refused with %s', (_, lines) => {
    expect(refusalOf(parseWireDescription(body(...lines, 'm=audio 4000 RTP/AVP 0')))).toBe('400 malformed');
  });

  test('may lack s= and t=, and have a user name with a space, as in the field', () => {
    const lenient = body('v=0', 'o=John Doe 1 1 IN IP4 192.0.2.1', 'c=IN IP4 192.0.2.1', 'm=audio 4000 RTP/AVP 0');
    expect(accepted(parseWireDescription(lenient)).media).toHaveLength(1);
  });
});

describe('an m-line (RFC 8866 §5.14)', () => {
  test('has a kind, a port, a protocol and formats', () => {
    expect(onlyMedia('m=audio 49170/2 RTP/AVP 0 8 101')).toMatchObject({
      kind: 'audio',
      port: 49_170,
      portCount: 2,
      protocol: 'RTP/AVP',
      formats: ['0', '8', '101'],
    });
  });

  test.each([
    ['m=audio'],
    ['m=audio 4000'],
    ['m=audio 4000 RTP/AVP'],
    ['m=audio port RTP/AVP 0'],
    ['m=audio -1 RTP/AVP 0'],
    ['m=audio 65536 RTP/AVP 0'],
    ['m=audio 999999999999999999999 RTP/AVP 0'],
    ['m=audio 4000/ RTP/AVP 0'],
    ['m=audio 4000/x RTP/AVP 0'],
    ['m=au"dio 4000 RTP/AVP 0'],
    [`m=audio 4000 RTP/AVP ${'9 '.repeat(65)}`],
    ['m='],
  ])('is refused as %s', (line) => {
    expect(refusalOf(parseWireDescription(withMedia(line)))).toBe('400 malformed');
  });

  test('needs a c= line of its own or of the session, unless its port is 0', () => {
    const bare = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 't=0 0'];
    expect(refusalOf(parseWireDescription(body(...bare, 'm=audio 4000 RTP/AVP 0')))).toBe('400 malformed');
    expect(refusalOf(parseWireDescription(body(...bare, 'm=audio 0 RTP/AVP 0')))).toBe('not refused');
    const own = accepted(parseWireDescription(body(...bare, 'm=audio 4000 RTP/AVP 0', 'c=IN IP4 192.0.2.5'))).media[0];
    expect(own?.connection).toEqual({ kind: 'numeric', address: '192.0.2.5' });
  });

  test('takes its own c= before the session’s, and refuses two', () => {
    expect(onlyMedia('m=audio 4000 RTP/AVP 0', 'c=IN IP4 192.0.2.5').connection).toEqual({
      kind: 'numeric',
      address: '192.0.2.5',
    });
    const two = withMedia('m=audio 4000 RTP/AVP 0', 'c=IN IP4 192.0.2.5', 'c=IN IP4 192.0.2.6');
    expect(refusalOf(parseWireDescription(two))).toBe('400 malformed');
  });

  test.each([
    ['IN IP6 2001:DB8:0:0::1', { kind: 'numeric', address: '2001:db8::1' }],
    ['IN IP4 2001:db8::1', { kind: 'unusable', text: 'IN IP4 2001:db8::1' }],
    ['IN IP6 192.0.2.1', { kind: 'unusable', text: 'IN IP6 192.0.2.1' }],
    ['IN IP4 224.2.1.1/127', { kind: 'unusable', text: 'IN IP4 224.2.1.1/127' }],
    ['IN IP6 fe80::1%eth0', { kind: 'unusable', text: 'IN IP6 fe80::1%eth0' }],
    ['IN IP4 phone.example.com', { kind: 'unusable', text: 'IN IP4 phone.example.com' }],
    ['ATM NSAP 47.0091', { kind: 'unusable', text: 'ATM NSAP 47.0091' }],
    ['IN IP4 010.0.0.1', { kind: 'unusable', text: 'IN IP4 010.0.0.1' }],
  ])('reads c=%s', (value, expected) => {
    expect(onlyMedia('m=audio 4000 RTP/AVP 0', `c=${value}`).connection).toEqual(expected);
  });

  test('takes the direction of the session when it states none (RFC 8866 §6.7)', () => {
    const direction = (session: readonly string[], media: readonly string[]): string | undefined =>
      accepted(parseWireDescription(body(...sessionLines, ...session, 'm=audio 4000 RTP/AVP 0', ...media))).media[0]
        ?.direction;
    expect(direction([], [])).toBe('sendrecv');
    expect(direction(['a=sendonly'], [])).toBe('sendonly');
    expect(direction(['a=sendonly'], ['a=inactive'])).toBe('inactive');
  });

  test('takes ptime from the session when it has none', () => {
    const media = (...own: readonly string[]): unknown =>
      accepted(parseWireDescription(body(...sessionLines, 'a=ptime:30', 'm=audio 4000 RTP/AVP 0', ...own))).media[0]
        ?.attributes;
    expect(media()).toEqual([{ name: 'ptime', value: '30' }]);
    expect(media('a=ptime:20')).toEqual([{ name: 'ptime', value: '20' }]);
  });

  test('keeps a=rtcp, a=rtcp-mux and a=crypto apart from what may cross', () => {
    const media = onlyMedia(
      'm=audio 4000 RTP/AVP 0',
      'a=rtcp:4009 IN IP4 192.0.2.9',
      'a=rtcp-mux',
      'a=crypto:1 X y',
      'a=z',
    );
    expect(media).toMatchObject({
      rtcp: { port: 4009, connection: { kind: 'numeric', address: '192.0.2.9' } },
      rtcpMux: true,
      crypto: ['1 X y'],
      attributes: [{ name: 'z', value: undefined }],
    });
    expect(onlyMedia('m=audio 4000 RTP/AVP 0', 'a=rtcp:4009').rtcp).toEqual({ port: 4009, connection: undefined });
    expect(onlyMedia('m=audio 4000 RTP/AVP 0', 'a=rtcp:nonsense').rtcp).toBeUndefined();
  });

  test('ignores a key above the first m-line: keys belong to one stream (RFC 4568 §5)', () => {
    const parsed = parseWireDescription(body(...sessionLines, 'a=crypto:1 X y', 'm=audio 4000 RTP/AVP 0'));
    expect(accepted(parsed).media[0]?.crypto).toEqual([]);
  });
});
