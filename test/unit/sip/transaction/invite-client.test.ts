import { describe, expect, test } from 'vitest';
import { InviteClientTransaction } from '../../../../src/sip/transaction/invite-client.ts';
import { defaultSipTimers, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import type { ClientInput } from '../../../../src/sip/transaction/transaction-machine.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { describeOutputs, error, testTable, timerInputs } from './machine-table.ts';

const invite = request('INVITE');
const answer = (status: number): ClientInput => ({ type: 'response', response: response(invite, status) });
const timer = (name: TimerName): ClientInput => ({ type: 'timer', timer: name });

const inputs: Readonly<Record<string, ClientInput>> = {
  '100': answer(100),
  '180': answer(180),
  '200': answer(200),
  '299': answer(299),
  '300': answer(300),
  '699': answer(699),
  ...timerInputs(),
  'transport error': { type: 'transport-error', error },
  cancelled: { type: 'cancelled' },
};

function having(isReliable: boolean, ...before: readonly ClientInput[]): () => InviteClientTransaction {
  return () => {
    const machine = new InviteClientTransaction(invite, isReliable, defaultSipTimers);
    machine.start();
    for (const input of before) machine.handle(input);
    return machine;
  };
}

describe('over UDP (RFC 3261 figure 5, RFC 6026 §8.4)', () => {
  test('start sends the INVITE and starts A at T1 and B at 64·T1', () => {
    const machine = new InviteClientTransaction(invite, false, defaultSipTimers);
    expect(describeOutputs(machine.start())).toBe('send INVITE, start A 500, start B 32000');
    expect(machine.state).toBe('calling');
  });

  testTable({
    enter: {
      calling: having(false),
      proceeding: having(false, answer(180)),
      accepted: having(false, answer(200)),
      completed: having(false, answer(486)),
      terminated: having(false, timer('B')),
    },
    inputs,
    table: {
      calling: {
        '100': ['stop A, stop B, deliver 100 INVITE', 'proceeding'],
        '180': ['stop A, stop B, deliver 180 INVITE', 'proceeding'],
        '200': ['stop A, stop B, start M 32000, deliver 200 INVITE', 'accepted'],
        '299': ['stop A, stop B, start M 32000, deliver 299 INVITE', 'accepted'],
        '300': ['stop A, stop B, send ACK, start D 32000, deliver 300 INVITE', 'completed'],
        '699': ['stop A, stop B, send ACK, start D 32000, deliver 699 INVITE', 'completed'],
        'timer A': ['send INVITE, start A 1000', 'calling'],
        'timer B': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
      proceeding: {
        '100': ['deliver 100 INVITE', 'proceeding'],
        '180': ['deliver 180 INVITE', 'proceeding'],
        '200': ['stop B, start M 32000, deliver 200 INVITE', 'accepted'],
        '299': ['stop B, start M 32000, deliver 299 INVITE', 'accepted'],
        '300': ['stop B, send ACK, start D 32000, deliver 300 INVITE', 'completed'],
        '699': ['stop B, send ACK, start D 32000, deliver 699 INVITE', 'completed'],
        'timer B': ['timeout, terminated', 'terminated'],
        cancelled: ['start B 32000', 'proceeding'],
      },
      accepted: {
        '200': ['deliver 200 INVITE', 'accepted'],
        '299': ['deliver 299 INVITE', 'accepted'],
        'timer M': ['terminated', 'terminated'],
      },
      completed: {
        '200': ['stray 200 INVITE', 'completed'],
        '299': ['stray 299 INVITE', 'completed'],
        '300': ['send ACK', 'completed'],
        '699': ['send ACK', 'completed'],
        'timer D': ['terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
    },
  });

  test('A doubles without the T2 cap (RFC 3261 §17.1.1.2)', () => {
    const machine = having(false)();
    const delays = Array.from({ length: 6 }, () => describeOutputs(machine.handle(timer('A'))));
    expect(delays.map((text) => text.split(' ').at(-1))).toEqual(['1000', '2000', '4000', '8000', '16000', '32000']);
  });

  test('D is 32 s at least, also where T1 is short, and 64·T1 where T1 is long (§17.1.1.2)', () => {
    for (const [t1, delay] of [
      [100, 32_000],
      [1_000, 64_000],
    ]) {
      const machine = new InviteClientTransaction(invite, false, { ...defaultSipTimers, t1: t1 ?? 0 });
      machine.start();
      expect(describeOutputs(machine.handle(answer(486)))).toContain(`start D ${delay}`);
    }
  });

  test('the repeated ACK is the ACK that was sent first (§17.1.1.2)', () => {
    const machine = having(false)();
    const [first] = machine.handle(answer(486)).filter(({ type }) => type === 'send');
    expect(machine.handle(answer(486))).toEqual([first]);
  });
});

describe('over a reliable transport (RFC 3261 figure 5, RFC 6026 §8.4)', () => {
  test('start sends the INVITE once: B runs, A does not', () => {
    const machine = new InviteClientTransaction(invite, true, defaultSipTimers);
    expect(describeOutputs(machine.start())).toBe('send INVITE, start B 32000');
  });

  testTable({
    enter: {
      calling: having(true),
      proceeding: having(true, answer(180)),
      accepted: having(true, answer(200)),
      terminated: having(true, answer(486)),
    },
    inputs: Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== 'timer A')),
    table: {
      calling: {
        '100': ['stop B, deliver 100 INVITE', 'proceeding'],
        '180': ['stop B, deliver 180 INVITE', 'proceeding'],
        '200': ['stop B, start M 32000, deliver 200 INVITE', 'accepted'],
        '299': ['stop B, start M 32000, deliver 299 INVITE', 'accepted'],
        '300': ['stop B, send ACK, deliver 300 INVITE, terminated', 'terminated'],
        '699': ['stop B, send ACK, deliver 699 INVITE, terminated', 'terminated'],
        'timer B': ['timeout, terminated', 'terminated'],
        'transport error': ['transport-error, terminated', 'terminated'],
      },
      proceeding: {
        '100': ['deliver 100 INVITE', 'proceeding'],
        '180': ['deliver 180 INVITE', 'proceeding'],
        '200': ['stop B, start M 32000, deliver 200 INVITE', 'accepted'],
        '299': ['stop B, start M 32000, deliver 299 INVITE', 'accepted'],
        '300': ['stop B, send ACK, deliver 300 INVITE, terminated', 'terminated'],
        '699': ['stop B, send ACK, deliver 699 INVITE, terminated', 'terminated'],
        'timer B': ['timeout, terminated', 'terminated'],
        cancelled: ['start B 32000', 'proceeding'],
      },
      accepted: {
        '200': ['deliver 200 INVITE', 'accepted'],
        '299': ['deliver 299 INVITE', 'accepted'],
        'timer M': ['terminated', 'terminated'],
      },
    },
  });
});
