import { describe, expect, test } from 'vitest';
import { SdpLeg, type SdpLegSnapshot } from '../../../../src/media/sdp/sdp-leg.ts';
import { SeededRandom } from '../../../support/fake-time.ts';
import {
  accepted,
  body,
  type Call,
  cryptoLine,
  exchange,
  insideLocals,
  insidePolicy,
  linesWith,
  makeLeg,
  outsideLocals,
  plainAudio,
  refusalOf,
  secureAudio,
  textOf,
  versionOf,
  withMedia,
} from './sdp-fixtures.ts';

const answerFromPbx = withMedia('m=audio 5000 RTP/AVP 0 8', 'c=IN IP4 10.0.0.5');
const firstOffer = secureAudio(cryptoLine(1));

function runningCall(): Call {
  const call = { caller: makeLeg(), callee: makeLeg(insidePolicy) };
  exchange(call, firstOffer, answerFromPbx);
  return call;
}

describe('the o= line (RFC 3264 §8)', () => {
  test('keeps its session id, and its version while nothing changes', () => {
    const call = runningCall();
    const { offerOut, answerOut } = exchange(call, firstOffer, answerFromPbx);
    expect(linesWith(offerOut, 'o=')).toEqual(['o=- 1000 1 IN IP4 10.0.0.10']);
    expect(linesWith(answerOut, 'o=')).toEqual(['o=- 1000 1 IN IP4 203.0.113.10']);
  });

  test('counts one up for every body that is new', () => {
    const call = runningCall();
    const hold = withMedia('m=audio 40000 RTP/SAVP 0 8', `a=crypto:${cryptoLine(1)}`, 'a=sendonly');
    const held = exchange(call, hold, answerFromPbx);
    expect([versionOf(held.offerOut), versionOf(held.answerOut)]).toEqual([2, 2]);
    const resumed = exchange(call, firstOffer, answerFromPbx);
    expect([versionOf(resumed.offerOut), versionOf(resumed.answerOut)]).toEqual([3, 3]);
  });

  test('does not count for a peer’s re-offer that failed', () => {
    const call = runningCall();
    accepted(call.caller.receiveOffer(withMedia('m=audio 41000 RTP/SAVP 0', `a=crypto:${cryptoLine(1)}`)));
    call.caller.rollback();
    expect(versionOf(exchange(call, firstOffer, answerFromPbx).answerOut)).toBe(1);
  });

  test('never gives one version to two bodies, also after an offer of ours was refused', () => {
    const { callee } = runningCall();
    const offerOf = (...lines: readonly string[]): Uint8Array => {
      const sent = accepted(
        callee.createOffer(accepted(makeLeg({ encryption: 'off' }).receiveOffer(withMedia(...lines))), insideLocals),
      );
      callee.rollback();
      return sent;
    };
    const refused = offerOf('m=audio 40000 RTP/AVP 0 8', 'a=sendonly');
    expect(versionOf(refused)).toBe(2);
    expect(textOf(offerOf('m=audio 40000 RTP/AVP 0 8', 'a=sendonly'))).toBe(textOf(refused));
    expect(versionOf(offerOf('m=audio 40000 RTP/AVP 0 8', 'a=inactive'))).toBe(3);
    expect(versionOf(offerOf('m=audio 40000 RTP/AVP 0 8'))).toBe(1);
  });

  test('keeps its address when the media moves to another of ours', () => {
    const leg = makeLeg({ encryption: 'off' });
    const answerAt = (address: string): string | undefined => {
      const offer = accepted(leg.receiveOffer(plainAudio));
      const answer = leg.createAnswer(offer, [{ address, rtpPort: 20_000, rtcpPort: 20_001 }]);
      leg.commit();
      return linesWith(answer, 'o=')[0];
    };
    expect(answerAt('203.0.113.10')).toBe('o=- 1000 1 IN IP4 203.0.113.10');
    expect(answerAt('203.0.113.99')).toBe('o=- 1000 2 IN IP4 203.0.113.10');
  });

  test('has a random session id where none is given', () => {
    const ids = [1, 2].map(
      (seed) => new SdpLeg({ policy: insidePolicy, random: new SeededRandom(seed) }).snapshot().sessionId,
    );
    expect(ids[0]).toMatch(/^[0-9]+$/);
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('an exchange in progress', () => {
  const moved = withMedia(
    'm=audio 41000 RTP/SAVP 0 8',
    `a=crypto:${cryptoLine(2, 'AEAD_AES_128_GCM', 3)}`,
    'a=sendonly',
  );

  test('changes nothing in force until it is complete', () => {
    const { caller } = runningCall();
    const before = caller.remotes();
    accepted(caller.receiveOffer(moved));
    expect(caller.remotes()).toEqual(before);
  });

  test('that is rolled back leaves addresses, keys and directions as they were (RFC 3261 §14.1)', () => {
    const { caller, callee } = runningCall();
    const before = { caller: caller.remotes(), callee: callee.remotes(), description: caller.remoteDescription() };
    accepted(callee.createOffer(accepted(caller.receiveOffer(moved)), insideLocals));
    caller.createAnswer(
      accepted(callee.receiveAnswer(withMedia('m=audio 5555 RTP/AVP 0', 'a=recvonly'))),
      outsideLocals,
    );
    expect(caller.remotes()).not.toEqual(before.caller);
    caller.rollback();
    callee.rollback();
    expect({ caller: caller.remotes(), callee: callee.remotes(), description: caller.remoteDescription() }).toEqual(
      before,
    );
    expect([caller.phase, callee.phase]).toEqual(['stable', 'stable']);
  });

  test('comes into force by commit', () => {
    const { caller, callee } = runningCall();
    exchange({ caller, callee }, moved, answerFromPbx);
    expect(caller.remotes()[0]).toMatchObject({ rtp: { port: 41_000 }, sending: false, receiving: true });
    expect(caller.remotes()[0]?.receive?.suite).toBe('AEAD_AES_128_GCM');
  });

  test('tells what the peer described last', () => {
    const { caller } = runningCall();
    expect(caller.remoteDescription().media[0]?.direction).toBe('sendrecv');
    accepted(caller.receiveOffer(moved));
    expect(caller.remoteDescription().media[0]?.direction).toBe('sendonly');
    expect(makeLeg().remoteDescription().media).toEqual([]);
  });
});

describe('keys across re-offers (RFC 4568 §7.1.4)', () => {
  test('stay when the peer offers the same again: the worker sees the same endpoint', () => {
    const call = runningCall();
    const before = call.caller.remotes();
    exchange(call, firstOffer, answerFromPbx);
    expect(call.caller.remotes()).toEqual(before);
  });

  test('change on the peer’s side only when the peer rekeys', () => {
    const call = runningCall();
    const before = call.caller.remotes()[0];
    exchange(call, secureAudio(cryptoLine(4, 'AES_CM_128_HMAC_SHA1_80', 8)), answerFromPbx);
    const after = call.caller.remotes()[0];
    expect(after?.receive?.masterKey).not.toEqual(before?.receive?.masterKey);
    expect(after?.send).toEqual(before?.send);
  });

  test('of ours change with the suite', () => {
    const call = runningCall();
    const before = call.caller.remotes()[0];
    exchange(call, secureAudio(cryptoLine(1, 'AES_256_CM_HMAC_SHA1_80')), answerFromPbx);
    expect(call.caller.remotes()[0]?.send?.suite).toBe('AES_256_CM_HMAC_SHA1_80');
    expect(call.caller.remotes()[0]?.send?.masterKey.slice(0, 16)).not.toEqual(before?.send?.masterKey);
  });

  test('keep the suite in force while it is offered, whatever policy prefers', () => {
    const call = { caller: makeLeg(), callee: makeLeg(insidePolicy) };
    exchange(call, secureAudio(cryptoLine(1, 'AEAD_AES_128_GCM')), answerFromPbx);
    const before = call.caller.remotes();
    exchange(call, secureAudio(cryptoLine(1), cryptoLine(2, 'AEAD_AES_128_GCM')), answerFromPbx);
    expect(call.caller.remotes()).toEqual(before);
  });

  test('of ours are offered again, and alone, in an offer of ours', () => {
    const { caller, callee } = runningCall();
    const [ours] = linesWith(Buffer.from(caller.snapshot().committedBody?.text ?? ''), 'a=crypto');
    const offer = accepted(callee.receiveOffer(answerFromPbx));
    const sent = accepted(caller.createOffer(offer, outsideLocals));
    expect(linesWith(sent, 'a=crypto')).toEqual([ours]);
    expect(linesWith(sent, 'm=')).toEqual(['m=audio 20000 RTP/SAVP 0 8']);
  });

  test('are not taken from a peer that sends ours back', () => {
    const { caller } = runningCall();
    const [ours = ''] = linesWith(Buffer.from(caller.snapshot().committedBody?.text ?? ''), 'a=crypto');
    const reflected = caller.receiveOffer(withMedia('m=audio 40000 RTP/SAVP 0 8', ours));
    expect(reflected.ok).toBe(false);
  });

  test('keep the profile in force in an offer of ours, and are still required then', () => {
    const description = accepted(makeLeg({ encryption: 'off' }).receiveOffer(plainAudio));
    const beside = makeLeg();
    const offer = withMedia('m=audio 40000 RTP/AVP 0 8', `a=crypto:${cryptoLine(1)}`);
    beside.createAnswer(accepted(beside.receiveOffer(offer)), outsideLocals);
    beside.commit();
    expect(linesWith(accepted(beside.createOffer(description, outsideLocals)), 'm=')).toEqual([
      'm=audio 20000 RTP/AVP 0 8',
    ]);
    expect(refusalOf(beside.receiveAnswer(plainAudio))).toBe('488 encryption-required');
    const savp = makeLeg({ encryption: 'opportunistic' });
    savp.createAnswer(accepted(savp.receiveOffer(firstOffer)), outsideLocals);
    savp.commit();
    expect(linesWith(accepted(savp.createOffer(description, outsideLocals)), 'm=')).toEqual([
      'm=audio 20000 RTP/SAVP 0 8',
    ]);
  });

  test('are absent from re-offers to a peer that declined them (RFC 8643)', () => {
    const leg = makeLeg({ encryption: 'opportunistic' });
    const offer = accepted(makeLeg({ encryption: 'off' }).receiveOffer(plainAudio));
    accepted(leg.createOffer(offer, outsideLocals));
    accepted(leg.receiveAnswer(plainAudio));
    leg.commit();
    expect(linesWith(accepted(leg.createOffer(offer, outsideLocals)), 'a=crypto')).toEqual([]);
  });
});

describe('hold (RFC 3264 §8.4)', () => {
  const plain = { encryption: 'off' } as const;
  const running = (): Call => {
    const call = { caller: makeLeg(plain), callee: makeLeg(insidePolicy) };
    exchange(call, plainAudio, answerFromPbx);
    return call;
  };

  test.each([
    ['0.0.0.0', ['c=IN IP4 0.0.0.0'], 'sendonly'],
    ['0.0.0.0 with a=inactive', ['c=IN IP4 0.0.0.0', 'a=inactive'], 'inactive'],
    ['0.0.0.0 with a=recvonly', ['c=IN IP4 0.0.0.0', 'a=recvonly'], 'inactive'],
    ['the unspecified IPv6 address', ['c=IN IP6 ::'], 'sendonly'],
    ['a name that cannot be', ['c=IN IP4 anonymous.invalid'], 'sendonly'],
    ['a=sendonly', ['a=sendonly'], 'sendonly'],
    ['a=inactive', ['a=inactive'], 'inactive'],
  ])('by %s reaches the other side as a direction, and destinations come back after it', (_, lines, direction) => {
    const call = running();
    const before = [call.caller.remotes(), call.callee.remotes()];
    const { offerOut } = exchange(call, withMedia('m=audio 40000 RTP/AVP 0 8', ...lines), answerFromPbx);
    expect(textOf(offerOut)).toContain(`a=${direction}\r\n`);
    expect(textOf(offerOut)).not.toContain('0.0.0.0');
    expect(call.caller.remotes()[0]).toMatchObject({ sending: false, rtp: { address: '198.51.100.7', port: 40_000 } });
    exchange(call, plainAudio, answerFromPbx);
    expect([call.caller.remotes(), call.callee.remotes()]).toEqual(before);
  });

  test('by 0.0.0.0 in a first offer leaves nowhere to send to', () => {
    const caller = makeLeg(plain);
    const offer = accepted(caller.receiveOffer(withMedia('m=audio 40000 RTP/AVP 0', 'c=IN IP4 0.0.0.0')));
    caller.createAnswer(offer, outsideLocals);
    expect(caller.remotes()[0]).toMatchObject({ sending: false, awaitLatch: true });
  });

  test('from the other side works the same', () => {
    const { caller, callee } = running();
    const offer = accepted(callee.receiveOffer(withMedia('m=audio 5000 RTP/AVP 0 8', 'c=IN IP4 0.0.0.0')));
    const towardsCaller = accepted(caller.createOffer(offer, outsideLocals));
    expect(linesWith(towardsCaller, 'a=')).toEqual(['a=sendonly']);
    expect(versionOf(towardsCaller)).toBe(2);
    const answer = accepted(caller.receiveAnswer(withMedia('m=audio 40000 RTP/AVP 0 8', 'a=recvonly')));
    expect(linesWith(callee.createAnswer(answer, insideLocals), 'a=')).toEqual(['a=recvonly']);
    expect(callee.remotes()[0]).toMatchObject({ sending: false, receiving: true });
  });
});

describe('m-lines across re-offers (RFC 3264 §8)', () => {
  const plain = { encryption: 'off' } as const;
  const two = withMedia('m=audio 40000 RTP/AVP 0', 'm=video 40002 RTP/AVP 31');
  const twoFromPbx = withMedia('m=audio 5000 RTP/AVP 0', 'm=video 5002 RTP/AVP 31');

  test('may move: the new address counts after commit', () => {
    const call = runningCall();
    const roamed = body(
      'v=0',
      'o=- 4 8 IN IP4 198.51.100.99',
      's=-',
      'c=IN IP4 198.51.100.99',
      't=0 0',
      'm=audio 42000 RTP/SAVP 0',
      `a=crypto:${cryptoLine(1)}`,
    );
    exchange(call, roamed, answerFromPbx);
    expect(call.caller.remotes()[0]?.rtp).toEqual({ address: '198.51.100.99', port: 42_000 });
  });

  test('that close keep their slot', () => {
    const call = { caller: makeLeg(plain), callee: makeLeg(insidePolicy) };
    exchange(call, two, twoFromPbx);
    const closing = withMedia('m=audio 40000 RTP/AVP 0', 'm=video 0 RTP/AVP 31');
    const { offerOut, answerOut } = exchange(
      call,
      closing,
      withMedia('m=audio 5000 RTP/AVP 0', 'm=video 0 RTP/AVP 31'),
    );
    expect(linesWith(offerOut, 'm=')).toEqual(['m=audio 30000 RTP/AVP 0', 'm=video 0 RTP/AVP 31']);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0', 'm=video 0 RTP/AVP 31']);
    expect(call.caller.remotes()[1]).toBeUndefined();
  });

  test('that a peer forgets are still shown, closed, to the other side', () => {
    const call = { caller: makeLeg(plain), callee: makeLeg(insidePolicy) };
    exchange(call, two, twoFromPbx);
    const { offerOut, answerOut } = exchange(
      call,
      plainAudio,
      withMedia('m=audio 5000 RTP/AVP 0', 'm=video 0 RTP/AVP 31'),
    );
    expect(linesWith(offerOut, 'm=')).toEqual(['m=audio 30000 RTP/AVP 0 8', 'm=video 0 RTP/AVP 31']);
    expect(linesWith(answerOut, 'm=')).toEqual(['m=audio 20000 RTP/AVP 0']);
  });

  test('may be added', () => {
    const call = { caller: makeLeg(plain), callee: makeLeg(insidePolicy) };
    exchange(call, plainAudio, answerFromPbx);
    const { answerOut } = exchange(call, two, twoFromPbx);
    expect(linesWith(answerOut, 'm=')).toHaveLength(2);
    expect(call.callee.remotes()[1]?.rtp.port).toBe(5002);
  });
});

describe('early dialogs of one offer (RFC 3261 §13.2.2.4)', () => {
  const offer = secureAudio(cryptoLine(1));
  const first = withMedia('m=audio 5000 RTP/AVP 0', 'c=IN IP4 10.0.0.5');
  const second = withMedia('m=audio 6000 RTP/AVP 8', 'c=IN IP4 10.0.0.6');

  test('each have an answer of their own, and do not know of one another', () => {
    const caller = makeLeg();
    const callee = makeLeg(insidePolicy);
    accepted(callee.createOffer(accepted(caller.receiveOffer(offer)), insideLocals));
    const [one, two] = [callee.fork(), callee.fork()];
    accepted(one.receiveAnswer(first));
    accepted(two.receiveAnswer(second));
    one.commit();
    expect(one.remotes()[0]?.rtp.port).toBe(5000);
    expect(two.remotes()[0]?.rtp.port).toBe(6000);
    expect([callee.phase, one.phase, two.phase]).toEqual(['offer', 'stable', 'complete']);
    expect(callee.remotes()).toEqual([]);
  });

  test('share the keys of the offer', () => {
    const callee = makeLeg();
    accepted(callee.createOffer(accepted(makeLeg().receiveOffer(offer)), outsideLocals));
    const [one, two] = [callee.fork(), callee.fork()];
    accepted(one.receiveAnswer(secureAudio(cryptoLine(1, 'AES_CM_128_HMAC_SHA1_80', 5))));
    accepted(two.receiveAnswer(secureAudio(cryptoLine(1, 'AES_CM_128_HMAC_SHA1_80', 6))));
    expect(one.remotes()[0]?.send).toEqual(two.remotes()[0]?.send);
    expect(one.remotes()[0]?.receive).not.toEqual(two.remotes()[0]?.receive);
  });

  test('let the caller be answered again: same keys, a new version only for other content', () => {
    const caller = makeLeg();
    const callee = makeLeg(insidePolicy);
    accepted(callee.createOffer(accepted(caller.receiveOffer(offer)), insideLocals));
    const [one, two] = [callee.fork(), callee.fork()];
    const early = caller.createAnswer(accepted(one.receiveAnswer(first)), outsideLocals);
    const keysThen = caller.remotes()[0]?.send;
    expect(textOf(caller.createAnswer(accepted(one.receiveAnswer(first)), outsideLocals))).toBe(textOf(early));
    const final = caller.createAnswer(accepted(two.receiveAnswer(second)), outsideLocals);
    expect([versionOf(early), versionOf(final)]).toEqual([1, 2]);
    expect(linesWith(final, 'm=')).toEqual(['m=audio 20000 RTP/SAVP 8']);
    expect(caller.remotes()[0]?.send).toEqual(keysThen);
  });

  test('may correct their answer before commit', () => {
    const callee = makeLeg(insidePolicy);
    accepted(callee.createOffer(accepted(makeLeg().receiveOffer(offer)), insideLocals));
    accepted(callee.receiveAnswer(first));
    accepted(callee.receiveAnswer(second));
    callee.commit();
    expect(callee.remotes()[0]?.rtp.port).toBe(6000);
  });
});

describe('a snapshot', () => {
  const read: (json: string) => SdpLegSnapshot = JSON.parse;
  const restored = (leg: SdpLeg): SdpLeg => SdpLeg.restore(read(JSON.stringify(leg.snapshot())), new SeededRandom(5));

  test('goes on with the same keys, addresses and version after JSON', () => {
    const call = runningCall();
    const copy = { caller: restored(call.caller), callee: restored(call.callee) };
    expect(copy.caller.remotes()).toEqual(call.caller.remotes());
    expect(copy.callee.remotes()).toEqual(call.callee.remotes());
    expect(copy.caller.policy).toEqual(call.caller.policy);
    const { offerOut, answerOut } = exchange(copy, firstOffer, answerFromPbx);
    expect([versionOf(offerOut), versionOf(answerOut)]).toEqual([1, 1]);
    expect(copy.caller.remotes()).toEqual(call.caller.remotes());
  });

  test('may be taken in the middle of an exchange', () => {
    const caller = restored(makeLeg());
    const offer = accepted(caller.receiveOffer(firstOffer));
    const answered = restored(caller);
    const callee = makeLeg(insidePolicy);
    accepted(callee.createOffer(offer, insideLocals));
    const waiting = restored(callee);
    answered.createAnswer(accepted(waiting.receiveAnswer(answerFromPbx)), outsideLocals);
    const complete = restored(answered);
    expect(complete.phase).toBe('complete');
    complete.commit();
    expect(complete.remotes()).toEqual(answered.remotes());
  });

  test('of an unknown version is not guessed at', () => {
    const unknown = read(JSON.stringify({ ...makeLeg().snapshot(), v: 2 }));
    expect(() => SdpLeg.restore(unknown, new SeededRandom(1))).toThrow('unknown version');
  });

  test('is not touched by what the leg does afterwards', () => {
    const call = runningCall();
    const before = call.caller.snapshot();
    const text = JSON.stringify(before);
    exchange(call, secureAudio(cryptoLine(1, 'AEAD_AES_128_GCM')), answerFromPbx);
    expect(JSON.stringify(before)).toBe(text);
  });
});
