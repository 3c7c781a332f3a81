// The notifier's machine (RFC 6665 §4.2): every input in every state, one notification at a time, the last one ends it.
import { describe, expect, test } from 'vitest';
import {
  maxWaitingNotifications,
  Notifier,
  type NotifierInput,
  type NotifierOutput,
} from '../../../../src/sip/dialog/notifier.ts';

type Input = NotifierInput<string>;

const granted: Input = { type: 'granted', seconds: 600 };
const fetched: Input = { type: 'granted', seconds: 0 };
const refused: Input = { type: 'refused', status: 403 };
const notify = (notification: string): Input => ({
  type: 'notify',
  told: { state: { kind: 'active', expires: 600 }, notification },
});
const last: Input = {
  type: 'notify',
  told: { state: { kind: 'terminated', reason: 'noresource', retryAfter: undefined }, notification: 'last' },
};
const answered = (status: number | undefined): Input => ({ type: 'answered', status });
const expired: Input = { type: 'expired' };
const terminate: Input = {
  type: 'terminate',
  state: { kind: 'terminated', reason: 'rejected', retryAfter: undefined },
};
const lost: Input = { type: 'lost' };

function words(outputs: readonly NotifierOutput<string>[]): string {
  return outputs.map(word).join(' ');
}

function word(output: NotifierOutput<string>): string {
  switch (output.type) {
    case 'send': {
      const { state, notification } = output.told;
      return `send:${notification ?? (state.kind === 'terminated' ? state.reason : state.kind)}`;
    }
    case 'outcome':
      return `${output.notification}=${output.status}`;
    case 'start':
      return `+${output.delay / 1_000}`;
    case 'stop':
      return '-';
    case 'expired':
      return 'expired';
    default:
      return `!${output.end}`;
  }
}

const ways = {
  answering: [],
  open: [granted],
  closing: [granted, terminate],
  over: [refused],
} as const;
const wayTo = new Map<string, readonly Input[]>(Object.entries(ways));

const table: readonly (readonly [string, Input, Record<keyof typeof ways, string>])[] = [
  ['granted', granted, { answering: '+632', open: '+632', closing: '', over: '' }],
  ['fetched', fetched, { answering: '-', open: '-', closing: '', over: '' }],
  ['refused', refused, { answering: '- !refused', open: '', closing: '', over: '' }],
  ['notify', notify('a'), { answering: '', open: 'send:a', closing: 'a=481', over: 'a=481' }],
  ['last notify', last, { answering: '', open: '- send:last', closing: 'last=481', over: 'last=481' }],
  ['answered', answered(200), { answering: '', open: '', closing: '- !told', over: '' }],
  ['expired', expired, { answering: '', open: 'expired - send:timeout', closing: '', over: '' }],
  ['terminate', terminate, { answering: '- !refused', open: '- - send:rejected', closing: '', over: '' }],
  ['lost', lost, { answering: '- !lost', open: '- !lost', closing: '- !lost', over: '' }],
];

describe.each(table)('%s', (_title, input, expected) => {
  test.each(Object.entries(expected))('in state %s', (state, said) => {
    const machine = new Notifier<string>({ t1: 500 });
    for (const before of wayTo.get(state) ?? []) machine.handle(before);
    expect(machine.state).toBe(state);
    expect(words(machine.handle(input))).toBe(said);
  });
});

test('nothing is told before the SUBSCRIBE is answered, then one after the other', () => {
  const machine = new Notifier<string>({ t1: 500 });
  expect(words([...machine.handle(notify('a')), ...machine.handle(notify('b'))])).toBe('');
  expect(words(machine.handle(granted))).toBe('+632 send:a');
  expect(words(machine.handle(answered(200)))).toBe('a=200 send:b');
  expect(words(machine.handle(answered(500)))).toBe('b=500');
  expect(machine.state).toBe('open');
});

test.each([481, 408, 489, undefined])('an answer of %s ends it, and what waits is told so', (status) => {
  const machine = new Notifier<string>({ t1: 500 });
  for (const input of [granted, notify('a'), notify('b')]) machine.handle(input);
  expect(words(machine.handle(answered(status)))).toBe(`a=${status} - b=481 !unreachable`);
  expect(machine.state).toBe('over');
});

test('more than a few do not wait', () => {
  const machine = new Notifier<string>({ t1: 500 });
  for (let index = 0; index < maxWaitingNotifications; index += 1) machine.handle(notify(String(index)));
  expect(words(machine.handle(notify('more')))).toBe('more=500');
});

test('the end that its owner wants is told behind the one that is out; others are not news any more', () => {
  const machine = new Notifier<string>({ t1: 500 });
  for (const input of [granted, notify('a'), notify('b')]) machine.handle(input);
  expect(words(machine.handle(terminate))).toBe('- b=481');
  expect(words(machine.handle(answered(200)))).toBe('a=200 - send:rejected');
  expect(words(machine.handle(answered(200)))).toBe('- !told');
});
