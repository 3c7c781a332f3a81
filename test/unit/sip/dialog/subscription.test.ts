// The subscriber's machine (RFC 6665 §4.1.2): every input in every state.
import { describe, expect, test } from 'vitest';
import {
  endsUsage,
  Subscriber,
  type SubscriberInput,
  type SubscriberOutput,
} from '../../../../src/sip/dialog/subscription.ts';

const subscribing: SubscriberInput = { type: 'subscribing', seconds: 600 };
const accepted: SubscriberInput = { type: 'accepted', seconds: 600, isSilent: false };
const silentAccepted: SubscriberInput = { type: 'accepted', seconds: 600, isSilent: true };
const ended: SubscriberInput = { type: 'accepted', seconds: 0, isSilent: false };
const pending: SubscriberInput = { type: 'notified', state: { kind: 'pending', expires: undefined } };
const active: SubscriberInput = { type: 'notified', state: { kind: 'active', expires: 300 } };
const terminated: SubscriberInput = {
  type: 'notified',
  state: { kind: 'terminated', reason: 'noresource', retryAfter: undefined },
};
const refused = (status: number): SubscriberInput => ({ type: 'refused', status });
const unanswered: SubscriberInput = { type: 'unanswered' };
const timerN: SubscriberInput = { type: 'timer', timer: 'N' };
const expiry: SubscriberInput = { type: 'timer', timer: 'expiry' };

/** In one word each: `N+` starts, `N-` stops, `!silent` ends. */
function words(outputs: readonly SubscriberOutput[]): string {
  return outputs
    .map((output) => {
      if (output.type === 'ended') return `!${output.end}`;
      return output.type === 'start' ? `${output.timer}+${output.delay / 1_000}` : `${output.timer}-`;
    })
    .join(' ');
}

const ways = {
  idle: [],
  'notify-wait': [subscribing],
  pending: [subscribing, pending],
  active: [subscribing, accepted, active],
  terminated: [subscribing, timerN],
} as const;
const wayTo = new Map<string, readonly SubscriberInput[]>(Object.entries(ways));

const over = 'N- expiry- ';
const table: readonly (readonly [string, SubscriberInput, Record<keyof typeof ways, string>])[] = [
  [
    'SUBSCRIBE goes out',
    subscribing,
    { idle: 'N+32', 'notify-wait': 'N+32', pending: 'N+32', active: 'N+32', terminated: '' },
  ],
  [
    '2xx',
    accepted,
    { idle: 'expiry+632', 'notify-wait': 'expiry+632', pending: 'expiry+632', active: 'expiry+632', terminated: '' },
  ],
  ['2xx of the end', ended, { idle: '', 'notify-wait': '', pending: '', active: '', terminated: '' }],
  [
    '204',
    silentAccepted,
    {
      idle: 'N- expiry+632',
      'notify-wait': 'N- expiry+632',
      pending: 'N- expiry+632',
      active: 'N- expiry+632',
      terminated: '',
    },
  ],
  [
    '481',
    refused(481),
    {
      idle: `${over}!refused`,
      'notify-wait': `${over}!refused`,
      pending: `${over}!refused`,
      active: `${over}!refused`,
      terminated: '',
    },
  ],
  [
    '500',
    refused(500),
    { idle: `${over}!refused`, 'notify-wait': `${over}!refused`, pending: 'N-', active: 'N-', terminated: '' },
  ],
  [
    'no answer',
    unanswered,
    { idle: `${over}!silent`, 'notify-wait': `${over}!silent`, pending: 'N-', active: 'N-', terminated: '' },
  ],
  ['NOTIFY pending', pending, { idle: 'N-', 'notify-wait': 'N-', pending: 'N-', active: 'N-', terminated: '' }],
  [
    'NOTIFY active',
    active,
    {
      idle: 'N- expiry+332',
      'notify-wait': 'N- expiry+332',
      pending: 'N- expiry+332',
      active: 'N- expiry+332',
      terminated: '',
    },
  ],
  [
    'NOTIFY terminated',
    terminated,
    {
      idle: `${over}!notified`,
      'notify-wait': `${over}!notified`,
      pending: `${over}!notified`,
      active: `${over}!notified`,
      terminated: '',
    },
  ],
  [
    'timer N',
    timerN,
    {
      idle: `${over}!silent`,
      'notify-wait': `${over}!silent`,
      pending: `${over}!silent`,
      active: `${over}!silent`,
      terminated: '',
    },
  ],
  [
    'expiry',
    expiry,
    {
      idle: `${over}!expired`,
      'notify-wait': `${over}!expired`,
      pending: `${over}!expired`,
      active: `${over}!expired`,
      terminated: '',
    },
  ],
];

describe.each(table)('%s', (_title, input, expected) => {
  test.each(Object.entries(expected))('in state %s', (state, said) => {
    const machine = new Subscriber({ t1: 500 });
    for (const before of wayTo.get(state) ?? []) machine.handle(before);
    expect(machine.state).toBe(state);
    expect(words(machine.handle(input))).toBe(said);
  });
});

test('a NOTIFY before the 2xx makes the subscription, and the 2xx keeps it', () => {
  const machine = new Subscriber({ t1: 500 });
  machine.handle(subscribing);
  machine.handle(active);
  expect(words(machine.handle(accepted))).toBe('expiry+632');
  expect(machine.state).toBe('active');
});

test('a 204 of the last SUBSCRIBE is its end: nothing else will come (RFC 5839)', () => {
  const machine = new Subscriber({ t1: 500 });
  machine.handle(subscribing);
  expect(words(machine.handle({ type: 'accepted', seconds: 0, isSilent: true }))).toBe(`${over}!expired`);
});

test('only what says that there is no such subscription ends it (RFC 5057 §5.1)', () => {
  expect([400, 403, 404, 408, 423, 480, 481, 486, 489, 491, 500, 501, 503, 603, 604].filter(endsUsage)).toEqual([
    404, 480, 481, 489, 501, 604,
  ]);
});
