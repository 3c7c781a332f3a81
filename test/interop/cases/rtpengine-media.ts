// rtpengine as the far end of SRTP: SDES with each suite, and DTLS with us in both roles; each call is made by it and made to
// it, and both ends measure what they hear. Where both ways are one suite, the far end has the tag and key of that suite alone.
import { NgClient } from '../../../bench/relay/ng-client.ts';
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { Lab } from '../peers/lab.ts';
import { PlainEnd } from '../peers/plain-end.ts';
import { RTPENGINE_CONTROL_PORT, startRtpengine } from '../peers/rtpengine.ts';
import type { Describer, SdpPhone } from '../peers/sdp-phone.ts';
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
interface Keys {
  readonly title: string;
  readonly protocol: 'RTP/SAVP' | 'UDP/TLS/RTP/SAVP';
  /** What becomes of SDP on its way from rtpengine, and to it. */
  readonly bend: (sdp: string) => string;
  readonly ours: RegExp;
  readonly flags?: { readonly [key: string]: string };
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
  const describer = new Rtpengine(ng, keys, end, `call-${call}`);
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

/** One call of rtpengine, between a plain end inside and us outside. */
class Rtpengine implements Describer {
  readonly #ng: NgClient;
  readonly #keys: Keys;
  readonly #end: PlainEnd;
  readonly #call: string;
  /** What we said. */
  ours = '';

  constructor(ng: NgClient, keys: Keys, end: PlainEnd, call: string) {
    this.#ng = ng;
    this.#keys = keys;
    this.#end = end;
    this.#call = call;
  }

  async offer(): Promise<string> {
    const offer = await this.#ng.describe('offer', {
      ...this.#to(this.#keys.protocol),
      ...this.#keys.flags,
      sdp: this.#end.sdp,
    });
    return this.#keys.bend(offer);
  }

  async onAnswer(answer: string): Promise<void> {
    this.ours = answer;
    this.#end.playTo(await this.#ng.describe('answer', { ...this.#to('RTP/AVP'), 'to-tag': 'b', sdp: answer }));
  }

  async answerTo(offer: string): Promise<string> {
    this.ours = offer;
    // It begins with the offer as if it were active, whatever it answers then: that ClientHello must harm nobody.
    const inward = {
      ...this.#to('RTP/AVP'),
      ...this.#keys.flags,
      direction: ['outside', 'inside'],
      sdp: this.#keys.bend(offer),
    };
    this.#end.playTo(await this.#ng.describe('offer', inward));
    const outward = { ...this.#to(this.#keys.protocol), ...this.#keys.flags, 'to-tag': 'b', sdp: this.#end.sdp };
    return this.#ng.describe('answer', outward);
  }

  #to(protocol: string) {
    return {
      'call-id': this.#call,
      'from-tag': 'a',
      'transport-protocol': protocol,
      direction: ['inside', 'outside'],
      replace: ['origin'],
      ICE: 'remove',
    };
  }
}

function onlySuite(sdp: string, suite: string): string {
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=crypto:') || line.includes(` ${suite} `))
    .join('\r\n');
}
