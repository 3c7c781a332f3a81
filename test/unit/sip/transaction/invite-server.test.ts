import { describe, expect, test } from 'vitest';
import { InviteServerTransaction } from '../../../../src/sip/transaction/invite-server.ts';
import { defaultSipTimers, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import type { ServerInput } from '../../../../src/sip/transaction/transaction-machine.ts';
import { ackTo, request, response } from '../../../support/sip-messages.ts';
import { describeOutputs, error, testTable, timerInputs } from './machine-table.ts';

const invite = request('INVITE');
const received: ServerInput = { type: 'request', request: invite };
const ack: ServerInput = { type: 'request', request: ackTo(invite, response(invite, 486)) };
const respond = (status: number): ServerInput => ({ type: 'respond', response: response(invite, status) });
const timer = (name: TimerName): ServerInput => ({ type: 'timer', timer: name });

const inputs: Readonly<Record<string, ServerInput>> = {
  INVITE: received,
  ACK: ack,
  'respond 100': respond(100),
  'respond 183': respond(183),
  'respond 200': respond(200),
  'respond 299': respond(299),
  'respond 300': respond(300),
  'respond 699': respond(699),
  ...timerInputs(),
  'transport error': { type: 'transport-error', error },
};

function having(isReliable: boolean, ...before: readonly ServerInput[]): () => InviteServerTransaction {
  return () => {
    const machine = new InviteServerTransaction(invite, isReliable, defaultSipTimers);
    for (const input of [received, ...before]) machine.handle(input);
    return machine;
  };
}

test('the INVITE goes to the user, and 100 is due in 200 ms (RFC 3261 §17.2.1)', () => {
  const machine = new InviteServerTransaction(invite, false, defaultSipTimers);
  expect(describeOutputs(machine.handle(received))).toBe('start 100 200, deliver INVITE');
  expect(machine.state).toBe('proceeding');
});

const accepted = {
  ACK: ['deliver ACK', 'accepted'],
  'respond 200': ['send 200 INVITE', 'accepted'],
  'respond 299': ['send 299 INVITE', 'accepted'],
  'timer L': ['terminated', 'terminated'],
  'transport error': ['transport-error', 'accepted'],
} as const;

describe('over UDP (RFC 3261 figure 7, RFC 6026 §8.7)', () => {
  testTable({
    enter: {
      proceeding: having(false),
      accepted: having(false, respond(200)),
      completed: having(false, respond(486)),
      confirmed: having(false, respond(486), ack),
      terminated: having(false, respond(486), timer('H')),
    },
    inputs,
    table: {
      proceeding: {
        'respond 100': ['stop 100, send 100 INVITE', 'proceeding'],
        'respond 183': ['stop 100, send 183 INVITE', 'proceeding'],
        'respond 200': ['stop 100, send 200 INVITE, start L 32000', 'accepted'],
        'respond 299': ['stop 100, send 299 INVITE, start L 32000', 'accepted'],
        'respond 300': ['stop 100, send 300 INVITE, start G 500, start H 32000', 'completed'],
        'respond 699': ['stop 100, send 699 INVITE, start G 500, start H 32000', 'completed'],
        'timer 100': ['send 100 INVITE', 'proceeding'],
        'transport error': ['transport-error', 'proceeding'],
      },
      accepted,
      completed: {
        INVITE: ['send 486 INVITE', 'completed'],
        ACK: ['stop G, stop H, start I 5000', 'confirmed'],
        'timer G': ['send 486 INVITE, start G 1000', 'completed'],
        'timer H': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error', 'completed'],
      },
      confirmed: {
        'timer I': ['terminated', 'terminated'],
        'transport error': ['transport-error', 'confirmed'],
      },
    },
  });

  test('G doubles up to T2 (RFC 3261 §17.2.1)', () => {
    const machine = having(false, respond(486))();
    const delays = Array.from({ length: 5 }, () =>
      describeOutputs(machine.handle(timer('G')))
        .split(' ')
        .at(-1),
    );
    expect(delays).toEqual(['1000', '2000', '4000', '4000', '4000']);
  });
});

describe('over a reliable transport (RFC 3261 figure 7, RFC 6026 §8.7)', () => {
  testTable({
    enter: {
      proceeding: having(true),
      accepted: having(true, respond(200)),
      completed: having(true, respond(486)),
      terminated: having(true, respond(486), ack),
    },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== 'timer G')),
    table: {
      proceeding: {
        'respond 100': ['stop 100, send 100 INVITE', 'proceeding'],
        'respond 183': ['stop 100, send 183 INVITE', 'proceeding'],
        'respond 200': ['stop 100, send 200 INVITE, start L 32000', 'accepted'],
        'respond 299': ['stop 100, send 299 INVITE, start L 32000', 'accepted'],
        'respond 300': ['stop 100, send 300 INVITE, start H 32000', 'completed'],
        'respond 699': ['stop 100, send 699 INVITE, start H 32000', 'completed'],
        'timer 100': ['send 100 INVITE', 'proceeding'],
        'transport error': ['transport-error', 'proceeding'],
      },
      accepted,
      completed: {
        INVITE: ['send 486 INVITE', 'completed'],
        ACK: ['stop H, terminated', 'terminated'],
        'timer H': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error', 'completed'],
      },
    },
  });
});

describe('a repeated INVITE in Proceeding (RFC 3261 §17.2.1)', () => {
  test('gets the latest provisional', () => {
    const machine = having(false, respond(180), respond(183))();
    expect(describeOutputs(machine.handle(received))).toBe('send 183 INVITE');
  });

  test('gets the automatic 100 when that is the latest', () => {
    const machine = having(false, timer('100'))();
    expect(describeOutputs(machine.handle(received))).toBe('send 100 INVITE');
  });
});

test('the automatic 100 comes not after a provisional, and has no To-tag (RFC 3261 §8.2.6.2)', () => {
  expect(having(false, respond(180))().handle(timer('100'))).toEqual([]);
  const [sent] = having(false)().handle(timer('100'));
  expect(sent?.type === 'send' && sent.message.headers.get('To')).toBe('<sip:bob@example.com>');
});
