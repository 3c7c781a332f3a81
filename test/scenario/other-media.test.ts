// Media that is not audio through a call: video is relayed beside it, line by line; fax over T.38 is refused without harm (RFC 3264 §6).
import { describe, expect, test } from 'vitest';
import { Scenario } from '../support/scenario.ts';
import { type Connected, connect, hangUp, pbxSdp } from '../support/scenario-calls.ts';
import { CalleeLeg } from '../support/scenario-peer.ts';
import type { ScenarioPhone } from '../support/scenario-phone.ts';
import { cryptoLine } from '../support/scenario-sdp.ts';

const fax = ['m=image 30010 udptl t38', 'a=T38FaxVersion:0', 'a=T38FaxRateManagement:transferredTCF', ''].join('\r\n');

const plainVideo = (port = 30_004, direction = 'sendrecv'): string =>
  [`m=video ${port} RTP/AVP 97`, 'a=rtpmap:97 VP8/90000', `a=${direction}`, ''].join('\r\n');

const secureVideo = (tag = '1'): string =>
  ['m=video 50030 RTP/SAVP 97', 'a=rtpmap:97 VP8/90000', `a=crypto:${cryptoLine(77, tag)}`, 'a=sendrecv', ''].join(
    '\r\n',
  );

/** Kind, port and profile of each m-line. */
function linesOf(body: Uint8Array): readonly (readonly [kind: string, port: number, profile: string])[] {
  const lines = Buffer.from(body)
    .toString('latin1')
    .matchAll(/^m=(\S+) (\d+) (\S+)/gm);
  return Array.from(lines, ([, kind = '', port, profile = '']) => [kind, Number(port), profile] as const);
}

/** A call of audio and video; the PBX answers with `answer`. */
async function connectWithVideo(s: Scenario, answer: string, phone: ScenarioPhone = s.phone('alice')) {
  const call = await phone.invite('600', { body: phone.offer() + secureVideo() });
  const leg = CalleeLeg.take(s.pbx);
  const offered = leg.invite.body;
  await leg.answer(answer);
  const answered = (await call.takeAnswer()).body;
  leg.takeAck();
  return { phone, call, leg, offered, answered };
}

const remotesOf = (s: Scenario) => s.media.open[0]?.remotes;

