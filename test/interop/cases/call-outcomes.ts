// Calls that are not answered: the PBX's refusal reaches the phone as it was, and a caller who hangs up while it rings
// cancels the call on both sides.
import { type CaseContext, check } from '../case.ts';
import type { Baresip } from '../peers/baresip.ts';
import { DOMAIN, Site } from '../site.ts';

export const name = 'call-outcomes';
export const limitMs = 120_000;

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context);
  const alice = await site.phone('alice', 'wonder');
  const outcomes: string[] = [];
  for (const [number, status] of Object.entries({ busy: '486', reject: '603', nobody: '404' })) {
    await alice.dial(`sip:${number}@${DOMAIN}`);
    const { detail } = await alice.event('CALL_CLOSED', 10_000, outcomes.length);
    check(detail.includes(status), `${number}: expected ${status}, the phone was told "${detail}"`);
    outcomes.push(`${number} ${detail}`);
  }
  const carol = await site.pbxPhone('carol', { answer: 'manual' });
  await cancel(alice, carol, outcomes.length, 0);
  await cancel(carol, await site.phone('bob', 'builder', { answer: 'manual' }), 1, 0);
  context.note(`${outcomes.join(', ')}; cancelled while ringing from either side`);
  await site.close();
}

async function cancel(caller: Baresip, callee: Baresip, closedBefore: number, incoming: number): Promise<void> {
  await caller.dial(`sip:${callee.user}@${DOMAIN}`);
  await callee.event('CALL_INCOMING', 10_000, incoming);
  await caller.event('CALL_RINGING');
  await caller.hangup();
  await callee.event('CALL_CLOSED', 10_000, incoming);
  await caller.event('CALL_CLOSED', 10_000, closedBefore);
  check(!callee.control.events.some(({ type }) => type === 'CALL_ESTABLISHED'), 'a cancelled call was established');
}
