// Opportunistic SRTP (RFC 8643) with real peers: RTP/AVP that carries a=crypto. baresip offers and takes it (`mediaenc=srtp`), rtpengine
// offers it (OSRTP), and a phone that knows no SRTP has its call in the clear, calling and called; the records say which it was.
import { NgClient } from '../../../bench/relay/ng-client.ts';
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { encryptionOf } from '../peers/call-lines.ts';
import { Lab } from '../peers/lab.ts';
import { PlainEnd } from '../peers/plain-end.ts';
import { RTPENGINE_CONTROL_PORT, startRtpengine } from '../peers/rtpengine.ts';
import { RtpengineEnd } from '../peers/rtpengine-end.ts';
import { expectTone, judgeTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'opportunistic';
export const limitMs = 180_000;

const talkMs = 3_000;
const users = { alice: 'wonder', bob: 'builder', dora: 'explorer' };

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context, { encryption: 'opportunistic', trustsMediaAddresses: true, users });
  const carol = await site.pbxPhone('carol');
  const alice = await site.phone('alice', users.alice, { media: 'srtp' });
  note(`baresip with srtp: ${await bothWays('alice', alice, carol, 0)}`);
  const bob = await site.phone('bob', users.bob, { media: 'plain' });
  note(`baresip without: ${await bothWays('bob', bob, carol, 2)}`);
  note(`rtpengine: ${await withRtpengine(context, site, carol, 4)}`);

  const outside = await encryptionOf(site.sbc, 5);
  const isSrtp = (suite: string): boolean => suite.startsWith('AES_') || suite.startsWith('AEAD_');
  note(`what protected media outside: ${JSON.stringify(outside)}`);
  check(outside.length === 5, `five calls were made: ${JSON.stringify(outside)}`);
  for (const { user, suite } of outside) {
    const isRight = user === 'bob' ? suite === 'none' : isSrtp(suite);
    check(isRight, `${user} spoke under ${suite}`);
  }
  await site.close();
}

async function bothWays(user: string, phone: Baresip, carol: Baresip, before: number): Promise<string> {
  await phone.dial(`sip:carol@${DOMAIN}`);
  await phone.event('CALL_ESTABLISHED');
  await carol.event('CALL_ESTABLISHED', 10_000, before);
  await pause(talkMs);
  await phone.hangup();
  await carol.event('CALL_CLOSED', 10_000, before);
  const calls = `${await expectTone(phone, user)}; ${await expectTone(carol, 'carol', 2, before)}`;
  await carol.dial(`sip:${user}@${DOMAIN}`);
  await phone.event('CALL_ESTABLISHED', 10_000, 1);
  await carol.event('CALL_ESTABLISHED', 10_000, before + 1);
  await pause(talkMs);
  await carol.hangup();
  await phone.event('CALL_CLOSED', 10_000, 1);
  const called = `${await expectTone(phone, user, 2, 1)}; ${await expectTone(carol, 'carol', 2, before + 1)}`;
  return `calls: ${calls}; is called: ${called}`;
}

async function withRtpengine({ lab, defer }: CaseContext, site: Site, carol: Baresip, before: number): Promise<string> {
  const outside = Lab.addressOf('outside');
  const inside = Lab.addressOf('inside');
  const rtpengine = await startRtpengine(lab, {
    host: { name: 'lab', holder: undefined, outside, inside, outside6: '' },
  });
  defer(() => rtpengine.stop());
  const ng = await NgClient.connect(inside, RTPENGINE_CONTROL_PORT);
  defer(() => ng.close());
  const dora = await site.sdpPhone('dora', users.dora, outside);
  const end = await PlainEnd.open(inside);
  defer(() => end.close());
  const terms = { protocol: 'RTP/AVP', bend: withCrypto, flags: { OSRTP: ['offer'] } } as const;
  const describer = new RtpengineEnd(ng, terms, end, 'osrtp');
  const live = await dora.call('carol', describer);
  await carol.event('CALL_ESTABLISHED', 10_000, before);
  await pause(talkMs);
  await live.hangUp();
  await carol.event('CALL_CLOSED', 10_000, before);
  check(/^m=audio \d+ RTP\/AVP /m.test(describer.ours), 'our line is not RTP/AVP');
  check(/^a=crypto:/m.test(describer.ours), 'our line has no a=crypto');
  return `calls: ${judgeTone(end.heard, 'rtpengine')}; ${await expectTone(carol, 'carol', 2, before)}`;
}

/** What it offers must be opportunistic, or the case shows nothing. */
function withCrypto(sdp: string): string {
  check(/^m=audio \d+ RTP\/AVP /m.test(sdp) && /^a=crypto:/m.test(sdp), `rtpengine offers no OSRTP: ${sdp}`);
  return sdp;
}