describe('video', () => {
  test('has endpoints and keys of its own on both sides, each joined to its own line of the other', async () => {
    const s = new Scenario();
    const { offered, answered, ...connected } = await connectWithVideo(s, pbxSdp() + plainVideo());
    expect(linesOf(offered)).toEqual([
      ['audio', expect.any(Number), 'RTP/AVP'],
      ['video', expect.any(Number), 'RTP/AVP'],
    ]);
    expect(linesOf(answered).map(([kind, port, profile]) => [kind, port > 0, profile])).toEqual([
      ['audio', true, 'RTP/SAVP'],
      ['video', true, 'RTP/SAVP'],
    ]);
    const [session] = s.media.open;
    const places = [...(session?.endpoints.values() ?? [])];
    expect(new Set(places.map(({ rtpPort }) => rtpPort)).size).toBe(4);
    const video = places.filter(({ rtpPort }) =>
      [...linesOf(offered), ...linesOf(answered)].some(([kind, port]) => kind === 'video' && port === rtpPort),
    );
    const [a, b] = video.map(({ endpoint }) => endpoint);
    expect(session?.partners.get(a ?? 0)).toBe(b);
    const remotes = video.map(({ endpoint }) => session?.remotes.get(endpoint));
    expect(remotes.map((remote) => remote?.rtp.port).toSorted()).toEqual([30_004, 50_030]);
    const toPhone = remotes.find((remote) => remote?.rtp.port === 50_030);
    expect(Buffer.from(toPhone?.receive?.masterKey ?? [])).toEqual(Buffer.alloc(16, 77));
    // No codec of a video says how much may come: what holds for every line does.
    expect(toPhone?.limit).toEqual({ packetsPerSecond: 1_000, bytesPerSecond: 1_000_000 });
    await hangUp(connected);
    await s.finish();
  });

  test('that is held alone goes on beside the audio, which stays as it is', async () => {
    const s = new Scenario();
    const connected = await connectWithVideo(s, pbxSdp() + plainVideo());
    const { phone, call, leg } = connected;
    await leg.send('INVITE', { body: pbxSdp({ version: 2 }) + plainVideo(30_004, 'sendonly') });
    const hold = phone.takeRequest('INVITE');
    const answer = phone.answer(hold.body, { version: 2 }) + secureVideo().replace('sendrecv', 'recvonly');
    await call.respond(hold, 200, { body: answer });
    phone.takeRequest('ACK');
    leg.peer.takeResponse(200, 'INVITE');
    await leg.ack();
    const towards = (port: number) => [...(remotesOf(s)?.values() ?? [])].find(({ rtp }) => rtp.port === port);
    expect(towards(30_004)).toMatchObject({ sending: false, receiving: true });
    expect(towards(30_000)).toMatchObject({ sending: true, receiving: true });
    expect(s.media.open[0]?.isPaused).toBe(false);
    await hangUp(connected);
    await s.finish();
  });

  test('that the PBX refuses is refused to the phone, and its ports go back', async () => {
    const s = new Scenario();
    const { answered, ...connected } = await connectWithVideo(s, `${pbxSdp()}m=video 0 RTP/AVP 97\r\n`);
    expect(linesOf(answered).map(([kind, port]) => [kind, port > 0])).toEqual([
      ['audio', true],
      ['video', false],
    ]);
    expect([...(remotesOf(s)?.values() ?? [])].map(({ rtp }) => rtp.port)).not.toContain(50_030);
    await hangUp(connected);
    await s.finish();
  });
});

describe('fax over T.38', () => {
  async function isUnharmed(s: Scenario, connected: Connected, commands: number | undefined): Promise<void> {
    expect(s.media.open[0]?.remoteCommands).toBe(commands);
    expect(s.media.open[0]?.partners.size).toBe(2);
    await hangUp(connected);
    await s.finish();
    expect(s.record.cause).toBe('caller-hung-up');
  }

  test('in a re-INVITE of the PBX is refused by 488: the phone hears nothing of it, and the call goes on', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    const commands = s.media.open[0]?.remoteCommands;
    const offer = pbxSdp({ version: 2 }).replace(/m=audio[\s\S]*/, fax);
    const reinvite = await connected.leg.send('INVITE', { body: offer });
    await connected.leg.takeReinviteRefusal(reinvite, 488);
    connected.phone.expectNothing();
    await isUnharmed(s, connected, commands);
  });

  test('in a re-INVITE of the phone is refused likewise', async () => {
    const s = new Scenario();
    const connected = await connect(s);
    const { call, leg, phone } = connected;
    const commands = s.media.open[0]?.remoteCommands;
    const reinvite = await call.send('INVITE', { body: phone.offer({ version: 2 }).replace(/m=audio[\s\S]*/, fax) });
    await call.takeReinviteRefusal(reinvite, 488);
    leg.peer.expectNothing();
    await isUnharmed(s, connected, commands);
  });

  test('beside audio is refused by port 0, and the audio is agreed', async () => {
    const s = new Scenario();
    const phone = s.phone('alice');
    const call = await phone.invite('600', { body: phone.offer() + fax });
    const leg = CalleeLeg.take(s.pbx);
    expect(linesOf(leg.invite.body).map(([kind, port]) => [kind, port > 0])).toEqual([
      ['audio', true],
      ['image', false],
    ]);
    await leg.answer(`${pbxSdp()}m=image 0 udptl t38\r\n`);
    const answered = (await call.takeAnswer()).body;
    leg.takeAck();
    expect(linesOf(answered).map(([kind, port]) => [kind, port > 0])).toEqual([
      ['audio', true],
      ['image', false],
    ]);
    await hangUp({ call, leg });
    await s.finish();
  });
});
