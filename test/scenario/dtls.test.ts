// Calls with DTLS-SRTP on the phone's leg (RFC 5763), from SDP to what the media workers are told.
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { callFromPbx, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg, type CallerLeg } from '../support/scenario-peer.ts';
import { cryptoLine, dtlsSdp, sdp } from '../support/scenario-sdp.ts';

const at = { address: '198.51.100.7', port: 40_000 };
const fingerprint = Array(32).fill('CD').join(':');
const announced = [{ hash: 'sha-256', value: fingerprint }];

const textOf = (body: Uint8Array): string => Buffer.from(body).toString('latin1');

async function dtlsCall(s: Scenario): Promise<{ call: CallerLeg; leg: CalleeLeg; answer: string }> {
  const call = await s.phone('alice').invite('600', { body: dtlsSdp({ ...at, setup: 'actpass', fingerprint }) });
  const leg = CalleeLeg.take(s.pbx);
  expect(textOf(leg.invite.body)).toMatch(/RTP\/AVP/);
  expect(textOf(leg.invite.body)).not.toMatch(/fingerprint|setup/);
  await leg.answer(pbxSdp());
  const answer = textOf((await call.takeAnswer()).body);
  leg.takeAck();
  return { call, leg, answer };
}

describe('a phone that offers DTLS-SRTP', () => {
  test('is answered with it, the worker learns whom to expect, and the PBX sees plain RTP', async () => {
    const s = new Scenario();
    const { call, leg, answer } = await dtlsCall(s);
    expect(answer).toMatch(/m=audio \d+ UDP\/TLS\/RTP\/SAVP/);
    expect(answer).toContain(`a=fingerprint:sha-256 ${s.media.fingerprint?.value}`);
    expect(answer).toContain('a=setup:');
    expect(s.media.open[0]?.remotes.get(1)?.dtls?.fingerprints).toEqual(announced);
    expect(s.media.open[0]?.remotes.get(2)?.dtls).toBeUndefined();
    await call.hangUp();
    await leg.takeBye();
    await s.finish();
    expect(s.record.media).toMatchObject([
      { leg: 'a', encryption: 'DTLS' },
      { leg: 'b', encryption: 'none' },
    ]);
  });

  test('whose handshake never ends is told so, and so is the PBX', async () => {
    const s = new Scenario();
    const { call, leg } = await dtlsCall(s);
    s.media.open[0]?.failKeying(1);
    await s.settle();
    const reason = 'Q.850;cause=88;text="No keys for media"';
    expect((await call.takeBye()).headers.get('Reason')).toBe(reason);
    expect((await leg.takeBye()).headers.get('Reason')).toBe(reason);
    await s.finish();
    expect(s.record.cause).toBe('keying-failed');
  });

  test('may still ring when no handshake has ended: it may not have begun', async () => {
    const s = new Scenario();
    const phone = await s.registered('bob');
    const call = await callFromPbx(s, 'bob');
    const leg = CalleeLeg.take(phone);
    await leg.ring();
    call.take(180);
    s.media.open[0]?.failKeying(2);
    await s.settle();
    expect(s.b2bua.calls()).toMatchObject([{ state: 'ringing' }]);
    await call.cancel();
    await leg.takeCancel();
    await call.takeRefusal(487);
    await s.finish();
  });

  test('is refused with 488 where the workers do not speak DTLS, and nothing is opened', async () => {
    const s = new Scenario({ withoutDtls: true });
    const call = await s.phone('alice').invite('600', { body: dtlsSdp({ ...at, setup: 'actpass', fingerprint }) });
    await call.takeRefusal(488);
    await s.finish();
  });
});

describe('keying of a user or group', () => {
  const grouped = '\n[[group]]\nname = "browsers"\nkeying = ["dtls"]\n';

  /** What the phone of alice is offered when the PBX calls her. */
  async function offered(s: Scenario): Promise<string> {
    const phone = await s.registered('alice');
    const call = await callFromPbx(s, 'alice');
    const leg = CalleeLeg.take(phone);
    const offer = textOf(leg.invite.body);
    await leg.ring();
    call.take(180);
    await call.cancel();
    await leg.takeCancel();
    await call.takeRefusal(487);
    await s.finish();
    return offer;
  }

  test.each([
    ['the network', '', '', /RTP\/SAVP[\s\S]*a=crypto:/],
    ['the user', 'keying = ["dtls"]', '', /UDP\/TLS\/RTP\/SAVP[\s\S]*a=fingerprint:/],
    ['the group of the user', 'group = "browsers"', grouped, /UDP\/TLS\/RTP\/SAVP[\s\S]*a=fingerprint:/],
    ['the user before its group', 'group = "browsers"\nkeying = ["sdes"]', grouped, /RTP\/SAVP[\s\S]*a=crypto:/],
  ])('says what a phone is offered: that of %s', async (_name, alice, more, expected) => {
    const offer = await offered(new Scenario({ alice, more }));
    expect(offer).toMatch(expected);
    expect(offer.includes('a=crypto:')).toBe(expected.source.includes('crypto'));
  });

  test('says what is taken of a phone: one that knows SDES only is refused with 488 where the user has DTLS', async () => {
    const s = new Scenario({ alice: 'keying = ["dtls"]' });
    const call = await s.phone('alice').invite('600', { body: sdp({ ...at, crypto: cryptoLine(1) }) });
    await call.takeRefusal(488);
    await s.finish();
  });
});
