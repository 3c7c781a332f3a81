// Two offers that answer each other: what both have, in the numbers of each.
import { describe, expect, test } from 'vitest';
import { asAnswer } from '../../../../src/media/sdp/as-answer.ts';
import type { MediaDescription, SessionDescription } from '../../../../src/media/sdp/session-description.ts';

function line(
  formats: readonly string[],
  rtpmaps: readonly string[] = [],
  more: Partial<MediaDescription> = {},
): MediaDescription {
  return {
    kind: 'audio',
    accepted: true,
    protocol: 'RTP/AVP',
    formats,
    direction: 'sendrecv',
    bandwidth: [],
    attributes: rtpmaps.map((value) => ({ name: 'rtpmap', value })),
    renumbered: [],
    ...more,
  };
}

function session(...media: readonly MediaDescription[]): SessionDescription {
  return { bandwidth: [], timing: ['0 0'], attributes: [], media };
}

const answer = (described: MediaDescription | undefined, offer: MediaDescription): MediaDescription | undefined =>
  asAnswer(session(...(described === undefined ? [] : [described])), session(offer)).media[0];

describe('an offer as the answer to another one', () => {
  test('keeps the codecs of both, in the order of who described them', () => {
    expect(answer(line(['0', '8', '9']), line(['8', '18', '0']))?.formats).toEqual(['0', '8']);
  });

  test('gives them the numbers of the offer, and says which the describer wants', () => {
    const described = line(['96', '101', '8'], ['96 opus/48000/2', '101 telephone-event/8000']);
    const offer = line(['111', '8', '100'], ['111 opus/48000/2', '100 telephone-event/8000']);
    const read = answer(described, offer);
    expect(read).toMatchObject({ accepted: true, formats: ['111', '100', '8'] });
    expect(read?.renumbered).toEqual([
      [111, 96],
      [100, 101],
    ]);
    expect(read?.attributes).toEqual([
      { name: 'rtpmap', value: '111 opus/48000/2' },
      { name: 'rtpmap', value: '100 telephone-event/8000' },
    ]);
  });

  test('refuses a line without a codec in common, events alone included, of another kind, refused, or missing', () => {
    const events = ['101 telephone-event/8000'];
    for (const described of [
      line(['18']),
      line(['18', '101'], events),
      line(['8'], [], { kind: 'video' }),
      line(['8'], [], { accepted: false }),
      undefined,
    ]) {
      expect(answer(described, line(['8', '101'], events))).toMatchObject({ accepted: false, kind: 'audio' });
    }
  });
});
