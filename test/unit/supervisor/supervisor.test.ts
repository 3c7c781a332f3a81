import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import type { Child, ChildEvents, ChildRole } from '../../../src/supervisor/child.ts';
import type { FromChild, ToChild } from '../../../src/supervisor/messages.ts';
import { spareLimits } from '../../../src/supervisor/spare.ts';
import { Supervisor, supervisorLimits } from '../../../src/supervisor/supervisor.ts';
import { FakeScheduler } from '../../support/fake-time.ts';

class FakeChild implements Child {
  readonly pid: number;
  readonly role: ChildRole;
  readonly told: ToChild[] = [];
  readonly signals: string[] = [];
  readonly #events: ChildEvents;

  constructor(pid: number, role: ChildRole, events: ChildEvents) {
    this.pid = pid;
    this.role = role;
    this.#events = events;
  }

  send(message: ToChild): void {
    this.told.push(message);
  }

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }

  say(message: FromChild | { readonly type: string }): void {
    this.#events.onMessage(message);
  }

  exit(code: number | null, signal: NodeJS.Signals | null = null): void {
    this.#events.onExit({ code, signal });
  }
}

class Site {
  readonly scheduler = new FakeScheduler();
  readonly children: FakeChild[] = [];
  readonly supervisor: Supervisor;
  code: number | undefined;

  constructor() {
    this.supervisor = new Supervisor({
      launch: (role, events) => {
        const child = new FakeChild(101 + this.children.length, role, events);
        this.children.push(child);
        return child;
      },
      scheduler: this.scheduler,
      logger: silentLogger,
    });
    void this.supervisor.run().then((code) => {
      this.code = code;
    });
  }

  child(index: number): FakeChild {
    const child = this.children[index];
    if (child === undefined) throw new Error(`there is no process ${index}`);
    return child;
  }

  async wait(time: number): Promise<void> {
    this.scheduler.advance(time);
    await Promise.resolve();
  }

  /** One that serves, with nothing before it. */
  static serving(): Site {
    const site = new Site();
    site.child(0).say({ type: 'up' });
    site.child(0).say({ type: 'ready' });
    return site;
  }
}

