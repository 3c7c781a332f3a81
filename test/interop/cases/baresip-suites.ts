// A phone with each SDES suite that baresip has. It takes AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80 and _32 when it is
// called, and offers AES_CM_128_HMAC_SHA1_80 alone; AES_256_CM is not among what it knows by SDES (rtpengine-media shows that).
import { type CaseContext, check } from '../case.ts';
import { encryptionOf } from '../peers/call-lines.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'baresip-suites';
export const limitMs = 180_000;

const offered = 'AES_CM_128_HMAC_SHA1_80';
const suites = ['AEAD_AES_256_GCM', 'AEAD_AES_128_GCM', 'AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'];

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const users = Object.fromEntries(suites.map((_, index) => [`phone${index}`, `secret-${index}`]));
  const site = await Site.open(context, { users, suites });
  const carol = await site.pbxPhone('carol');
  let before = 0;
  for (const [index, suite] of suites.entries()) {
    await site.restart({ suites: [suite] });
    const user = `phone${index}`;
    const phone = await site.phone(user, `secret-${index}`);
    let seen = 0;
    if (suite === offered) {
      await phone.dial(`sip:carol@${DOMAIN}`);
      await phone.event('CALL_ESTABLISHED');
      await carol.event('CALL_ESTABLISHED', 10_000, before);
      await pause(2_800);
      await phone.hangup();
      await carol.event('CALL_CLOSED', 10_000, before);
      note(`${suite}, calls: ${await expectTone(phone, user)}; ${await expectTone(carol, 'carol', 2, before)}`);
      before += 1;
      seen += 1;
    }
    await carol.dial(`sip:${user}@${DOMAIN}`);
    await phone.event('CALL_ESTABLISHED', 10_000, seen);
    await carol.event('CALL_ESTABLISHED', 10_000, before);
    await pause(2_800);
    await carol.hangup();
    await phone.event('CALL_CLOSED', 10_000, seen);
    const heard = `${await expectTone(phone, user, 2, seen)}; ${await expectTone(carol, 'carol', 2, before)}`;
    note(`${suite}, is called: ${heard}`);
    before += 1;
    const used = (await encryptionOf(site.sbc, before)).filter((call) => call.user === user);
    check(
      used.length === seen + 1 && used.every((call) => call.suite === suite),
      `expected ${suite}: ${JSON.stringify(used)}`,
    );
    await phone.stop();
  }
  await site.close();
}
