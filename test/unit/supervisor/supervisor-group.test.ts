import { describe, expect, test } from 'vitest';
import type { SupervisedSignal } from '../../../src/supervisor/supervisor.ts';
import { SupervisorGroup } from '../../../src/supervisor/supervisor-group.ts';

class FakeSupervisor {
  readonly signals: SupervisedSignal[] = [];
  readonly #ended = Promise.withResolvers<number>();

  run(): Promise<number> {
    return this.#ended.promise;
  }

  signal(signal: SupervisedSignal): void {
    this.signals.push(signal);
  }

  end(code: number): void {
    this.#ended.resolve(code);
  }
}

function group(): { readonly one: FakeSupervisor; readonly two: FakeSupervisor; readonly all: SupervisorGroup } {
  const [one, two] = [new FakeSupervisor(), new FakeSupervisor()];
  return { one, two, all: new SupervisorGroup([one, two]) };
}

describe('supervisors of several processes', () => {
  test('each get every signal', () => {
    const { one, two, all } = group();
    for (const signal of ['SIGHUP', 'SIGTERM'] as const) all.signal(signal);
    expect([one.signals, two.signals]).toEqual([
      ['SIGHUP', 'SIGTERM'],
      ['SIGHUP', 'SIGTERM'],
    ]);
  });

  test('end when all have, and one that ended in order leaves the other alone', async () => {
    const { one, two, all } = group();
    let code: number | undefined;
    const run = all.run().then((ended) => {
      code = ended;
    });
    one.end(0);
    await Promise.resolve();
    await Promise.resolve();
    expect([code, two.signals]).toEqual([undefined, []]);
    two.end(0);
    await run;
    expect(code).toBe(0);
  });

  test('end with the code of one that could not start, which ends the other', async () => {
    const { one, two, all } = group();
    const run = all.run();
    one.end(2);
    await Promise.resolve();
    await Promise.resolve();
    expect(two.signals).toEqual(['SIGTERM']);
    two.end(0);
    expect(await run).toBe(2);
  });
});
