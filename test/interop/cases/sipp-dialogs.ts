// SIPp on both sides of the SBC and Kamailio between, for what dialogs can do: PRACK, UPDATE, session timers, late offer, early
// media, a PBX that forks, and faxes that are refused.
import { type CaseContext, check } from '../case.ts';
import {
  acknowledgeRefusal,
  agree,
  ask,
  faxIsRefused,
  hangUp,
  hear,
  hearOffer,
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

export const name = 'sipp-dialogs';
export const limitMs = 150_000;

const CALLS = 2;

interface Play {
  readonly what: string;
  readonly caller: readonly Step[];
  readonly answerers: readonly (readonly Step[])[];
}

const answered = hear(200, { optional: [100, 180, 183], expect: ['m=audio'] });

/** By the number that is called. */
const plays: Readonly<Record<string, Play>> = {
  '9101': {
    what: 'a callee that requires 100rel, and a caller that knows nothing of it',
    caller: [invite(), hear(183, { optional: [100], expect: ['m=audio'] }), answered, ask('ACK', 12), hangUp()],
    answerers: [
      [
        takeInvite(['Supported:.*100rel']),
        respond('183 Session Progress', { fields: ['Require: 100rel', 'RSeq: 7'], body: 'sdp' }),
        hearRequest('PRACK', { expect: ['RAck: 7 [0-9]+ INVITE'] }),
        agree(),
        respond('200 OK', { body: 'sdp' }),
        hearRequest('ACK'),
        takeBye(),
      ],
    ],
  },
  '9102': {
    what: 'PRACK on both legs, then UPDATE before the answer and after it',
    caller: [
      invite({ fields: ['Require: 100rel', 'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE'] }),
      hear(183, { optional: [100], keep: [['rseq', 'RSeq:']], expect: ['Require: 100rel'] }),
      ask('PRACK', 13, { fields: ['RAck:[$rseq] 12 INVITE'] }),
      hear(200),
      ask('UPDATE', 14, { body: 'sdp' }),
      hear(200, { expect: ['m=audio'] }),
      hear(200),
      ask('ACK', 12),
      ask('UPDATE', 15, { body: 'sdp' }),
      hear(200, { expect: ['m=audio'] }),
      hangUp(),
    ],
    answerers: [
      [
        takeInvite(),
        respond('183 Session Progress', { fields: ['Require: 100rel', 'RSeq: 1'], body: 'sdp' }),
        hearRequest('PRACK'),
        agree(),
        hearRequest('UPDATE', { expect: ['m=audio'] }),
        agree({ body: 'sdp' }),
        pause(300),
        respond('200 OK'),
        hearRequest('ACK'),
        hearRequest('UPDATE', { expect: ['m=audio'] }),
        agree({ body: 'sdp' }),
        takeBye(),
      ],
    ],
  },
  '9103': {
    what: 'a callee that lets us refresh every 5 s',
    caller: [invite(), answered, ask('ACK', 12), pause(12_000), hangUp()],
    answerers: [
      [
        takeInvite(['Session-Expires: 1800']),
        respond('200 OK', { fields: ['Require: timer', 'Session-Expires: 10;refresher=uac'], body: 'sdp' }),
        hearRequest('ACK'),
        ...[1, 2].flatMap(() => [
          hearRequest('UPDATE', { expect: ['Session-Expires: 10;refresher=uac'] }),
          agree({ fields: ['Require: timer', 'Session-Expires: 10;refresher=uac'] }),
        ]),
        takeBye(),
      ],
    ],
  },
  '9104': {
    what: 'a caller whose interval is too short, and that then refreshes itself',
    caller: [
      invite({ fields: ['Supported: timer', 'Session-Expires: 30'] }),
      hear(422, { optional: [100], expect: ['Min-SE: 90'] }),
      acknowledgeRefusal(12),
      invite({ fields: ['Supported: timer', 'Session-Expires: 90;refresher=uac'], sequence: 21 }),
      hear(200, { optional: [100, 180], expect: ['Session-Expires: 90;refresher=uac'] }),
      ask('ACK', 22),
      ask('UPDATE', 23, { fields: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] }),
      hear(200, { expect: ['Session-Expires: 90;refresher=uac'] }),
      hangUp(),
    ],
    answerers: [[takeInvite(), respond('200 OK', { body: 'sdp' }), hearRequest('ACK'), takeBye()]],
  },
  '9105': {
    what: 'a late offer: the callee makes it, the ACK answers',
    caller: [
      invite({ offers: false }),
      hearOffer([100, 180]),
      ask('ACK', 12, { body: 'sdp-answer' }),
      pause(300),
      hangUp(),
    ],
    answerers: [
      [
        takeInvite(),
        respond('180 Ringing'),
        respond('200 OK', { body: 'sdp' }),
        hearRequest('ACK', { expect: ['m=audio'] }),
        takeBye(),
      ],
    ],
  },
  '9107': {
    what: 'a late offer in a reliable 183: the PRACKs answer, and the 200s say nothing more',
    caller: [
      invite({ offers: false, fields: ['Supported: 100rel', 'Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE'] }),
      hearOffer([100], 183),
      ask('PRACK', 13, { fields: ['RAck:[$rseq] 12 INVITE'], body: 'sdp-answer' }),
      hear(200),
      hear(200, { optional: [180] }),
      ask('ACK', 12),
      pause(300),
      hangUp(),
    ],
    answerers: [
      [
        takeInvite(['Supported:.*100rel']),
        respond('183 Session Progress', { fields: ['Require: 100rel', 'RSeq: 3'], body: 'sdp' }),
        hearRequest('PRACK', { expect: ['RAck: 3 [0-9]+ INVITE', 'm=audio'] }),
        agree(),
        pause(300),
        respond('200 OK'),
        hearRequest('ACK'),
        takeBye(),
      ],
    ],
  },
  '9108': {
    what: 'a fax over T.38, asked for by either side in a call: refused, and the call goes on',
    caller: [
      invite(),
      answered,
      ask('ACK', 12),
      ask('INVITE', 13, { body: 'fax' }),
      hear(488, { optional: [100] }),
      acknowledgeRefusal(13),
      pause(1_500),
      hangUp(),
    ],
    answerers: [
      [takeInvite(), respond('200 OK', { body: 'sdp' }), hearRequest('ACK'), pause(700), faxIsRefused(), takeBye()],
    ],
  },
  '9106': {
    what: 'two forks: the one that describes early media loses against the one that answers',
    caller: [
      invite(),
      hear(183, { optional: [100, 180], expect: ['m=audio'] }),
      answered,
      ask('ACK', 12),
      pause(300),
      hangUp(),
    ],
    answerers: [
      [
        takeInvite(),
        respond('183 Session Progress', { body: 'sdp' }),
        hearRequest('CANCEL'),
        agree(),
        respond('487 Request Terminated'),
        hearRequest('ACK'),
      ],
      [
        takeInvite(),
        pause(500),
        respond('180 Ringing'),
        pause(500),
        respond('200 OK', { body: 'sdp' }),
        hearRequest('ACK'),
        takeBye(),
      ],
    ],
  },
};

export async function run(context: CaseContext): Promise<void> {
  const users = { alice: 'wonder' };
  const answerers = Object.entries(plays).map(([number, play]): [string, { readonly xml: string }[]] => [
    number,
    play.answerers.map((steps) => scenario(`answer-${number}`, ...steps)),
  ]);
  const site = await Site.open(context, { users, answerers: Object.fromEntries(answerers), key: 'rsa' });
  for (const [callee, { what, caller }] of Object.entries(plays)) {
    const options = { calls: CALLS, rate: 10, holdMs: 0, callee };
    const text = scenario(`call-${callee}`, ...caller);
    const result = await (await site.caller(text, [{ name: 'alice', password: 'wonder' }], options)).result();
    check(result.successful === CALLS && result.failed === 0, `${what}: ${result.errors}`);
    context.note(`${what}: ${CALLS} calls`);
  }
  await site.close({ lingering: false }); // every transaction ends by itself
}
