import { describe, expect, test } from 'vitest';
import { NonInviteServerTransaction } from '../../../../src/sip/transaction/non-invite-server.ts';
import { defaultSipTimers, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import type { ServerInput } from '../../../../src/sip/transaction/transaction-machine.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { describeOutputs, error, testTable, timerInputs } from './machine-table.ts';

const options = request('OPTIONS');
const received: ServerInput = { type: 'request', request: options };
const respond = (status: number): ServerInput => ({ type: 'respond', response: response(options, status) });
const timer = (name: TimerName): ServerInput => ({ type: 'timer', timer: name });

const inputs: Readonly<Record<string, ServerInput>> = {
  OPTIONS: received,
  'respond 100': respond(100),
  'respond 183': respond(183),
  'respond 200': respond(200),
  'respond 408': respond(408),
  'respond 699': respond(699),
  ...timerInputs(),
  'transport error': { type: 'transport-error', error },
};

function having(isReliable: boolean, ...before: readonly ServerInput[]): () => NonInviteServerTransaction {
  return () => {
    const machine = new NonInviteServerTransaction(options, isReliable, defaultSipTimers);
    for (const input of [received, ...before]) machine.handle(input);
    return machine;
  };
}

test('the request goes to the user, and 100 is due when timer E of the client reaches T2 (RFC 4320 §4.1)', () => {
  const machine = new NonInviteServerTransaction(options, false, defaultSipTimers);
  expect(describeOutputs(machine.handle(received))).toBe('start 100 3500, deliver OPTIONS');
  expect(machine.state).toBe('trying');
});

describe('over UDP (RFC 3261 figure 8, RFC 4320 §4)', () => {
  const answered = {
    'respond 200': ['stop 100, stop F, send 200 OPTIONS, start J 32000', 'completed'],
    'respond 408': ['stop 100, stop F, start J 32000', 'completed'],
    'respond 699': ['stop 100, stop F, send 699 OPTIONS, start J 32000', 'completed'],
  } as const;

  testTable({
    enter: {
      trying: having(false),
      proceeding: having(false, timer('100')),
      completed: having(false, respond(200)),
      terminated: having(false, respond(200), timer('J')),
    },
    inputs,
    table: {
      trying: {
        ...answered,
        'timer 100': ['send 100 OPTIONS, start F 28500', 'proceeding'],
        'transport error': ['transport-error', 'trying'],
      },
      proceeding: {
        ...answered,
        OPTIONS: ['send 100 OPTIONS', 'proceeding'],
        'respond 100': ['send 100 OPTIONS', 'proceeding'],
        'timer 100': ['start F 28500', 'proceeding'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error', 'proceeding'],
      },
      completed: {
        OPTIONS: ['send 200 OPTIONS', 'completed'],
        'timer J': ['terminated', 'terminated'],
        'transport error': ['transport-error', 'completed'],
      },
    },
  });

  test('after a 408 of the user, copies are absorbed and nothing is sent (RFC 4320 §4.2)', () => {
    const machine = having(false, timer('100'), respond(408))();
    expect(machine.handle(received)).toEqual([]);
  });
});

describe('over a reliable transport (RFC 3261 figure 8, RFC 4320 §4)', () => {
  const answered = {
    'respond 200': ['stop 100, stop F, send 200 OPTIONS, terminated', 'terminated'],
    'respond 408': ['stop 100, stop F, terminated', 'terminated'],
    'respond 699': ['stop 100, stop F, send 699 OPTIONS, terminated', 'terminated'],
  } as const;

  testTable({
    enter: {
      trying: having(true),
      proceeding: having(true, respond(100)),
      terminated: having(true, respond(200)),
    },
    inputs,
    table: {
      trying: {
        ...answered,
        'respond 100': ['send 100 OPTIONS', 'proceeding'],
        'timer 100': ['send 100 OPTIONS, start F 28500', 'proceeding'],
        'transport error': ['transport-error', 'trying'],
      },
      proceeding: {
        ...answered,
        OPTIONS: ['send 100 OPTIONS', 'proceeding'],
        'respond 100': ['send 100 OPTIONS', 'proceeding'],
        'timer 100': ['start F 28500', 'proceeding'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error', 'proceeding'],
      },
    },
  });
});
