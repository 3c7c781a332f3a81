import { describe, expect, test } from 'vitest';
import type { WorkerMessage } from '../../../../src/media/plane/worker-protocol.ts';
import { Outbox } from '../../../../src/media/worker/outbox.ts';

const fault = (detail: string): WorkerMessage => ({ type: 'fault', detail });

function gathered(): { readonly outbox: Outbox; readonly lists: unknown[] } {
  const lists: unknown[] = [];
  return { outbox: new Outbox({ postMessage: (list) => lists.push(list) }), lists };
}

describe('what a worker says to the plane', () => {
  test('what nobody waits for goes with the next that somebody does, in order', () => {
    const { outbox, lists } = gathered();
    outbox.postSoon(fault('one'));
    expect(lists).toEqual([]);
    outbox.post(fault('two'));
    expect(lists).toEqual([[fault('one'), fault('two')]]);
  });

  test('answers to commands that came together go together, also when one of them throws', () => {
    const { outbox, lists } = gathered();
    expect(() =>
      outbox.together(() => {
        outbox.post(fault('one'));
        outbox.postSoon(fault('two'));
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(lists).toEqual([[fault('one'), fault('two')]]);
  });

  test('does not wait for the end of hundreds of commands that came together', () => {
    const { outbox, lists } = gathered();
    outbox.together(() => {
      for (let answer = 0; answer < 100; answer += 1) outbox.post(fault(String(answer)));
      expect(lists.flat()).toHaveLength(96);
    });
    expect(lists.flat()).toHaveLength(100);
  });

  test('is not sent for nothing', () => {
    const { outbox, lists } = gathered();
    outbox.together(() => outbox.postSoon(fault('one')));
    expect(lists).toEqual([]);
    outbox.flush();
    outbox.flush();
    expect(lists).toHaveLength(1);
  });
});
