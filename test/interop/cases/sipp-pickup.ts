// Call pickup with SIPp on both sides of the SBC and Kamailio between: the PBX puts another dialog of its own in the place of one that
// rings there (RFC 3891 §3, §7.3), and names one that does not.
import { type CaseContext, check } from '../case.ts';
import {
  agreeToCancel,
  ask,
  hangUp,
  hear,
  hearRequest,
  invite,
  pause,
  pickUp,
  respond,
  type Step,
  scenario,
  takeBye,
  takeInvite,
} from '../peers/sipp-steps.ts';
import { Site } from '../site.ts';

export const name = 'sipp-pickup';
export const limitMs = 90_000;

const CALLS = 4;

const rings: readonly Step[] = [takeInvite(), respond('180 Ringing'), pause(200)];

/** What the PBX does about each number that it is called by. */
const answerers: Readonly<Record<string, readonly Step[]>> = {
  '9201': [
    ...rings,
    pickUp({ whom: 'alice', dialog: '1' }),
    // The 200 is right behind it, and SIPp gives up on what it gets while it sends.
    hearRequest('CANCEL', { provisional: [100], keep: [['cancelled', 'CSeq:']] }),
    hear(200, { expect: ['m=audio'] }),
    pickUp({ whom: 'alice', method: 'ACK' }),
    agreeToCancel('cancelled'),
    respond('487 Request Terminated'),
    hearRequest('ACK'),
    takeBye(),
  ],
  '9202': [
    ...rings,
    pickUp({ whom: 'alice', dialog: 'another' }),
    hear(481, { optional: [100] }),
    pickUp({ whom: 'alice', method: 'ACK', refused: true }),
    respond('200 OK', { body: 'sdp' }),
    hearRequest('ACK'),
    takeBye(),
  ],
};

const plays: Readonly<Record<string, string>> = {
  '9201': 'a call that rings is answered by another dialog of the PBX, and what rang is cancelled',
  '9202': 'a Replaces that names no dialog is 481, and what rings is answered as ever',
};

const caller: readonly Step[] = [
  invite(),
  hear(200, { optional: [100, 180], expect: ['m=audio'] }),
  ask('ACK', 12),
  pause(300),
  hangUp(),
];

export async function run(context: CaseContext): Promise<void> {
  const texts = Object.entries(answerers).map(
    ([number, steps]) => [number, [{ ...scenario(`answer-${number}`, ...steps), hasPrefixes: true }]] as const,
  );
  const site = await Site.open(context, {
    users: { alice: 'wonder' },
    answerers: Object.fromEntries(texts),
    key: 'rsa',
    limits: { concurrent_calls: CALLS },
    more: '[transfers]\nrefer = "handle"\n',
  });
  for (const [callee, what] of Object.entries(plays)) {
    const options = { calls: CALLS, rate: 10, holdMs: 0, callee };
    const text = scenario(`call-${callee}`, ...caller);
    const result = await (await site.caller(text, [{ name: 'alice', password: 'wonder' }], options)).result();
    check(result.successful === CALLS && result.failed === 0, `${what}: ${result.errors}`);
    context.note(`${what}: ${CALLS} calls`);
  }
  await site.close();
}
