import { describe, expect, test } from 'vitest';
import {
  clockRatesOf,
  codecsByNumber,
  isPayloadType,
  renumberToOffer,
} from '../../../../src/media/sdp/payload-types.ts';
import type { Attribute } from '../../../../src/media/sdp/wire-description.ts';

function codecs(
  formats: string,
  ...lines: readonly string[]
): { formats: readonly string[]; attributes: readonly Attribute[] } {
  const attributes = lines.map((line) => {
    const colon = line.indexOf(':');
    return { name: line.slice(0, colon), value: line.slice(colon + 1) };
  });
  return { formats: formats.split(' '), attributes };
}

const textOf = ({ name, value }: Attribute): string => `${name}:${value}`;

describe('an answer in the numbers of its offer (RFC 3264 §6.1)', () => {
  const offer = codecs('0 96 101', 'rtpmap:96 opus/48000/2', 'rtpmap:101 telephone-event/8000', 'fmtp:101 0-16');

  test('is left alone when it uses them', () => {
    const answer = codecs('96 101', 'rtpmap:96 OPUS/48000/2', 'rtpmap:101 telephone-event/8000/1');
    expect(renumberToOffer(offer, answer)).toEqual({ ...answer, pairs: [] });
  });

  test('maps telephone-event with another number, and all its lines (RFC 4733 §7.1.1)', () => {
    const answer = codecs('0 97', 'rtpmap:97 telephone-event/8000', 'fmtp:97 0-15', 'ptime:20');
    const renumbered = renumberToOffer(offer, answer);
    expect(renumbered.formats).toEqual(['0', '101']);
    expect(renumbered.attributes.map(textOf)).toEqual(['rtpmap:101 telephone-event/8000', 'fmtp:101 0-15', 'ptime:20']);
    expect(renumbered.pairs).toEqual([[101, 97]]);
  });

  test('maps two codecs that changed places', () => {
    const answer = codecs('101 96', 'rtpmap:101 opus/48000/2', 'rtpmap:96 telephone-event/8000');
    const renumbered = renumberToOffer(offer, answer);
    expect(renumbered.formats).toEqual(['96', '101']);
    expect(new Map(renumbered.pairs)).toEqual(
      new Map([
        [96, 101],
        [101, 96],
      ]),
    );
  });

  test('keeps a codec that the offer does not have, when its number is free', () => {
    const answer = codecs('0 99', 'rtpmap:99 iLBC/8000');
    expect(renumberToOffer(offer, answer)).toEqual({ ...answer, pairs: [] });
  });

  test('leaves out a codec that the offer does not have under a number that means another one there', () => {
    const answer = codecs('0 96', 'rtpmap:96 iLBC/8000', 'fmtp:96 mode=20');
    expect(renumberToOffer(offer, answer)).toEqual({ formats: ['0'], attributes: [], pairs: [] });
  });

  test('tells rates and channels apart', () => {
    const wide = codecs('110 111', 'rtpmap:110 telephone-event/48000', 'rtpmap:111 telephone-event/8000');
    const answer = codecs('98', 'rtpmap:98 telephone-event/8000');
    expect(renumberToOffer(wide, answer).pairs).toEqual([[111, 98]]);
  });

  test('prefers the offered format with the same parameters', () => {
    const video = codecs('96 97', 'rtpmap:96 H264/90000', 'fmtp:96 a=1', 'rtpmap:97 H264/90000', 'fmtp:97 a=2');
    expect(renumberToOffer(video, codecs('120', 'rtpmap:120 H264/90000', 'fmtp:120 a=2')).pairs).toEqual([[97, 120]]);
  });

  test('knows static numbers without rtpmap (RFC 3551 §6)', () => {
    expect(renumberToOffer(codecs('0 8'), codecs('96', 'rtpmap:96 PCMA/8000')).pairs).toEqual([[8, 96]]);
    expect(renumberToOffer(codecs('96', 'rtpmap:96 PCMU/8000'), codecs('0')).pairs).toEqual([[96, 0]]);
  });

  test('follows a retransmission format to what it repeats (RFC 4588 §8.1)', () => {
    const video = codecs('96 97', 'rtpmap:96 VP8/90000', 'rtpmap:97 rtx/90000', 'fmtp:97 apt=96');
    const answer = codecs('100 101', 'rtpmap:100 VP8/90000', 'rtpmap:101 rtx/90000', 'fmtp:101 apt=100;rtx-time=200');
    expect(renumberToOffer(video, answer).attributes.map(textOf)).toContain('fmtp:97 apt=96;rtx-time=200');
  });
});

test('clock rates come from well-formed rtpmap lines', () => {
  const { attributes } = codecs(
    '96',
    'rtpmap:96 opus/48000/2',
    'rtpmap:97 x/8000',
    'rtpmap:98 bad',
    'rtpmap:99 y/',
    'fmtp:96 z/1',
  );
  expect(clockRatesOf(attributes)).toEqual([
    [96, 48_000],
    [97, 8_000],
  ]);
});

test('a payload type is a number from 0 to 127', () => {
  expect(['0', '8', '96', '127'].every(isPayloadType)).toBe(true);
  expect(['128', '-1', '08', '1e1', 't38', '*', ''].some(isPayloadType)).toBe(false);
});

test('numbers that RFC 3551 §6 assigns say their codec without a line, and no other number does', () => {
  const assigned = [
    ...['0 pcmu/8000/1', '3 gsm/8000/1', '4 g723/8000/1', '5 dvi4/8000/1', '6 dvi4/16000/1', '7 lpc/8000/1'],
    ...['8 pcma/8000/1', '9 g722/8000/1', '10 l16/44100/2', '11 l16/44100/1', '12 qcelp/8000/1', '13 cn/8000/1'],
    ...['14 mpa/90000/1', '15 g728/8000/1', '16 dvi4/11025/1', '17 dvi4/22050/1', '18 g729/8000/1'],
    ...['25 celb/90000/1', '26 jpeg/90000/1', '28 nv/90000/1', '31 h261/90000/1', '32 mpv/90000/1'],
    ...['33 mp2t/90000/1', '34 h263/90000/1'],
  ];
  const formats = Array.from({ length: 128 }, (_, number) => String(number));
  const named = codecsByNumber({ formats, attributes: [] }).map(([number, name]) => `${number} ${name}`);
  expect(named).toEqual(assigned);
});
