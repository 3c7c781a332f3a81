// Tables of a machine: for each state and each input, what comes out and which state follows. What a table leaves out must
// lead to nothing at all.
import { expect, test } from 'vitest';
import type { TimerName } from '../../../../src/sip/transaction/timers.ts';
import type { TransactionOutput } from '../../../../src/sip/transaction/transaction-machine.ts';
import type { TransportError } from '../../../../src/sip/transport/transport.ts';
import { summaryOf } from '../../../support/fake-transport.ts';

export interface Machine<Input> {
  readonly state: string;
  handle(input: Input): readonly TransactionOutput[];
}

/** `send INVITE, start A 500, deliver 180 INVITE …`, and the state that follows. */
export type Row = readonly [outputs: string, next: string];
export type Table = Readonly<Record<string, Readonly<Record<string, Row>>>>;

export interface TableOptions<Input> {
  /** How a machine gets into each state. */
  readonly enter: Readonly<Record<string, () => Machine<Input>>>;
  readonly inputs: Readonly<Record<string, Input>>;
  readonly table: Table;
}

/** One test for each state and input. */
export function testTable<Input>({ enter, inputs, table }: TableOptions<Input>): void {
  for (const [state, make] of Object.entries(enter)) {
    for (const [name, input] of Object.entries(inputs)) {
      const [outputs, next] = table[state]?.[name] ?? ['', state];
      test(`${state} + ${name} → ${outputs || 'nothing'}, ${next}`, () => {
        const machine = make();
        expect(machine.state).toBe(state);
        expect(describeOutputs(machine.handle(input))).toBe(outputs);
        expect(machine.state).toBe(next);
      });
    }
  }
  test('the table names no state or input that does not exist', () => {
    for (const [state, row] of Object.entries(table)) {
      expect(Object.keys(enter)).toContain(state);
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(row)));
    }
  });
}

export function describeOutputs(outputs: readonly TransactionOutput[]): string {
  return outputs.map(describeOutput).join(', ');
}

export const error: TransportError = { code: 'send-failed', detail: 'test' };

export const timerNames: readonly TimerName[] = ['A', 'B', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', '100'];

/** Every timer as an input: those that a machine does not have must do nothing either. */
export function timerInputs(): Readonly<Record<string, { readonly type: 'timer'; readonly timer: TimerName }>> {
  return Object.fromEntries(timerNames.map((timer) => [`timer ${timer}`, { type: 'timer', timer }]));
}

function describeOutput(output: TransactionOutput): string {
  switch (output.type) {
    case 'send':
    case 'deliver':
      return `${output.type} ${summaryOf(output.message)}`;
    case 'stray':
      return `stray ${summaryOf(output.response)}`;
    case 'start':
      return `start ${output.timer} ${output.delay}`;
    case 'stop':
      return `stop ${output.timer}`;
    case 'timeout':
    case 'transport-error':
    case 'terminated':
      return output.type;
  }
}
