// SIPp registers and calls with digest over TLS, SHA-256 offered first and MD5 alone; its SRTP comes back through the echo.
import { type CaseContext, check } from '../case.ts';
import { Site } from '../site.ts';

export const name = 'sipp-digest';
export const limitMs = 150_000;

const CALLS = 20;

export async function run(context: CaseContext): Promise<void> {
  const names = Array.from({ length: 10 }, (_, index) => `user${index}`);
  const users = Object.fromEntries(names.map((user) => [user, `secret-${user}`]));
  const site = await Site.open(context, { users, algorithms: ['SHA-256', 'MD5'], key: 'rsa' });
  const callers = names.map((user) => ({ name: user, password: `secret-${user}` }));
  const times: string[] = [];
  for (const scenario of ['register', 'call'] as const) {
    const caller = await site.caller(scenario, callers, { calls: CALLS, rate: 10, holdMs: 1_000 });
    const result = await caller.result();
    check(result.successful === CALLS && result.failed === 0, `${scenario}: ${result.errors}`);
    const { register = [], answer = [] } = result.responseTimes;
    times.push(`${scenario} ${Math.max(...register, ...answer).toFixed(1)} ms`);
  }
  const media = await (
    await site.caller('call-media', callers, { calls: 4, rate: 4, holdMs: 2_000, connectionPerCall: true })
  ).result();
  check(media.successful === 4 && media.exitCode === 0, `call-media: ${media.errors}`);
  const wrong = await (
    await site.caller('call', [{ name: 'user1', password: 'guess' }], { calls: 1, rate: 1, holdMs: 100 })
  ).result();
  check(wrong.successful === 0, 'a wrong password was accepted');
  context.note(`${CALLS} registrations and ${CALLS} calls, at most: ${times.join(', ')}; 4 calls with media`);
  await site.close();
}
