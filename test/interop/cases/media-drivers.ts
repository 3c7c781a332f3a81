// Media flows through each of the three packet drivers: what SIPp sends as SRTP comes back from the PBX's echo as it was.
import { type CaseContext, check } from '../case.ts';
import { Site } from '../site.ts';

export const name = 'media-drivers';
export const limitMs = 150_000;

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context, { driver: 'dgram' });
  const users = [
    { name: 'alice', password: 'wonder' },
    { name: 'bob', password: 'builder' },
  ];
  for (const driver of ['dgram', 'epoll', 'io_uring'] as const) {
    if (driver !== 'dgram') await site.restart({ driver });
    const caller = await site.caller('call-media', users, { calls: 2, rate: 4, holdMs: 2_000 });
    const result = await caller.result();
    check(result.successful === 2, `${driver}: ${result.successful} of 2 calls: ${result.errors}`);
    check(result.exitCode === 0, `${driver}: the media did not come back: ${result.errors}`);
    context.note(`${driver}: media there and back`);
  }
  await site.close();
}
