// registrations = "forward" before a Kamailio as PBX: it knows one registration for each user, is told again after it forgot all of them,
// and calls reach the phones by what it was told (RFC 3261 §10); a phone whose connection dies is signed off.
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { eventually } from '../peers/peer-process.ts';
import { expectTone, pause } from '../peers/talk.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'registration-forward';
export const limitMs = 120_000;

/** A PBX is asked every 30 s what it holds. */
const REPEATED_WITHIN_MS = 45_000;

export async function run(context: CaseContext): Promise<void> {
  const { note } = context;
  const site = await Site.open(context, { registrations: 'forward' });
  const alice = await site.phone('alice', 'wonder');
  const told = await register(site, 0, '3600');
  check(/<sip:pc-[0-9a-f]+@/.test(told), `the PBX was told ${told}, which is no token`);
  const dave = await site.pbxPhone('dave');
  await call(dave, alice, 0);
  note(`registered with the PBX as ${told}, and called by it`);

  const before = registers(site).length;
  const stopped = performance.now();
  await site.restartPbx();
  const again = await register(site, before, '3600', REPEATED_WITHIN_MS);
  check(again === told, `the PBX was told ${again} after its restart, and ${told} before`);
  note(`told again ${((performance.now() - stopped) / 1_000).toFixed(0)} s after the PBX went`);
  await call(await site.pbxPhone('erin'), alice, 1);

  await alice.process.stop('SIGKILL');
  await register(site, before, '0', 5_000);
  const frank = await site.pbxPhone('frank');
  await frank.dial(`sip:alice@${DOMAIN}`);
  const { detail } = await frank.event('CALL_CLOSED');
  check(detail.includes('404'), `a call to a phone that is gone ended with ${detail}, not with 404`);
  note('signed off when its connection died: the PBX answers 404');
  await site.close();
}

async function call(caller: Baresip, callee: Baresip, turn: number): Promise<void> {
  await caller.dial(`sip:alice@${DOMAIN}`);
  await callee.event('CALL_ESTABLISHED', 10_000, turn);
  await pause(3_000);
  await caller.hangup();
  await callee.event('CALL_CLOSED', 10_000, turn);
  await expectTone(callee, 'the phone outside', 2, turn);
}

/** The Contact of the first REGISTER for alice after so many that asks for so long. */
function register(site: Site, after: number, expires: string, limitMs = 5_000): Promise<string> {
  return eventually(`the PBX to be told of alice for ${expires} s`, limitMs, () => {
    return registers(site)
      .slice(after)
      .find((one) => one.expires === expires)?.contact;
  });
}

/** Those with a Contact: the others only ask. */
function registers(site: Site): readonly { readonly contact: string; readonly expires: string }[] {
  return Array.from(site.pbxLog().matchAll(/register alice contact (<[^>]+>)\S* expires (\d+)/g), (found) => {
    const [, contact = '', expires = ''] = found;
    return { contact, expires };
  });
}
