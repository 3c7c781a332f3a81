import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { becomeNode, runProgram, type Standby, type TakeoverParts } from '../../../../src/compose/nodes/takeover.ts';
import { type Logger, silentLogger } from '../../../../src/core/logger.ts';
import { FakeSharedState, FakeSharedStore } from '../../../support/fake-shared-store.ts';
import { FakeScheduler } from '../../../support/fake-time.ts';

interface Pair {
  readonly state: FakeSharedState;
  readonly active: FakeSharedStore;
  readonly parts: TakeoverParts;
  readonly standby: Standby;
  tell(): void;
  end(): void;
  pass(millis: number): Promise<void>;
}

function pair(by: 'lease' | 'told' = 'lease'): Pair {
  const scheduler = new FakeScheduler();
  const state = new FakeSharedState();
  const now = (): number => scheduler.clock.wall();
  const store = new FakeSharedStore({ state, node: 'edge', run: 'standby', now });
  const told = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  return {
    state,
    active: new FakeSharedStore({ state, node: 'edge', run: 'active', now }),
    parts: { store, node: 'edge', by, program: undefined, scheduler, logger: silentLogger },
    standby: { told: told.promise, ended: ended.promise },
    tell: told.resolve,
    end: ended.resolve,
    pass: async (millis) => {
      for (let left = millis; left > 0; left -= 100) {
        scheduler.advance(100);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

describe('a process that is to be a node', () => {
  test('is it at once, whoever was it before', async () => {
    const { active, parts } = pair();
    await active.own('at-once');
    expect(await becomeNode(parts, undefined)).toBe('started');
    expect((await active.beat(undefined)).isOwner).toBe(false);
  });

  test('begins without the store where that is away', async () => {
    const { state, parts } = pair();
    state.isAway = true;
    expect(await becomeNode(parts, undefined)).toBe('started');
  });
});

describe('a process that stands by', () => {
  test('waits while the other one beats, and takes over when it has not for the time of a takeover', async () => {
    const { active, parts, standby, pass } = pair();
    await active.own('at-once');
    let how: string | undefined;
    void becomeNode(parts, standby).then((value) => {
      how = value;
    });
    for (let beats = 0; beats < 10; beats += 1) {
      await active.beat(undefined);
      await pass(500);
    }
    expect(how).toBeUndefined();
    await pass(700);
    expect(how).toBe('lease');
    expect((await active.beat(undefined)).isOwner).toBe(false);
  });

  test('takes over when it is told, though the other one lives', async () => {
    const { active, parts, standby, tell, pass } = pair('told');
    await active.own('at-once');
    const becoming = becomeNode(parts, standby);
    await pass(5_000);
    tell();
    expect(await becoming).toBe('told');
    expect((await active.beat(undefined)).isOwner).toBe(false);
  });

  test('is the node at once, told or not, where the one that died was on this machine', async () => {
    const { state, parts, standby } = pair('told');
    const now = (): number => parts.scheduler.clock.wall();
    const crashed = new FakeSharedStore({ state, node: 'edge', run: 'crashed', machine: 'standby', now });
    await crashed.own('at-once');
    expect(await becomeNode(parts, standby)).toBe('again');
    expect((await crashed.beat(undefined)).isOwner).toBe(false);
  });

  test('by "told" does not look whether the other one lives', async () => {
    const { parts, standby, end, pass } = pair('told');
    const becoming = becomeNode(parts, standby);
    await pass(5_000);
    end();
    expect(await becoming).toBeUndefined();
  });

  test('ends when it is to, and does not take over after that', async () => {
    const { state, active, parts, standby, end, pass } = pair();
    await active.own('at-once');
    const becoming = becomeNode(parts, standby);
    await pass(300);
    end();
    expect(await becoming).toBeUndefined();
    await pass(5_000);
    expect(state.node('edge').owner?.run).toBe('active');
  });

  test('cannot take over from what it cannot ask, and does when it can', async () => {
    const { state, active, parts, standby, pass } = pair();
    await active.own('at-once');
    state.isAway = true;
    let how: string | undefined;
    void becomeNode(parts, standby).then((value) => {
      how = value;
    });
    await pass(10_000);
    expect(how).toBeUndefined();
    state.isAway = false;
    await pass(200);
    expect(how).toBe('lease');
  });
});

describe('the program that moves the address', () => {
  function program(text: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-takeover-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'move');
    writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
    return file;
  }

  test('is told the node', async () => {
    const file = program('echo "$1" > "$0.said"');
    await runProgram({ ...pair().parts, program: file });
    expect(readFileSync(`${file}.said`, 'utf8')).toBe('edge\n');
  });

  test('that fails is an error in the log, and no obstacle', async () => {
    const errors: unknown[] = [];
    const logger: Logger = { ...silentLogger, error: (event, fields) => void errors.push([event, fields]) };
    await runProgram({ ...pair().parts, program: program('echo no >&2; exit 3'), logger });
    expect(errors).toMatchObject([['takeover-program-failed', { said: 'no\n' }]]);
  });
});
