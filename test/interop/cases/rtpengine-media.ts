// rtpengine as the far end of SRTP: SDES with each suite, and DTLS with us in both roles; each call is made by it and made to
// it, and both ends measure what they hear. Where both ways are one suite, the far end has the tag and key of that suite alone.
import { NgClient } from '../../../bench/relay/ng-client.ts';
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { Lab } from '../peers/lab.ts';
import { PlainEnd } from '../peers/plain-end.ts';
import { RTPENGINE_CONTROL_PORT, startRtpengine } from '../peers/rtpengine.ts';
import { RtpengineEnd, type RtpengineTerms } from '../peers/rtpengine-end.ts';
import type { SdpPhone } from '../peers/sdp-phone.ts';
import { expectTone, judgeTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'rtpengine-media';
export const limitMs = 240_000;

/** The first four are what we take by ourselves. */
const suites = [
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_256_CM_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_32',
  'AES_CM_128_HMAC_SHA1_32',
];
const talkMs = 2_800;

/** `setup` is what our SDP must say in the call that the far end makes, and in the one that it answers. */
interface Keys extends RtpengineTerms {
  readonly title: string;
  readonly ours: RegExp;
}

const variants: readonly Keys[] = [
  ...suites.map(
    (suite): Keys => ({
      title: suite,
      protocol: 'RTP/SAVP',
      bend: (sdp) => onlySuite(sdp, suite),
      ours: new RegExp(`^a=crypto:\\d+ ${suite} `, 'm'),
    }),
  ),
  {
    title: 'DTLS, we are active',
    protocol: 'UDP/TLS/RTP/SAVP',
    bend: (sdp) => sdp,
    ours: /^a=setup:(active|actpass)/m,
    flags: { DTLS: 'passive' },
  },
  {
    title: 'DTLS, we are passive',
    protocol: 'UDP/TLS/RTP/SAVP',
    bend: (sdp) => sdp.replace('a=setup:actpass', 'a=setup:active'),
    ours: /^a=setup:(passive|actpass)/m,
    flags: { DTLS: 'active' },
  },
];

export async function run(context: CaseContext): Promise<void> {
  const { lab, defer, note } = context;
  const site = await Site.open(context, { suites, trustsMediaAddresses: true, userKeying: { bob: ['dtls'] } });
  const far = {
    name: 'lab',
    holder: undefined,
    outside: Lab.addressOf('outside'),
    inside: Lab.addressOf('inside'),
    outside6: '',
  };
  const rtpengine = await startRtpengine(lab, { host: far });
  defer(() => rtpengine.stop());
  const ng = await NgClient.connect(far.inside, RTPENGINE_CONTROL_PORT);
  defer(() => ng.close());
  const alice = await site.sdpPhone('alice', 'wonder', far.outside);
  const bob = await site.sdpPhone('bob', 'builder', far.outside);
  const carol = await site.pbxPhone('carol');
  for (const [index, keys] of variants.entries()) {
    const phone = keys.protocol === 'RTP/SAVP' ? { user: 'alice', phone: alice } : { user: 'bob', phone: bob };
    note(`${keys.title}, calls: ${await converse(ng, keys, index * 2, far.inside, phone, carol)}`);
    note(`${keys.title}, is called: ${await converse(ng, keys, index * 2 + 1, far.inside, phone, carol)}`);
  }
  await site.close();
}

/** Even calls are made by the far end, odd ones to it. */
async function converse(
  ng: NgClient,
  keys: Keys,
  call: number,
  inside: string,
  { user, phone }: { readonly user: string; readonly phone: SdpPhone },
  carol: Baresip,
): Promise<string> {
  const end = await PlainEnd.open(inside);
  const describer = new RtpengineEnd(ng, keys, end, `call-${call}`);
  try {
    const isCaller = call % 2 === 0;
    const answering = isCaller ? phone.call('carol', describer) : phone.answer(describer);
    if (!isCaller) await carol.dial(`sip:${user}@${DOMAIN}`);
    const live = await answering;
    await carol.event('CALL_ESTABLISHED', 10_000, call);
    await pause(talkMs);
    await live.hangUp();
    await carol.event('CALL_CLOSED', 10_000, call);
    check(
      keys.ours.test(describer.ours),
      `our SDP has other keys: ${describer.ours.replace(/inline:\S+/g, 'inline:…')}`,
    );
    return `${judgeTone(end.heard, 'rtpengine')}; ${await expectTone(carol, 'carol', 2, call)}`;
  } finally {
    end.close();
  }
}

function onlySuite(sdp: string, suite: string): string {
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=crypto:') || line.includes(` ${suite} `))
    .join('\r\n');
}
