// A call from a phone to the PBX and back, from digest to the last BYE (RFC 3261 §13, §15).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import { audioOf, cryptoOf, sdp } from '../support/scenario-sdp.ts';

const pbxSdp = sdp({ address: '10.0.0.5', port: 30_000 });

describe('a call from a user to the PBX', () => {
  test('is challenged, rings, is answered with media of both sides, and ends when the caller hangs up', async () => {
    const s = new Scenario();
    const alice = s.phone('alice');
    const call = await alice.invite('600');
    const leg = CalleeLeg.take(s.pbx);
    expect(leg.invite.uri).toBe('sip:600@10.0.0.5:5060');
    expect(leg.invite.headers.get('P-Asserted-Identity')).toBe('<sip:alice@pbx.test>');
    expect(cryptoOf(leg.invite.body)).toBeUndefined();
    await leg.ring();
    call.take(180);
    expect(s.b2bua.calls()).toMatchObject([{ state: 'ringing', caller: 'alice@pbx.test', callee: 'main' }]);
    await leg.answer(pbxSdp);
    const answer = await call.takeAnswer();
    expect(audioOf(answer.body).address).toBe('203.0.113.10');
    expect(cryptoOf(answer.body)).toBeDefined();
    leg.takeAck();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'connected' }]);
    const [session] = s.media.open;
    expect(session?.remotes.get(2)?.rtp).toEqual({ address: '10.0.0.5', port: 30_000 });
    expect(session?.partners.get(1)).toBe(2);
    await s.advance(5_000);
    await call.hangUp();
    await leg.takeBye();
    await s.finish();
    expect(s.record).toMatchObject({
      caller: { kind: 'user', name: 'alice@pbx.test' },
      callee: { kind: 'pbx', name: 'main' },
      cause: 'caller-hung-up',
      status: 200,
      duration: 5_000,
      attempts: [{ target: 'pbx:main', status: 200, outcome: 'answered' }],
    });
    expect(s.record.media.map(({ leg: name, encryption }) => [name, encryption])).toEqual([
      ['a', 'AES_CM_128_HMAC_SHA1_80'],
      ['b', 'none'],
    ]);
  });
});
