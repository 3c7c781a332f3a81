// SIPp as a phone that subscribes to its messages, through Portcullis and Kamailio, at SIPp as the notifier (RFC 6665, RFC 3842): told
// once, and once more when it wants no more of it.
import { type CaseContext, check } from '../case.ts';
import { agree, ask, grant, hear, hearRequest, scenario, subscribe, takeSubscribe, tell } from '../peers/sipp-steps.ts';
import { Site } from '../site.ts';

export const name = 'sipp-subscriptions';
export const limitMs = 120_000;

const CALLS = 4;
const voicemail = '9201';

const messages = {
  event: 'message-summary',
  type: 'application/simple-message-summary',
  lines: ['Messages-Waiting: yes', 'Message-Account: sip:alice@[local_ip]:5070', 'Voice-Message: 2/8 (0/2)', ''],
};

const notifier = scenario(
  'notify',
  takeSubscribe(['Event: message-summary']),
  grant(600, true),
  tell(1, 'active;expires=600', messages),
  hear(200),
  hearRequest('SUBSCRIBE', { expect: ['Expires: 0'] }),
  grant(0, false),
  tell(2, 'terminated;reason=timeout', messages),
  hear(200),
);

const phone = scenario(
  'subscribe',
  subscribe('message-summary', 600),
  hear(200, { optional: [100], expect: ['Expires: 600'] }),
  hearRequest('NOTIFY', { expect: ['Message-Account: sip:alice@pbx.test'] }),
  agree(),
  ask('SUBSCRIBE', 13, { fields: ['Event: message-summary', 'Expires: 0'] }),
  hear(200, { optional: [100] }),
  hearRequest('NOTIFY', { expect: ['Subscription-State: terminated;reason=timeout'] }),
  agree(),
);

export async function run(context: CaseContext): Promise<void> {
  const site = await Site.open(context, {
    users: { alice: 'wonder' },
    answerers: { [voicemail]: [notifier] },
    key: 'rsa',
    more: '[subscriptions]\nrelay = true\n',
  });
  const options = { calls: CALLS, rate: 10, holdMs: 0, callee: voicemail };
  const result = await (await site.caller(phone, [{ name: 'alice', password: 'wonder' }], options)).result();
  check(result.successful === CALLS && result.failed === 0, `subscriptions: ${result.errors}`);
  check((await site.sbc.metric('sbc_subscriptions_active')) === 0, 'a subscription is left');
  context.note(`${CALLS} subscriptions to waiting messages, told and ended`);
  await site.close();
}
