// What policy refuses, as a caller sees it on the wire: out of calling hours, beyond a cap of one class of numbers, and a user who was
// locked meanwhile. Each has its status and a Reason (RFC 3326); who is allowed calls on.
import { type CaseContext, check } from '../case.ts';
import {
  acknowledgeRefusal,
  ask,
  hangUp,
  hear,
  hearRequest,
  invite,
  pause,
  respond,
  type Step,
  scenario,
  takeBye,
  takeInvite,
} from '../peers/sipp-steps.ts';
import { Site } from '../site.ts';

export const name = 'policy-refusals';
export const limitMs = 90_000;

/** France, seen from Britain. */
const ABROAD = '+33142685300';
const DAY_MS = 86_400_000;

const answerer = [takeInvite(), respond('200 OK', { body: 'sdp' }), hearRequest('ACK'), takeBye()];

export async function run(context: CaseContext): Promise<void> {
  const answerers = {
    '9301': [scenario('answer-9301', ...answerer)],
    [ABROAD]: [scenario('answer-abroad', ...answerer)],
  };
  const users = { alice: 'wonder', bob: 'builder' };
  const site = await Site.open(context, {
    users,
    answerers,
    key: 'rsa',
    limits: { concurrent_calls: 5 },
    more: policy(),
  });
  const call = async (user: { name: string; password: string }, callee: string, calls: number, ...steps: Step[]) => {
    const text = scenario(`call-${callee}`, invite(), ...steps);
    const result = await (await site.caller(text, [user], { calls, rate: 5, holdMs: 0, callee })).result();
    return { ...result, what: `${user.name} to ${callee}: ${result.errors}` };
  };
  const { alice, bob } = { alice: { name: 'alice', password: 'wonder' }, bob: { name: 'bob', password: 'builder' } };

  const closed = await call(bob, '9301', 1, ...refused(403, 'SIP;cause=403'));
  check(closed.successful === 1, closed.what);
  const open = await call(alice, '9301', 1, ...taken(0));
  check(open.successful === 1, open.what);
  context.note('out of hours: 403 with a Reason; who is not held to them calls');

  const [held, beyond] = await Promise.all([
    call(alice, ABROAD, 1, ...taken(3_000)),
    new Promise((resolve) => setTimeout(resolve, 1_000)).then(() =>
      call(alice, ABROAD, 1, ...refused(486, 'SIP;cause=486')),
    ),
  ]);
  check(held.successful === 1, held.what);
  check(beyond.successful === 1, beyond.what);
  context.note('the second call abroad: 486 with a Reason; the first goes on');

  const made: unknown = JSON.parse(await site.sbc.databaseCommand('user', 'add', 'dora', '--generate', '--json'));
  const password = typeof made === 'object' && made !== null && 'password' in made ? String(made.password) : '';
  const dora = { name: 'dora', password };
  const before = await call(dora, '9301', 1, ...taken(0));
  check(before.successful === 1, before.what);
  await site.sbc.databaseCommand('user', 'lock', 'dora');
  const locked = await call(dora, '9301', 1, ...refused(401));
  check(locked.successful === 1, locked.what);
  context.note('a user who was locked: challenged again and again, as one who is not there');
  await site.close();
}

function taken(holdMs: number): readonly Step[] {
  return [hear(200, { optional: [100, 180] }), ask('ACK', 12), pause(holdMs + 100), hangUp()];
}

function refused(status: number, ...expect: readonly string[]): readonly Step[] {
  return [hear(status, { optional: [100], expect }), acknowledgeRefusal(12)];
}

function policy(): string {
  const today = [0, 1].map((days) => `"${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10)}"`);
  return `
[numbers]
country = "GB"
[[hours]]
name = "office"
zone = "UTC"
open = ["mon-sun 00:00-24:00"]
holidays = [${today.join(', ')}]
[[rule]]
name = "after-hours"
action = "deny"
users = ["bob"]
hours = "office"
when = "closed"
[[limit]]
name = "abroad"
classes = ["international"]
concurrent_calls = 1
`;
}
