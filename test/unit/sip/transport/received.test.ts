import { describe, expect, test } from 'vitest';
import { essentialsOf, requestUri } from '../../../../src/sip/message/header-fields.ts';
import { Headers } from '../../../../src/sip/message/headers.ts';
import { parseMessage } from '../../../../src/sip/message/parser.ts';
import { serializeMessage } from '../../../../src/sip/message/serializer.ts';
import { withReceived } from '../../../../src/sip/transport/received.ts';
import { request } from '../../../support/sip-messages.ts';

const source = { address: '198.51.100.7', port: 40_000 };

function viasAfter(...vias: readonly string[]): readonly string[] {
  const bare = request('OPTIONS');
  const headers = new Map(bare.headers.entries());
  headers.delete('Via');
  const message = { ...bare, headers: Headers.of(...vias.map((via): [string, string] => ['Via', via]), ...headers) };
  return withReceived(message, source).headers.values('Via');
}

describe('where a request really came from', () => {
  test('is noted when sent-by is another host (RFC 3261 §18.2.1)', () => {
    expect(viasAfter('SIP/2.0/UDP phone.test:5060;branch=z9hG4bK1')).toEqual([
      'SIP/2.0/UDP phone.test:5060;branch=z9hG4bK1;received=198.51.100.7',
    ]);
    expect(viasAfter('SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1')[0]).toContain('received=198.51.100.7');
  });

  test('is not noted when sent-by is that very address', () => {
    expect(viasAfter('SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1')).toEqual(['SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1']);
  });

  test('is noted with the port when the sender asks for it, the same host or not (RFC 3581 §4)', () => {
    expect(viasAfter('SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1;rport')).toEqual([
      'SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1;rport=40000;received=198.51.100.7',
    ]);
    expect(viasAfter('SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bK1')[0]).toContain('rport=40000');
  });

  test('is not what the sender claims: its received and rport are replaced', () => {
    const [via] = viasAfter('SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=203.0.113.9;rport=1');
    expect(via).toContain('received=198.51.100.7');
    expect(via).toContain('rport=40000');
    expect(via).not.toContain('203.0.113.9');
    expect(viasAfter('SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK1;received=203.0.113.9')[0]).not.toContain('received');
  });

  test('is noted in the top Via alone', () => {
    const below = 'SIP/2.0/TCP far.test;branch=z9hG4bK0;rport';
    expect(viasAfter(`SIP/2.0/UDP phone.test;branch=z9hG4bK1, ${below}`, below)).toEqual([
      'SIP/2.0/UDP phone.test;branch=z9hG4bK1;received=198.51.100.7',
      below,
      below,
    ]);
  });

  test('is compared with an IPv6 sent-by however that is written', () => {
    const headers = request('OPTIONS', { sentBy: '[2001:DB8:0::7]:5060' });
    const after = withReceived(headers, { address: '2001:db8::7', port: 5060 });
    expect(after.headers.get('Via')).not.toContain('received');
  });

  test('leaves the rest as it was read: the same as if the whole request were read anew', () => {
    const other = 'SIP/2.0/TCP far.test;branch=z9hG4bK0';
    for (const via of [
      'SIP/2.0/TLS 10.0.0.1:5061;Branch="z9hG4bK 1";x=";";rport',
      `SIP/2.0/UDP [2001:DB8::7], ${other}`,
    ]) {
      const bare = request('OPTIONS');
      const noted = withReceived({ ...bare, headers: bare.headers.with('Via', via) }, source);
      const anew = parseMessage(serializeMessage(noted));
      if (!anew.ok || anew.value.kind !== 'request') throw new Error('cannot be read again');
      expect(essentialsOf(noted)).toEqual(essentialsOf(anew.value));
      expect(requestUri(noted)).toEqual(requestUri(anew.value));
    }
  });
});