describe('a process that serves', () => {
  test('is started again at once after it was killed', async () => {
    const site = Site.serving();
    site.child(0).exit(null, 'SIGKILL');
    expect(site.children.map(({ role }) => role)).toEqual(['serve', 'serve']);
    await site.wait(0);
    expect(site.code).toBeUndefined();
  });

  test('is started again after an error that nobody caught', () => {
    const site = Site.serving();
    site.child(0).exit(1);
    expect(site.children).toHaveLength(2);
  });

  test('waits twice as long after each crash in a row, half a minute at most', async () => {
    const site = Site.serving();
    const waits: number[] = [];
    for (let crash = 0; crash < 12; crash += 1) {
      const before = site.children.length;
      site.child(before - 1).say({ type: 'ready' });
      site.child(before - 1).exit(null, 'SIGSEGV');
      let waited = 0;
      while (site.children.length === before) {
        waited += 250;
        await site.wait(250);
      }
      waits.push(waited);
    }
    expect(waits.slice(0, 5)).toEqual([0, 250, 500, 1_000, 2_000]);
    expect(waits.at(-1)).toBe(supervisorLimits.longestDelay);
  });

  test('is started again at once where it served for longer than it would have to wait', async () => {
    const site = Site.serving();
    for (let crash = 0; crash < 5; crash += 1) {
      const last = site.children.length - 1;
      site.child(last).say({ type: 'ready' });
      await site.wait(2_500);
      site.child(last).exit(null, 'SIGKILL');
      expect(site.children).toHaveLength(last + 2);
    }
    // The sixth in a row would wait for 4 s.
    site.child(5).say({ type: 'ready' });
    await site.wait(2_500);
    site.child(5).exit(null, 'SIGKILL');
    expect(site.children).toHaveLength(6);
    await site.wait(1_499);
    expect(site.children).toHaveLength(6);
    await site.wait(1);
    expect(site.children).toHaveLength(7);
  });

  test('waits in full where it was long in starting and never served', async () => {
    const site = Site.serving();
    site.child(0).exit(null, 'SIGKILL');
    await site.wait(5_000);
    site.child(1).exit(null, 'SIGKILL');
    expect(site.children).toHaveLength(2);
    await site.wait(supervisorLimits.firstDelay);
    expect(site.children).toHaveLength(3);
  });

  test('has not crashed in a row when it had served for a minute', async () => {
    const site = Site.serving();
    site.child(0).exit(null, 'SIGKILL');
    site.child(1).say({ type: 'ready' });
    await site.wait(supervisorLimits.settled);
    site.child(1).exit(null, 'SIGKILL');
    expect(site.children).toHaveLength(3);
  });

  test('that cannot start any more is tried again and again: it has served before', async () => {
    const site = Site.serving();
    site.child(0).exit(null, 'SIGKILL');
    for (let start = 1; start < 8; start += 1) {
      site.child(start).exit(1);
      await site.wait(supervisorLimits.longestDelay);
    }
    expect(site.children).toHaveLength(9);
    expect(site.code).toBeUndefined();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('gets %s, and its exit code is the end', async (signal) => {
    const site = Site.serving();
    site.supervisor.signal(signal);
    expect(site.child(0).signals).toEqual([signal]);
    site.child(0).exit(0);
    await site.wait(0);
    expect(site.code).toBe(0);
    expect(site.children).toHaveLength(1);
  });

  test('gets SIGHUP, and goes on', async () => {
    const site = Site.serving();
    site.supervisor.signal('SIGHUP');
    expect(site.child(0).signals).toEqual(['SIGHUP']);
    await site.wait(0);
    expect(site.code).toBeUndefined();
  });

  test('that ended in order is not started again', async () => {
    const site = Site.serving();
    site.child(0).exit(0);
    await site.wait(0);
    expect(site.code).toBe(0);
  });

  test('is not started any more when the supervisor is told to end between two of them', async () => {
    const site = Site.serving();
    site.child(0).exit(null, 'SIGKILL');
    site.child(1).exit(null, 'SIGKILL');
    site.supervisor.signal('SIGTERM');
    await site.wait(supervisorLimits.longestDelay);
    expect(site.code).toBe(0);
    expect(site.children).toHaveLength(2);
  });
});

describe('a first start', () => {
  test.each([1, 2])('that is refused with code %d is the end: it would be refused again', async (code) => {
    const site = new Site();
    site.child(0).exit(code);
    await site.wait(0);
    expect(site.code).toBe(code);
    expect(site.children).toHaveLength(1);
  });

  test('that crashes is tried three times', async () => {
    const site = new Site();
    for (let start = 0; start < supervisorLimits.firstStarts; start += 1) {
      await site.wait(supervisorLimits.longestDelay);
      site.child(start).exit(null, 'SIGSEGV');
    }
    await site.wait(supervisorLimits.longestDelay);
    expect(site.code).toBe(139);
    expect(site.children).toHaveLength(3);
  });
});

describe('an upgrade', () => {
  function upgrading(): Site {
    const site = Site.serving();
    site.supervisor.signal('SIGUSR2');
    site.child(1).say({ type: 'up' });
    return site;
  }

  test('begins a process that succeeds, and tells the one that serves of it', () => {
    const site = upgrading();
    expect(site.child(1).role).toBe('succeed');
    expect(site.child(0).told).toEqual([{ type: 'successor', pid: 102 }]);
  });

  test('is what the process asks for whose operator does', () => {
    const site = Site.serving();
    site.child(0).say({ type: 'upgrade' });
    expect(site.child(1).role).toBe('succeed');
  });

  test('passes on what the two say to each other, unread', () => {
    const site = upgrading();
    site.child(0).say({ type: 'peer', message: { v: 7, strange: true } } satisfies FromChild);
    site.child(1).say({ type: 'peer', message: 'hello' } satisfies FromChild);
    expect(site.child(1).told).toEqual([{ type: 'peer', message: { v: 7, strange: true } }]);
    expect(site.child(0).told.at(-1)).toEqual({ type: 'peer', message: 'hello' });
  });

  test('is done when the new one serves: the old one is told, and killed should it stay', async () => {
    const site = upgrading();
    site.child(1).say({ type: 'ready' });
    expect(site.child(0).told.at(-1)).toEqual({ type: 'taken-over' });
    site.supervisor.signal('SIGHUP');
    expect(site.child(1).signals).toEqual(['SIGHUP']);
    await site.wait(supervisorLimits.leave);
    expect(site.child(0).signals).toEqual(['SIGKILL']);
    site.child(0).exit(null, 'SIGKILL');
    expect(site.children).toHaveLength(2);
  });

  test('leaves one that is kept running as any other', async () => {
    const site = upgrading();
    site.child(1).say({ type: 'ready' });
    site.child(0).exit(0);
    site.child(1).exit(null, 'SIGKILL');
    expect(site.child(2).role).toBe('serve');
    site.child(2).say({ type: 'ready' });
    site.supervisor.signal('SIGUSR2');
    expect(site.child(3).role).toBe('succeed');
    await site.wait(0);
    expect(site.code).toBeUndefined();
  });

  test('fails when the new one ends, and the old one is told why', () => {
    const site = upgrading();
    site.child(1).exit(1);
    expect(site.child(0).told.at(-1)).toEqual({ type: 'successor-gone', reason: 'the successor ended with code 1' });
    site.supervisor.signal('SIGUSR2');
    expect(site.children).toHaveLength(3);
  });

  test('is given up where the old one says so: the new one is killed, and told of only when it is gone', () => {
    const site = upgrading();
    site.child(0).say({ type: 'abandon', reason: 'it was late' });
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    expect(site.child(0).told).toHaveLength(1);
    site.child(1).exit(null, 'SIGKILL');
    expect(site.child(0).told.at(-1)).toEqual({ type: 'successor-gone', reason: 'it was late' });
  });

  test('is given up when nothing comes of it', async () => {
    const site = upgrading();
    await site.wait(supervisorLimits.upgrade);
    expect(site.child(1).signals).toEqual(['SIGKILL']);
  });

  test('ends with the process before: the next one starts when both are gone', () => {
    const site = upgrading();
    site.child(0).exit(null, 'SIGKILL');
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    expect(site.children).toHaveLength(2);
    site.child(1).exit(null, 'SIGKILL');
    expect(site.child(2).role).toBe('serve');
  });

  test('is refused while another is under way, and before anything serves', () => {
    const site = upgrading();
    site.supervisor.signal('SIGUSR2');
    expect(site.children).toHaveLength(2);
    expect(site.child(0).told.at(-1)).toEqual({ type: 'successor-gone', reason: 'an upgrade is under way' });
    const starting = new Site();
    starting.supervisor.signal('SIGUSR2');
    expect(starting.children).toHaveLength(1);
  });

  test('gives way when the supervisor is told to end', async () => {
    const site = upgrading();
    site.supervisor.signal('SIGTERM');
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    expect(site.child(0).signals).toEqual(['SIGTERM']);
    site.child(1).exit(null, 'SIGKILL');
    site.child(0).exit(0);
    await site.wait(0);
    expect(site.code).toBe(0);
  });

  test('passes over what it does not know', () => {
    const site = upgrading();
    site.child(1).say({ type: 'something-newer' });
    site.child(0).say({ type: 'something-newer' });
    expect(site.child(0).told).toHaveLength(1);
  });
});

describe('a process that stands by', () => {
  /** One that serves, and one that waits for the case that it crashes. */
  async function standing(): Promise<Site> {
    const site = new Site();
    site.child(0).say({ type: 'ready', spare: true });
    await site.wait(spareLimits.delay);
    site.child(1).say({ type: 'up' });
    site.child(0).say({ type: 'spare', message: 'what there is' });
    site.child(1).say({ type: 'prepared' });
    return site;
  }

  test('is started a while after the one that serves, and is told by that one what there is', async () => {
    const site = await standing();
    expect(site.child(1).role).toBe('spare');
    expect(site.child(0).told).toEqual([{ type: 'spare' }]);
    expect(site.child(1).told).toEqual([{ type: 'peer', message: 'what there is' }]);
  });

  test('is not started where none is wanted', async () => {
    const site = Site.serving();
    await site.wait(60_000);
    expect(site.children).toHaveLength(1);
  });

  test('takes over at once when the one that serves crashes, and another one is started when it serves', async () => {
    const site = await standing();
    site.child(0).exit(null, 'SIGKILL');
    expect(site.child(1).told.at(-1)).toEqual({ type: 'take-over' });
    expect(site.children).toHaveLength(2);
    site.child(1).say({ type: 'ready', spare: true });
    await site.wait(spareLimits.delay);
    expect(site.child(2).role).toBe('spare');
    site.child(1).exit(null, 'SIGSEGV');
    expect(site.child(2).signals).toEqual(['SIGKILL']);
    await site.wait(250);
    expect(site.child(3).role).toBe('serve');
  });

  test('that was not prepared is killed, and one that begins by itself is started instead', async () => {
    const site = new Site();
    site.child(0).say({ type: 'ready', spare: true });
    await site.wait(spareLimits.delay);
    site.child(0).exit(null, 'SIGKILL');
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    await site.wait(250);
    expect(site.child(2).role).toBe('serve');
  });

  test('is started anew when what it has read may have changed', async () => {
    const site = await standing();
    site.child(0).say({ type: 'changed' });
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    site.child(1).exit(null, 'SIGKILL');
    await site.wait(spareLimits.delay);
    expect(site.child(2).role).toBe('spare');
  });

  test('gives way to an upgrade, and is there again afterwards', async () => {
    const site = await standing();
    site.supervisor.signal('SIGUSR2');
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    expect(site.child(2).role).toBe('succeed');
    site.child(2).say({ type: 'ready', spare: true });
    await site.wait(spareLimits.delay);
    expect(site.child(3).role).toBe('spare');
  });

  test('is there again after an upgrade that failed', async () => {
    const site = await standing();
    site.supervisor.signal('SIGUSR2');
    site.child(2).exit(1);
    await site.wait(spareLimits.delay);
    expect(site.child(3).role).toBe('spare');
  });

  test('that ends by itself is started again, ever more patiently, and the one that serves is left alone', async () => {
    const site = await standing();
    site.child(1).exit(1);
    await site.wait(2 * spareLimits.delay);
    site.child(2).exit(1);
    await site.wait(2 * spareLimits.delay);
    expect(site.children).toHaveLength(3);
    await site.wait(2 * spareLimits.delay);
    expect(site.children).toHaveLength(4);
    expect(site.child(0).signals).toEqual([]);
  });

  test('ends with the supervisor', async () => {
    const site = await standing();
    site.supervisor.signal('SIGTERM');
    expect(site.child(1).signals).toEqual(['SIGKILL']);
    site.child(0).exit(0);
    await site.wait(0);
    expect(site.code).toBe(0);
    await site.wait(60_000);
    expect(site.children).toHaveLength(2);
  });
});
