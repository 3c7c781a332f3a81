import { describe, expect, test } from 'vitest';
import { type AgreedCodec, codecLimitOf, stricterLimit } from '../../../../src/media/sdp/codec-limit.ts';
import { exchange, insidePolicy, makeLeg, withMedia } from './sdp-fixtures.ts';

const numbered = (...names: readonly string[]): readonly AgreedCodec[] => names.map((name, type) => [type, name]);
const normal = (payloadBytes: number) => ({ packets: 50, bytes: 50 * (12 + payloadBytes + 10) });

describe('what codecs have to send', () => {
  test.each([
    ['pcma/8000/1', 175, 18_400, normal(160)],
    ['g722/8000/1', 175, 18_400, normal(160)],
    ['g729/8000/1', 175, 9_650, normal(20)],
    ['g723/8000/1', 92, 5_400, normal(20)],
    ['opus/48000/2', 550, 106_088, normal(160)],
    ['l16/8000/1', 175, 28_400, normal(320)],
  ])('of %s is %d packets and %d bytes a second, and more than a normal stream', (name, packets, bytes, stream) => {
    const limit = codecLimitOf('audio', numbered(name, 'telephone-event/8000/1'));
    expect(limit?.packetsPerSecond).toBe(packets);
    expect(limit?.bytesPerSecond).toBeCloseTo(bytes, -1);
    expect(limit?.packetsPerSecond).toBeGreaterThan(stream.packets);
    expect(limit?.bytesPerSecond).toBeGreaterThan(stream.bytes);
  });

  test('is the most of any that was agreed, and twice as much with redundancy', () => {
    const both = codecLimitOf('audio', numbered('g729/8000/1', 'pcmu/8000/1', 'cn/8000/1'));
    expect(both).toEqual(codecLimitOf('audio', numbered('pcmu/8000/1')));
    const redundant = codecLimitOf('audio', numbered('pcmu/8000/1', 'red/8000/1'));
    expect(redundant?.packetsPerSecond).toBe(300);
  });

  test('is not known of a codec that is not, of video, and of events alone', () => {
    expect(codecLimitOf('audio', numbered('pcmu/8000/1', 'x-unheard-of/8000/1'))).toBeUndefined();
    expect(codecLimitOf('video', numbered('h264/90000/1'))).toBeUndefined();
    expect(codecLimitOf('audio', numbered('telephone-event/8000/1'))).toBeUndefined();
    expect(codecLimitOf('audio', [])).toBeUndefined();
  });
});

test('of two limits the less holds, by packets and by bytes', () => {
  const [a, b] = [
    { packetsPerSecond: 100, bytesPerSecond: 9_000 },
    { packetsPerSecond: 200, bytesPerSecond: 8_000 },
  ];
  expect(stricterLimit(a, b)).toEqual({ packetsPerSecond: 100, bytesPerSecond: 8_000 });
  expect(stricterLimit(a, undefined)).toBe(a);
  expect(stricterLimit(undefined, undefined)).toBeUndefined();
});

describe('an endpoint is told', () => {
  const mediaLimit = { packetsPerSecond: 1_000, bytesPerSecond: 1_000_000 };
  const offer = withMedia('m=audio 40000 RTP/AVP 0 96 97', 'a=rtpmap:96 G729/8000', 'a=rtpmap:97 telephone-event/8000');
  // Another number for G.729, no rtpmap for the one that both know.
  const answer = withMedia('m=audio 50000 RTP/AVP 18 97', 'a=rtpmap:97 telephone-event/8000');
  const remotesOf = (limitByCodec: boolean) => {
    const call = {
      caller: makeLeg({ ...insidePolicy, allowedAddresses: 'any', mediaLimit, limitByCodec }),
      callee: makeLeg({ ...insidePolicy, allowedAddresses: 'any', mediaLimit, limitByCodec }),
    };
    exchange(call, offer, answer);
    return [call.caller.remotes()[0], call.callee.remotes()[0]];
  };

  test('what was agreed, not what was offered: both sides speak G.729 and may send no more than that', () => {
    for (const remote of remotesOf(true)) {
      expect(remote?.codecs).toContainEqual([96, 'g729/8000/1']);
      expect(remote?.codecs).toContainEqual([97, 'telephone-event/8000/1']);
      expect(remote?.codecs).not.toContainEqual([0, 'pcmu/8000/1']);
      expect(remote?.limit).toEqual({ packetsPerSecond: 175, bytesPerSecond: 9_650 });
    }
  });

  test('what everybody may send where codecs set no limit', () => {
    for (const remote of remotesOf(false)) expect(remote?.limit).toEqual(mediaLimit);
  });
});
