// A re-INVITE through a call (RFC 3261 §14, RFC 3264 §8): nothing changes before both sides agree.
import { describe, expect, test } from 'vitest';
import { CallKit, calleeSdp, callerSdp, only, sdp, textOf } from './call-kit.ts';

describe('an exchange', () => {
  test('from the caller asks the callee, and changes media only when that one agrees', () => {
    const kit = new CallKit();
    kit.connected();
    const asked = kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp('sendonly') });
    expect(asked.map(({ type }) => type)).toEqual(['reinvite']);
    expect(textOf(only(asked, 'reinvite').body)).toContain('a=sendonly');
    const done = kit.feed({ type: 'reinvite-answered', leg: 'b1', body: calleeSdp('recvonly') });
    expect(done.map(({ type }) => type)).toEqual([
      'ack',
      'set-remote',
      'set-remote',
      'join',
      'pause-media-timeout',
      'accept-reinvite',
    ]);
    expect(only(done, 'pause-media-timeout').paused).toBe(true);
  });

  test('that is refused changes nothing, and the next one works', () => {
    const kit = new CallKit();
    kit.connected();
    kit.feed({ type: 'reinvited', leg: 'b1', body: calleeSdp('sendonly') });
    const refused = kit.feed({ type: 'reinvite-failed', leg: 'a', failure: { status: 488, cause: 'response' } });
    expect(refused).toEqual([{ type: 'reject-reinvite', leg: 'b1', status: 488 }]);
    const again = kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp() });
    expect(only(again, 'reinvite').leg).toBe('b1');
  });

  test.each([
    [491, 'response', 491],
    [486, 'response', 486],
    [407, 'response', 488],
    [503, 'response', 488],
    [408, 'timeout', 488],
    [503, 'transport', 488],
  ] as const)('refused with %i (%s) is refused with %i', (status, cause, relayed) => {
    const kit = new CallKit();
    kit.connected();
    kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp() });
    const refused = kit.feed({ type: 'reinvite-failed', leg: 'b1', failure: { status, cause } });
    expect(only(refused, 'reject-reinvite').status).toBe(relayed);
  });

  test('with a new line opens ports for it on both sides first', () => {
    const kit = new CallKit();
    kit.connected();
    const text = `${textOf(callerSdp())}m=video 50002 RTP/SAVP 96\r\na=rtpmap:96 VP8/90000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 2).toString('base64')}\r\n`;
    const body = { contentType: 'application/sdp', bytes: Buffer.from(text) };
    const asked = kit.feed({ type: 'reinvited', leg: 'a', body });
    expect(asked.flatMap((output) => (output.type === 'open-media' ? [output.leg] : []))).toEqual(['a', 'b1']);
    expect(kit.open(asked, 'a')).toEqual([]);
    expect(textOf(only(kit.open(asked, 'b1'), 'reinvite').body)).toContain('m=video 200');
  });

  test('that gets no ports for a new line is refused, and the call goes on', () => {
    const kit = new CallKit();
    kit.connected();
    const text = `${textOf(callerSdp())}m=video 50002 RTP/SAVP 96\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 2).toString('base64')}\r\n`;
    const asked = kit.feed({
      type: 'reinvited',
      leg: 'a',
      body: { contentType: 'application/sdp', bytes: Buffer.from(text) },
    });
    kit.open(asked, 'a');
    const refused = kit.feed({ type: 'media-refused', leg: 'b1', detail: 'no-ports' });
    expect(refused).toEqual([{ type: 'reject-reinvite', leg: 'a', status: 488 }]);
    expect(kit.call.state).toBe('connected');
  });

  test('without an offer takes that of the other side, and its answer from the ACK', () => {
    const kit = new CallKit();
    kit.connected();
    const asked = kit.feed({ type: 'reinvited', leg: 'a', body: undefined });
    expect(only(asked, 'reinvite').body).toBeUndefined();
    const offered = kit.feed({ type: 'reinvite-answered', leg: 'b1', body: calleeSdp() });
    expect(offered.map(({ type }) => type)).toEqual(['accept-reinvite']);
    const crypto = /a=crypto:(.*)/.exec(textOf(only(offered, 'accept-reinvite').body))?.[1];
    const tag = crypto?.split(' ')[0];
    const key = `${tag} AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 1).toString('base64')}`;
    const done = kit.feed({ type: 'acked', leg: 'a', body: sdp('198.51.100.1', 50_000, 'sendrecv', key) });
    expect(textOf(only(done, 'ack').body)).toContain('10.0.0.10');
    expect(done.map(({ type }) => type)).toContain('join');
  });

  test('whose late answer cannot be used ends the call: the two sides do not agree any more', () => {
    const kit = new CallKit();
    kit.connected();
    kit.feed({ type: 'reinvited', leg: 'a', body: undefined });
    kit.feed({ type: 'reinvite-answered', leg: 'b1', body: calleeSdp() });
    const outputs = kit.feed({ type: 'acked', leg: 'a', body: undefined });
    expect(outputs.flatMap((output) => (output.type === 'bye' ? [output.leg] : []))).toEqual(['a', 'b1']);
    expect(kit.record().cause).toBe('failed');
  });

  test('whose answer cannot be used ends the call: the other side believes that it is agreed', () => {
    const kit = new CallKit();
    kit.connected();
    kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp() });
    const outputs = kit.feed({ type: 'reinvite-answered', leg: 'b1', body: undefined });
    expect(outputs[0]).toEqual({ type: 'ack', leg: 'b1', body: undefined });
    expect(only(outputs, 'reject-reinvite').status).toBe(488);
    expect(outputs.some(({ type }) => type === 'bye')).toBe(true);
  });

  test('on one leg while another one is open is refused with 491', () => {
    const kit = new CallKit();
    kit.connected();
    kit.feed({ type: 'reinvited', leg: 'a', body: callerSdp() });
    expect(kit.feed({ type: 'reinvited', leg: 'b1', body: calleeSdp() })).toEqual([
      { type: 'reject-reinvite', leg: 'b1', status: 491 },
    ]);
  });
});
