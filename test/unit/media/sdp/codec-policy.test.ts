import { describe, expect, test } from 'vitest';
import { allowedCodecs, isKindAllowed, preferredCodecs } from '../../../../src/media/sdp/codec-policy.ts';
import { defaultSdpPolicy, type SdpPolicy } from '../../../../src/media/sdp/sdp-policy.ts';
import {
  accepted,
  type Call,
  exchange,
  insideLocals,
  insidePolicy,
  linesWith,
  makeLeg,
  refusalOf,
  withMedia,
} from './sdp-fixtures.ts';

const offered = {
  formats: ['96', '0', '8', '18', '101', '13'],
  attributes: [
    { name: 'rtpmap', value: '96 opus/48000/2' },
    { name: 'fmtp', value: '96 useinbandfec=1' },
    { name: 'rtpmap', value: '18 G729/8000' },
    { name: 'fmtp', value: '18 annexb=no' },
    { name: 'rtpmap', value: '101 telephone-event/8000' },
    { name: 'fmtp', value: '101 0-16' },
    { name: 'ptime', value: '20' },
  ],
};

const listing = (...codecs: readonly string[]): SdpPolicy => ({ ...defaultSdpPolicy, codecs });

describe('a list of codecs', () => {
  test('takes the others out with their attributes, and leaves events and comfort noise', () => {
    const { formats, attributes } = allowedCodecs('audio', offered, listing('PCMA', 'pcmu'));
    expect(formats).toEqual(['0', '8', '101', '13']);
    expect(attributes.map(({ value }) => value)).toEqual(['101 telephone-event/8000', '101 0-16', '20']);
  });

  test('gives the order of an offer, events and comfort noise last (RFC 3264 §5.1)', () => {
    expect(preferredCodecs('audio', offered, listing('PCMA', 'PCMU', 'OPUS')).formats).toEqual([
      '8',
      '0',
      '96',
      '101',
      '13',
    ]);
  });

  test.each([
    ['opus', ['96', '101', '13']],
    ['opus/48000', ['96', '101', '13']],
    ['opus/48000/2', ['96', '101', '13']],
    ['opus/8000', []],
    ['op', []],
    ['telephone-event', ['101', '13']],
  ])('%s names what it names and nothing that only begins so', (codec, formats) => {
    expect(allowedCodecs('audio', offered, listing(codec)).formats).toEqual(formats);
  });

  test('leaves nothing where no codec is on it: events alone are no audio', () => {
    expect(allowedCodecs('audio', offered, listing('GSM'))).toEqual({ formats: [], attributes: [] });
  });

  test('is about audio only, and without one everything stays as it is', () => {
    expect(preferredCodecs('video', offered, listing('GSM'))).toBe(offered);
    expect(preferredCodecs('audio', offered, defaultSdpPolicy)).toBe(offered);
  });
});

test('video can be forbidden, audio cannot', () => {
  expect([isKindAllowed('video', defaultSdpPolicy), isKindAllowed('audio', defaultSdpPolicy)]).toEqual([true, true]);
  const audioOnly = { ...defaultSdpPolicy, video: false };
  expect([isKindAllowed('video', audioOnly), isKindAllowed('audio', audioOnly)]).toEqual([false, true]);
});

describe('a leg with a list', () => {
  const three = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:101 telephone-event/8000'];
  const offer = withMedia('m=audio 40000 RTP/AVP 96 0 8 101', ...three);
  const legs = (outside: Partial<SdpPolicy>, inside: Partial<SdpPolicy> = {}): Call => ({
    caller: makeLeg({ ...insidePolicy, allowedAddresses: 'public', ...outside }),
    callee: makeLeg({ ...insidePolicy, ...inside }),
  });

  test('is offered only what is on it, in its order; the answer comes back in the offer’s numbers', () => {
    const call = legs({}, { codecs: ['PCMA', 'opus'] });
    const { offerOut, answerOut } = exchange(call, offer, withMedia('m=audio 5000 RTP/AVP 8 101'));
    expect(linesWith(offerOut, 'm=')).toEqual(['m=audio 30000 RTP/AVP 8 96 101']);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 8 101']);
  });

  test('of the offerer holds for what the other side is offered, and for what it answers', () => {
    const call = legs({ codecs: ['PCMU'] });
    const { offerOut, answerOut } = exchange(call, offer, withMedia('m=audio 5000 RTP/AVP 0 18 101'));
    expect(linesWith(offerOut, 'm=')).toEqual(['m=audio 30000 RTP/AVP 0 101']);
    expect(linesWith(offerOut, 'a=rtpmap:96')).toEqual([]);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0 101']);
  });

  test('refuses an offer that has none of it, and offers nothing where none is left', () => {
    expect(refusalOf(makeLeg({ ...insidePolicy, codecs: ['GSM'] }).receiveOffer(offer))).toBe('488 codec-not-allowed');
    const call = legs({}, { codecs: ['GSM'] });
    const crossed = accepted(call.caller.receiveOffer(offer));
    expect(refusalOf(call.callee.createOffer(crossed, insideLocals))).toBe('488 no-media');
  });

  test('refuses an answer with nothing of it', () => {
    const call = legs({}, { codecs: ['PCMA'] });
    accepted(call.callee.createOffer(accepted(call.caller.receiveOffer(offer)), insideLocals));
    expect(refusalOf(call.callee.receiveAnswer(withMedia('m=audio 5000 RTP/AVP 0')))).toBe('488 answer-mismatch');
  });
});

describe('a leg without video', () => {
  const offer = withMedia('m=audio 40000 RTP/AVP 0', 'm=video 40002 RTP/AVP 99', 'a=rtpmap:99 H264/90000');

  test('takes the audio and refuses the video by port 0; with it both are relayed', () => {
    const answer = withMedia('m=audio 5000 RTP/AVP 0', 'm=video 5002 RTP/AVP 99', 'a=rtpmap:99 H264/90000');
    const open = { caller: makeLeg({ ...insidePolicy, allowedAddresses: 'public' }), callee: makeLeg(insidePolicy) };
    expect(linesWith(exchange(open, offer, answer).answerOut, 'm=')).toEqual([
      'm=audio 20000 RTP/AVP 0',
      'm=video 20002 RTP/AVP 99',
    ]);
    const audioOnly = withMedia('m=audio 5000 RTP/AVP 0', 'm=video 0 RTP/AVP 99');
    for (const [outside, inside] of [
      [false, true],
      [true, false],
    ] as const) {
      const call = {
        caller: makeLeg({ ...insidePolicy, allowedAddresses: 'public', video: outside }),
        callee: makeLeg({ ...insidePolicy, video: inside }),
      };
      const { offerOut, answerOut } = exchange(call, offer, audioOnly);
      expect(linesWith(offerOut, 'm=video')).toEqual(['m=video 0 RTP/AVP 99']);
      expect(linesWith(answerOut, 'm=video')).toEqual(['m=video 0 RTP/AVP 99']);
    }
  });

  test('refuses a call of video alone', () => {
    const leg = makeLeg({ ...insidePolicy, video: false });
    expect(refusalOf(leg.receiveOffer(withMedia('m=video 40000 RTP/AVP 99')))).toBe('488 media-not-allowed');
  });
});
