import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InviteClientTransaction } from '../../../../src/sip/transaction/invite-client.ts';
import { InviteServerTransaction } from '../../../../src/sip/transaction/invite-server.ts';
import { NonInviteClientTransaction } from '../../../../src/sip/transaction/non-invite-client.ts';
import { NonInviteServerTransaction } from '../../../../src/sip/transaction/non-invite-server.ts';
import { defaultSipTimers, type TimerName } from '../../../../src/sip/transaction/timers.ts';
import type {
  ClientInput,
  ServerInput,
  TransactionOutput,
} from '../../../../src/sip/transaction/transaction-machine.ts';
import { request, response } from '../../../support/sip-messages.ts';
import { error, timerNames } from './machine-table.ts';

const invite = request('INVITE');
const options = request('OPTIONS');

const status = fc.constantFrom(100, 180, 199, 200, 202, 299, 300, 408, 486, 500, 699);
const timerInput = fc.constantFrom(...timerNames).map((timer) => ({ type: 'timer' as const, timer }));
const failure = fc.constant({ type: 'transport-error' as const, error });

const clientInput: fc.Arbitrary<ClientInput> = fc.oneof(
  status.map((code) => ({ type: 'response' as const, response: response(invite, code) })),
  timerInput,
  failure,
  fc.constant({ type: 'cancelled' as const }),
);
const inviteServerInput: fc.Arbitrary<ServerInput> = fc.oneof(
  status.map((code) => ({ type: 'respond' as const, response: response(invite, code) })),
  fc.constantFrom(invite, request('ACK')).map((each) => ({ type: 'request' as const, request: each })),
  timerInput,
  failure,
);
const otherServerInput: fc.Arbitrary<ServerInput> = fc.oneof(
  status.map((code) => ({ type: 'respond' as const, response: response(options, code) })),
  fc.constant({ type: 'request' as const, request: options }),
  timerInput,
  failure,
);

/** The timers that run, kept as the layer keeps them, and what every sequence of outputs must hold to. */
class Ledger {
  readonly running = new Set<TimerName>();
  isTerminated = false;
  outcomes = 0;

  apply(outputs: readonly TransactionOutput[]): void {
    for (const output of outputs) {
      expect(this.isTerminated, 'nothing after terminated').toBe(false);
      if (output.type === 'start') {
        expect(output.delay).toBeGreaterThan(0);
        this.running.add(output.timer);
      }
      if (output.type === 'stop') this.running.delete(output.timer);
      if (output.type === 'timeout') this.outcomes += 1;
      if (output.type === 'terminated') {
        this.isTerminated = true;
        this.running.clear();
      }
    }
  }
}

interface AnyMachine<Input> {
  readonly state: string;
  handle(input: Input): readonly TransactionOutput[];
}

const terminalStates = new Set(['accepted', 'completed', 'confirmed']);

/** Applies the inputs, then lets the timers that run fire until none does. */
function runThrough<Input>(
  machine: AnyMachine<Input>,
  first: readonly TransactionOutput[],
  inputs: readonly Input[],
  timerAsInput: (timer: TimerName) => Input,
): Ledger {
  const ledger = new Ledger();
  ledger.apply(first);
  for (const input of inputs) {
    ledger.apply(machine.handle(input));
    expect(machine.state === 'terminated').toBe(ledger.isTerminated);
    if (terminalStates.has(machine.state))
      expect(ledger.running.size, `a timer ends ${machine.state}`).toBeGreaterThan(0);
  }
  // Those that retransmit first, so that the one that ends it all is met only when nothing else is left to do.
  for (let round = 0; round < 12 && ledger.running.size > 0; round += 1) {
    for (const timer of [...ledger.running].sort((a, b) => rank(a) - rank(b))) {
      if (!ledger.running.delete(timer)) continue;
      ledger.apply(machine.handle(timerAsInput(timer)));
    }
  }
  return ledger;
}

function rank(timer: TimerName): number {
  return ['A', 'E', 'G', '100'].includes(timer) ? 0 : 1;
}

const runs = { seed: 3_261, numRuns: 2_000 };
const sequence = <T>(input: fc.Arbitrary<T>) => fc.array(input, { maxLength: 25 });

describe('any sequence of inputs and timers (RFC 3261 §17)', () => {
  test('never throws, ends a client transaction once, and leaves no timer, once the request was answered or timed out', () => {
    fc.assert(
      fc.property(sequence(clientInput), fc.boolean(), fc.boolean(), (inputs, isReliable, isInvite) => {
        const Machine = isInvite ? InviteClientTransaction : NonInviteClientTransaction;
        const machine = new Machine(isInvite ? invite : options, isReliable, defaultSipTimers);
        const ledger = runThrough<ClientInput>(machine, machine.start(), inputs, (timer) => ({ type: 'timer', timer }));
        expect(ledger.outcomes).toBeLessThanOrEqual(1);
        // An INVITE that rings waits for its user: nothing but a CANCEL or an answer ends it.
        if (machine.state !== 'proceeding') expect(ledger.isTerminated).toBe(true);
        expect(ledger.running.size).toBe(0);
      }),
      runs,
    );
  });

  test('never throws, ends an INVITE server transaction once, and leaves no timer, once it was answered', () => {
    fc.assert(
      fc.property(sequence(inviteServerInput), fc.boolean(), (inputs, isReliable) => {
        const machine = new InviteServerTransaction(invite, isReliable, defaultSipTimers);
        const first = machine.handle({ type: 'request', request: invite });
        const ledger = runThrough<ServerInput>(machine, first, inputs, (timer) => ({ type: 'timer', timer }));
        if (machine.state !== 'proceeding') expect(ledger.isTerminated).toBe(true);
        expect(ledger.running.size).toBe(0);
      }),
      runs,
    );
  });

  test('never throws, ends any other server transaction once, answered or not, and leaves no timer', () => {
    fc.assert(
      fc.property(sequence(otherServerInput), fc.boolean(), (inputs, isReliable) => {
        const machine = new NonInviteServerTransaction(options, isReliable, defaultSipTimers);
        const first = machine.handle({ type: 'request', request: options });
        // A timer that does not run cannot fire; here it would take the 100 away that bounds the wait.
        const possible = inputs.filter((input) => input.type !== 'timer');
        const ledger = runThrough<ServerInput>(machine, first, possible, (timer) => ({ type: 'timer', timer }));
        expect(ledger.isTerminated).toBe(true);
        expect(ledger.running.size).toBe(0);
      }),
      runs,
    );
  });

  test('delivers a final response of a failed INVITE once, and never sends a 408 or a 1xx but 100 to another request', () => {
    fc.assert(
      fc.property(sequence(clientInput), sequence(otherServerInput), (answers, inputs) => {
        const client = new InviteClientTransaction(invite, false, defaultSipTimers);
        client.start();
        const failures = answers
          .flatMap((input) => client.handle(input))
          .filter((output) => output.type === 'deliver' && 'status' in output.message && output.message.status >= 300);
        expect(failures.length).toBeLessThanOrEqual(1);
        const server = new NonInviteServerTransaction(options, false, defaultSipTimers);
        for (const output of inputs.flatMap((input) => server.handle(input))) {
          if (output.type !== 'send' || output.message.kind !== 'response') continue;
          expect(output.message.status === 100 || output.message.status >= 200).toBe(true);
          expect(output.message.status).not.toBe(408);
        }
      }),
      runs,
    );
  });
});
