// The third simultaneous call of a user with concurrent_calls = 2 is refused with 486, and the first two go on to their end.
import { type CaseContext, check } from '../case.ts';
import { pause } from '../peers/talk.ts';
import { Site } from '../site.ts';

export const name = 'concurrency-cap';
export const limitMs = 120_000;

const HOLD_MS = 6_000;

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context, { limits: { concurrent_calls: 2 } });
  const alice = [{ name: 'alice', password: 'wonder' }];
  const two = await site.caller('call-media', alice, { calls: 2, rate: 10, holdMs: HOLD_MS });
  await pause(2_000);
  check((await site.sbc.metric('sbc_calls_active')) === 2, 'two calls are not up');
  const third = await (await site.caller('call', alice, { calls: 1, rate: 1, holdMs: 100 })).result();
  check(third.failed === 1 && third.successful === 0, `the third call got through: ${third.errors}`);
  check(/SIP\/2\.0 486 /.test(third.errors), `the third call was not refused with 486: ${third.errors}`);
  check((await site.sbc.metric('sbc_calls_active')) === 2, 'the refusal harmed the calls that were up');
  const bob = await (
    await site.caller('call', [{ name: 'bob', password: 'builder' }], { calls: 1, rate: 1, holdMs: 100 })
  ).result();
  check(bob.successful === 1, `another user was refused too: ${bob.errors}`);
  const kept = await two.result();
  check(kept.successful === 2 && kept.exitCode === 0, `the first two calls did not end well: ${kept.errors}`);
  const after = await (await site.caller('call', alice, { calls: 2, rate: 10, holdMs: 500 })).result();
  check(after.successful === 2, `the cap was not given back: ${after.errors}`);
  context.note('third call 486, first two whole, another user free, two more afterwards');
  await site.close();
}
