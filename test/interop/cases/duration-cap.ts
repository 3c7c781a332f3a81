// A call with max_call_duration = "3s" ends at 3 s ± 0.5 for both sides, whichever placed it.
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'duration-cap';
export const limitMs = 120_000;

const CAP_MS = 3_000;
const TOLERANCE_MS = 500;

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context, { limits: { max_call_duration: '"3s"' } });
  const alice = await site.phone('alice', 'wonder');
  const carol = await site.pbxPhone('carol');
  await alice.dial(`sip:carol@${DOMAIN}`);
  await Promise.all([expectEnd(context, alice, 'alice', 0), expectEnd(context, carol, 'carol', 0)]);
  await carol.dial(`sip:alice@${DOMAIN}`);
  await Promise.all([expectEnd(context, alice, 'alice', 1), expectEnd(context, carol, 'carol', 1)]);
  await site.close();
}

async function expectEnd({ note }: CaseContext, phone: Baresip, who: string, call: number): Promise<void> {
  const answered = await phone.event('CALL_ESTABLISHED', 10_000, call);
  const ended = await phone.event('CALL_CLOSED', 10_000, call);
  const lasted = ended.at - answered.at;
  check(Math.abs(lasted - CAP_MS) <= TOLERANCE_MS, `the call lasted ${lasted.toFixed(0)} ms for ${who}`);
  note(`call ${call + 1}: ${(lasted / 1_000).toFixed(2)} s for ${who}`);
}
