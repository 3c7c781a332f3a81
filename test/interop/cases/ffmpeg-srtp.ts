// ffmpeg, whose SRTP shares nothing with ours or with libsrtp, encrypts what a phone says and decrypts what it hears: with both of
// the suites that it has, calling and called.
import type { CaseContext } from '../case.ts';
import { FfmpegEnd, type FfmpegSuite } from '../peers/ffmpeg-srtp.ts';
import { Lab } from '../peers/lab.ts';
import { expectTone, judgeTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'ffmpeg-srtp';
export const limitMs = 120_000;

const suites: readonly FfmpegSuite[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'];

export async function run(context: CaseContext): Promise<void> {
  const { lab, note } = context;
  const site = await Site.open(context, { suites, trustsMediaAddresses: true });
  const alice = await site.sdpPhone('alice', 'wonder', Lab.addressOf('outside'));
  const carol = await site.pbxPhone('carol');
  let calls = 0;
  for (const suite of suites) {
    for (const who of ['calls', 'is called'] as const) {
      const ffmpeg = await FfmpegEnd.open(lab, suite, calls);
      const answering = who === 'calls' ? alice.call('carol', ffmpeg) : alice.answer(ffmpeg);
      if (who === 'is called') await carol.dial(`sip:alice@${DOMAIN}`);
      const call = await answering;
      await carol.event('CALL_ESTABLISHED', 10_000, calls);
      await pause(5_000);
      const heard = judgeTone(await ffmpeg.finish(), 'ffmpeg');
      await call.hangUp();
      await carol.event('CALL_CLOSED', 10_000, calls);
      note(`${suite}, ${who}: ${heard}; ${await expectTone(carol, 'carol', 2, calls)}`);
      calls += 1;
    }
  }
  await site.close();
}
