import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accepted,
  body,
  cryptoLine,
  exchange,
  insideLocals,
  insidePolicy,
  keySalt,
  linesOf,
  linesWith,
  makeLeg,
  outsideLocals,
  textOf,
  withMedia,
} from './sdp-fixtures.ts';

const talkative = body(
  'v=0',
  'o=SECRETuser 1234 5678 IN IP4 192.168.77.7',
  's=SECRET PBX 18.1',
  'i=SECRET information',
  'u=http://SECRET.example',
  'e=SECRET@example.com',
  'p=+1 SECRET',
  'c=IN IP4 192.168.77.7',
  'b=AS:128',
  'b=X-SECRET',
  't=0 0',
  'r=SECRET',
  'k=prompt',
  'a=tool:SECRET 1.0',
  'a=group:BUNDLE SECRET',
  'a=ice-ufrag:SECRET',
  'a=ice-lite',
  'a=msid-semantic:WMS SECRET',
  'a=fingerprint:sha-256 SE:CR:ET',
  'a=setup:actpass',
  'a=X-nat:SECRET',
  'm=audio 40000 RTP/SAVP 0 101',
  'i=SECRET label',
  'b=TIAS:64000',
  'b=X-SECRET',
  'k=clear:SECRET',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=maxptime:60',
  'a=silenceSupp:off - - - -',
  'a=rtcp-fb:* nack',
  'a=mid:SECRET',
  'a=candidate:1 1 UDP 2130706431 192.168.77.7 40000 typ host',
  'a=end-of-candidates',
  'a=remote-candidates:1 192.168.77.7 40000',
  'a=ice-pwd:SECRETSECRETSECRETSECRET',
  'a=fingerprint:sha-256 SE:CR:ET',
  'a=setup:actpass',
  'a=tls-id:SECRET',
  'a=ssrc:12345 cname:SECRET',
  'a=ssrc-group:FID 12345 12346',
  'a=msid:SECRET SECRET',
  'a=label:SECRET',
  'a=rtcp:40077 IN IP4 192.168.77.7',
  'a=alt:1 1 : SECRET 192.168.77.7 40000',
  'a=acap:1 crypto:1 SECRET',
  'a=pcfg:1 a=1',
  'a=curr:qos local none',
  'a=des:qos mandatory local sendrecv',
  'a=x-secret:SECRET',
  'a=key-mgmt:mikey SECRET',
  'a=zrtp-hash:SECRET',
  `a=crypto:${cryptoLine(1)}`,
);

describe('nothing of one side is seen on the other (RFC 5853 §3.1)', () => {
  test('of a talkative offer only codecs, times and bandwidth cross', () => {
    const offer = accepted(makeLeg().receiveOffer(talkative));
    expect(linesOf(accepted(makeLeg(insidePolicy).createOffer(offer, insideLocals)))).toEqual([
      'v=0',
      'o=- 1000 1 IN IP4 10.0.0.10',
      's=-',
      'c=IN IP4 10.0.0.10',
      'b=AS:128',
      't=0 0',
      'm=audio 30000 RTP/AVP 0 101',
      'b=TIAS:64000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=maxptime:60',
      'a=silenceSupp:off - - - -',
      'a=rtcp-fb:* nack',
      'a=sendrecv',
    ]);
  });

  test('neither in what crosses between the legs', () => {
    const crossing = JSON.stringify(accepted(makeLeg().receiveOffer(talkative)));
    for (const secret of ['SECRET', '192.168', '40000', '40077', keySalt('AES_CM_128_HMAC_SHA1_80')]) {
      expect(crossing).not.toContain(secret);
    }
  });

  test('nor in an answer, whichever lines it has', () => {
    const token = fc.stringMatching(/^[a-z-]{1,12}$/);
    const line = fc.oneof(
      fc
        .tuple(token, fc.constantFrom('10.9.8.7', 'inner.example', 'PBX/18'))
        .map(([name, value]) => `a=x${name}:${value}`),
      fc.constantFrom(
        'a=candidate:1 1 UDP 1 10.9.8.7 4000 typ host',
        'a=rtcp:5001 IN IP4 10.9.8.7',
        'i=inner.example',
        'a=tool:PBX/18',
      ),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const call = { caller: makeLeg({ encryption: 'off' }), callee: makeLeg(insidePolicy) };
        const answer = withMedia('m=audio 5000 RTP/AVP 0', 'c=IN IP4 10.9.8.7', ...lines);
        const { answerOut } = exchange(call, withMedia('m=audio 40000 RTP/AVP 0'), answer);
        expect(textOf(answerOut)).not.toMatch(/10\.9\.8\.7|inner\.example|PBX|5000|198\.51\.100\.7/);
      }),
      { seed: 5853 },
    );
  });

  test('a t= line crosses as it is, a missing or odd one becomes 0 0', () => {
    const times = (...lines: readonly string[]): readonly string[] => {
      const session = ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7'];
      const leg = makeLeg({ encryption: 'off' });
      const offer = accepted(leg.receiveOffer(body(...session, ...lines, 'm=audio 40000 RTP/AVP 0')));
      return linesWith(leg.createAnswer(offer, outsideLocals), 't=');
    };
    expect(times('t=3034423619 3042462419')).toEqual(['t=3034423619 3042462419']);
    expect(times()).toEqual(['t=0 0']);
    expect(times('t=now then')).toEqual(['t=0 0']);
  });
});
