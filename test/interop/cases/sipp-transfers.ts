// SIPp on both sides of the SBC and Kamailio between: REFER to another number (RFC 3515), REFER with Replaces to another call of the
// referrer (RFC 3891), and a PBX that redirects (RFC 3261 §8.1.3.4), followed where a rule allows where it leads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CaseContext, check } from '../case.ts';
import {
  acknowledgeRefusal,
  agree,
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
import { DOMAIN, Site } from '../site.ts';

export const name = 'sipp-transfers';
export const limitMs = 90_000;

/** Of every call: what ends the calls that nobody hangs up. */
const LONGEST_S = 4;

const answered = hear(200, { optional: [100, 180], expect: ['m=audio'] });
/**
 * SIPp answers the NOTIFYs by itself, wherever it stands (`-aa`): the BYE may come before the last of them or right behind it, in the
 * same record, before SIPp has come to its answer. What they told is read in its log.
 */
const transferred: readonly Step[] = [hear(202), takeBye()];
const answer: readonly Step[] = [takeInvite(), respond('200 OK', { body: 'sdp' }), hearRequest('ACK')];
/** A re-INVITE that it answers with a description of its own. */
const reinvited: readonly Step[] = [hearRequest('INVITE'), agree({ body: 'sdp' }), hearRequest('ACK')];

/** What the PBX does about each number that it is called by. */
const answerers: Readonly<Record<string, readonly Step[]>> = {
  '9201': [...answer, ...reinvited, takeBye()],
  '9202': [...answer, takeBye()],
  '9203': [...answer, ...reinvited, takeBye()],
  '9204': redirect('9205'),
  '9205': [...answer, takeBye()],
  '9206': redirect('9207'),
};

function redirect(number: string): readonly Step[] {
  return [takeInvite(), respond('302 Moved Temporarily', { elsewhere: `sip:${number}@${DOMAIN}` }), hearRequest('ACK')];
}

/** Two calls of one phone to the same number: the first is kept in mind, and the second one refers its other half to it. */
const attended: readonly Step[] = [
  '<Global variables="call,tag,mine"/>',
  invite(),
  hear(200, { optional: [100, 180], keep: [['to', 'To:']] }),
  ask('ACK', 12),
  '<nop test="call" next="1"/>',
  keep('call', '[call_id]'),
  keep('mine', 'i[pid]-[call_number]'),
  '<nop><action><ereg regexp="tag=(.*)" search_in="var" variable="to" check_it="true" assign_to="whole,tag"/><log message="[$whole]"/></action></nop>',
  takeBye(),
  '<nop next="2"/>',
  '<label id="1"/>',
  ask('REFER', 13, {
    fields: [
      `Refer-To: <sip:9203@${DOMAIN}?Replaces=[$call]%3Bto-tag%3D[$tag]%3Bfrom-tag%3D[$mine]>`,
      'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
    ],
  }),
  ...transferred,
  '<label id="2"/>',
];

interface Play {
  readonly what: string;
  readonly caller: readonly Step[];
  readonly calls?: number;
  /** How often the caller is told by NOTIFY that it went well. */
  readonly told?: number;
}

/** By the number that is called. */
const plays: Readonly<Record<string, Play>> = {
  '9201': {
    what: 'a REFER: the callee goes on with another one of the PBX',
    told: 1,
    caller: [
      invite(),
      answered,
      ask('ACK', 12),
      pause(300),
      ask('REFER', 13, {
        fields: [
          `Refer-To: <sip:9202@${DOMAIN}>`,
          'Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>',
        ],
      }),
      ...transferred,
    ],
  },
  '9203': {
    what: 'a REFER with Replaces: two calls of a phone become one without it',
    caller: attended,
    calls: 2,
    told: 1,
  },
  '9204': {
    what: 'a redirect of the PBX is followed',
    caller: [invite(), answered, ask('ACK', 12), pause(300), hangUp()],
  },
  '9206': {
    what: 'a redirect of the PBX to a number that a rule denies is 480',
    caller: [invite(), hear(480, { optional: [100] }), acknowledgeRefusal(12)],
  },
};

export async function run(context: CaseContext): Promise<void> {
  const users = { alice: 'wonder' };
  const texts = Object.entries(answerers).map(
    ([number, steps]) => [number, [scenario(`answer-${number}`, ...steps)]] as const,
  );
  const site = await Site.open(context, {
    users,
    answerers: Object.fromEntries(texts),
    key: 'rsa',
    limits: { concurrent_calls: 3, max_call_duration: `"${LONGEST_S}s"` },
    routes: '[[route]]\nfrom = "pbx"\nto = "920?"\nvia = "pbx:main"\n',
    more: '[transfers]\nrefer = "handle"\n[redirects]\nlimit = 2\n[[rule]]\nname = "no"\naction = "deny"\nto = ["9207"]\n',
  });
  for (const [callee, { what, caller, calls = 1, told = 0 }] of Object.entries(plays)) {
    const log = join(context.lab.directory('messages'), callee);
    const extra = ['-cid_str', 'c%u-%p', '-aa', '-trace_msg', '-message_file', log];
    const options = { calls, rate: 2, holdMs: 0, callee, extra };
    const text = scenario(`call-${callee}`, ...caller);
    const result = await (await site.caller(text, [{ name: 'alice', password: 'wonder' }], options)).result();
    check(result.successful === calls && result.failed === 0, `${what}: ${result.errors}`);
    const notified = notifiedIn(readFileSync(log, 'utf8'));
    const expected = Array.from({ length: told }, () => ['100', '200']).flat();
    check(notified.join() === expected.join(), `${what}: told ${notified.join() || 'nothing'}`);
    context.note(`${what}: ${calls} calls`);
  }
  await site.close();
}

/** The status that each NOTIFY of a message log of SIPp told, in order. */
function notifiedIn(log: string): readonly string[] {
  return log
    .split('message received')
    .filter((message) => message.includes('\nNOTIFY sip:'))
    .map((message) => /\r?\n\r?\nSIP\/2\.0 (\d{3})/.exec(message)?.[1] ?? 'something else');
}

function keep(variable: string, value: string): Step {
  return `<nop><action><assignstr assign_to="${variable}" value="${value}"/></action></nop>`;
}
