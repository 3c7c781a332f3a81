import { describe, expect, test } from 'vitest';
import { NonInviteClientTransaction } from '../../../../src/sip/transaction/non-invite-client.ts';
import { defaultSipTimers, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import type { ClientInput } from '../../../../src/sip/transaction/transaction-machine.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { describeOutputs, error, testTable, timerInputs } from './machine-table.ts';

const bye = request('BYE', { toTag: 'to-1' });
const answer = (status: number): ClientInput => ({ type: 'response', response: response(bye, status) });
const timer = (name: TimerName): ClientInput => ({ type: 'timer', timer: name });

const inputs: Readonly<Record<string, ClientInput>> = {
  '100': answer(100),
  '199': answer(199),
  '200': answer(200),
  '699': answer(699),
  ...timerInputs(),
  'transport error': { type: 'transport-error', error },
  cancelled: { type: 'cancelled' },
};

function having(isReliable: boolean, ...before: readonly ClientInput[]): () => NonInviteClientTransaction {
  return () => {
    const machine = new NonInviteClientTransaction(bye, isReliable, defaultSipTimers);
    machine.start();
    for (const input of before) machine.handle(input);
    return machine;
  };
}

describe('over UDP (RFC 3261 figure 6)', () => {
  test('start sends the request and starts E at T1 and F at 64·T1', () => {
    const machine = new NonInviteClientTransaction(bye, false, defaultSipTimers);
    expect(describeOutputs(machine.start())).toBe('send BYE, start E 500, start F 32000');
    expect(machine.state).toBe('trying');
  });

  testTable({
    enter: {
      trying: having(false),
      proceeding: having(false, answer(100)),
      completed: having(false, answer(200)),
      terminated: having(false, timer('F')),
    },
    inputs,
    table: {
      trying: {
        '100': ['deliver 100 BYE', 'proceeding'],
        '199': ['deliver 199 BYE', 'proceeding'],
        '200': ['stop E, stop F, start K 5000, deliver 200 BYE', 'completed'],
        '699': ['stop E, stop F, start K 5000, deliver 699 BYE', 'completed'],
        'timer E': ['send BYE, start E 1000', 'trying'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
      proceeding: {
        '100': ['deliver 100 BYE', 'proceeding'],
        '199': ['deliver 199 BYE', 'proceeding'],
        '200': ['stop E, stop F, start K 5000, deliver 200 BYE', 'completed'],
        '699': ['stop E, stop F, start K 5000, deliver 699 BYE', 'completed'],
        'timer E': ['send BYE, start E 4000', 'proceeding'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
      completed: { 'timer K': ['terminated', 'terminated'] },
    },
  });

  test('E doubles up to T2 (RFC 3261 §17.1.2.2)', () => {
    const machine = having(false)();
    const delays = Array.from({ length: 5 }, () =>
      describeOutputs(machine.handle(timer('E')))
        .split(' ')
        .at(-1),
    );
    expect(delays).toEqual(['1000', '2000', '4000', '4000', '4000']);
  });
});

describe('over a reliable transport (RFC 3261 figure 6)', () => {
  test('start sends the request once: F runs, E does not', () => {
    const machine = new NonInviteClientTransaction(bye, true, defaultSipTimers);
    expect(describeOutputs(machine.start())).toBe('send BYE, start F 32000');
  });

  testTable({
    enter: {
      trying: having(true),
      proceeding: having(true, answer(100)),
      terminated: having(true, answer(200)),
    },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== 'timer E')),
    table: {
      trying: {
        '100': ['deliver 100 BYE', 'proceeding'],
        '199': ['deliver 199 BYE', 'proceeding'],
        '200': ['stop F, deliver 200 BYE, terminated', 'terminated'],
        '699': ['stop F, deliver 699 BYE, terminated', 'terminated'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
      proceeding: {
        '100': ['deliver 100 BYE', 'proceeding'],
        '199': ['deliver 199 BYE', 'proceeding'],
        '200': ['stop F, deliver 200 BYE, terminated', 'terminated'],
        '699': ['stop F, deliver 699 BYE, terminated', 'terminated'],
        'timer F': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
    },
  });
});
