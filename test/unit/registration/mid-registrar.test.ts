// The mid-registrar: one registration towards a PBX for each AoR, whatever order phones and PBX do things in.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MidInput, MidOutput, PbxAnswer, TimerKey } from '../../../src/registration/mid-event.ts';
import { defaultMidLimits, MidRegistrar, maxSeconds, minRefresh } from '../../../src/registration/mid-registrar.ts';
import { SeededRandom } from '../../support/fake-time.ts';

const accepted: PbxAnswer = { kind: 'accepted', seconds: 3_600, holds: true };
const forgotten: PbxAnswer = { kind: 'accepted', seconds: 3_600, holds: false };
const silent: PbxAnswer = { kind: 'failed', status: 504, isSilent: true };
const broken: PbxAnswer = { kind: 'failed', status: 500, isSilent: false };
const alice = 'alice@pbx.test';
const bob = 'bob@pbx.test';

/** The machine with its outputs as short texts, and its timers. */
class MidKit {
  readonly timers = new Map<string, number>();
  readonly sequences: number[] = [];
  readonly callIds = new Set<string>();
  readonly machine: MidRegistrar;

  constructor(limits: Partial<typeof defaultMidLimits> = {}) {
    this.machine = new MidRegistrar(new SeededRandom(3), { ...defaultMidLimits, ...limits });
  }

  do(input: MidInput): readonly string[] {
    return this.machine.handle(input).flatMap((output) => this.#note(output));
  }

  bound(aor = alice, lifetime = 60_000): readonly string[] {
    return this.do({ type: 'bound', aor, lifetime });
  }

  answer(answer: PbxAnswer, aor = alice): readonly string[] {
    return this.do({ type: 'answered', aor, answer });
  }

  /** alice is at the PBX. */
  held(aor = alice): void {
    this.bound(aor);
    this.answer(accepted, aor);
  }

  #note(output: MidOutput): readonly string[] {
    switch (output.type) {
      case 'start':
        this.timers.set(output.key, output.after);
        return [];
      case 'stop':
        this.timers.delete(output.key);
        return [];
      case 'register':
        this.sequences.push(output.sequence);
        this.callIds.add(output.callId);
        return [`register ${output.aor} ${output.seconds}`];
      case 'settled':
        return [`settled ${output.status ?? 'ok'}`];
      case 'probe':
        return [`probe ${output.aor}`];
      case 'told':
        return [output.what];
      case 'refused':
        return [`refused ${output.status}`];
      default:
        return output satisfies never;
    }
  }
}

describe('an AoR', () => {
  it('is registered once, and its phone waits for the PBX', () => {
    const kit = new MidKit();
    expect(kit.bound()).toEqual([`register ${alice} 3600`]);
    expect(kit.answer(accepted)).toEqual(['settled ok']);
  });

  it('answers refreshes of phones without the PBX', () => {
    const kit = new MidKit();
    kit.held();
    expect(kit.bound()).toEqual(['settled ok']);
    expect(kit.bound()).toEqual(['settled ok']);
  });

  it('whose phone comes back while its removal waits for its turn stays at the PBX', () => {
    const kit = new MidKit({ inFlight: 1 });
    kit.held();
    kit.bound(bob);
    expect(kit.do({ type: 'unbound', aor: alice })).toEqual(['settled 480']);
    expect(kit.bound()).toEqual(['settled ok']);
    expect(kit.answer(accepted, bob)).toEqual(['settled ok', `register ${alice} 3600`]);
    expect(kit.answer(accepted)).toEqual(['settled ok']);
  });

  it('whose phone left before the PBX answered, and comes back while that is made good, is registered anew', () => {
    const kit = new MidKit();
    kit.bound();
    kit.do({ type: 'unbound', aor: alice });
    expect(kit.answer(accepted)).toContain(`register ${alice} 0`);
    expect(kit.bound()).toEqual([]);
    expect(kit.answer(accepted)).toEqual([`register ${alice} 3600`]);
    expect(kit.answer(accepted)).toEqual(['settled ok']);
  });

  it('is removed once, however often it is said that its phones are gone', () => {
    const kit = new MidKit();
    kit.held();
    expect(kit.do({ type: 'unbound', aor: alice })).toEqual(['settled 480', `register ${alice} 0`]);
    expect(kit.do({ type: 'unbound', aor: alice })).toEqual(['settled 480']);
    expect(kit.answer(accepted)).toEqual([]);
    expect(kit.machine.size).toBe(0);
  });

  it('whose removal failed, and whose phone comes back before it is tried again, is asked for and not removed', () => {
    const kit = new MidKit();
    kit.held();
    expect(kit.do({ type: 'unbound', aor: alice })).toEqual(['settled 480', `register ${alice} 0`]);
    kit.answer(broken);
    expect(kit.bound()).toEqual([`register ${alice} 3600`]);
    expect(kit.timers.has(`again ${alice}`)).toBe(false);
  });

  it('is refreshed after six to nine tenths of what the PBX grants, under the same Call-ID with rising CSeq', () => {
    const kit = new MidKit();
    kit.held();
    const after = kit.timers.get(`again ${alice}`) ?? 0;
    expect(after).toBeGreaterThanOrEqual(3_600 * 600);
    expect(after).toBeLessThan(3_600 * 900);
    expect(kit.do({ type: 'timer', key: `again ${alice}` })).toEqual([`register ${alice} 3600`]);
    expect(kit.callIds.size).toBe(1);
    expect(kit.sequences).toEqual([4, 8]);
  });

  it('is refreshed no more often than every quarter of a minute, whatever the PBX grants', () => {
    const kit = new MidKit();
    kit.bound();
    kit.answer({ ...accepted, seconds: 1 });
    expect(kit.timers.get(`again ${alice}`)).toBe(minRefresh);
  });

  it('passes the refusal of the PBX, and asks it again for the next phone', () => {
    const kit = new MidKit();
    kit.bound();
    expect(kit.answer({ kind: 'refused', status: 403 })).toEqual(['refused 403', 'settled 403']);
    expect(kit.machine.size).toBe(0);
    expect(kit.timers.size).toBe(0);
    expect(kit.bound()).toEqual([`register ${alice} 3600`]);
  });

  it('takes the longer interval of a 423, and refuses one beyond a day', () => {
    const kit = new MidKit();
    kit.bound();
    expect(kit.answer({ kind: 'too-brief', minExpires: 7_200 })).toEqual([`register ${alice} 7200`]);
    expect(kit.answer({ kind: 'too-brief', minExpires: maxSeconds + 1 })).toEqual(['refused 500', 'settled 500']);
  });

  it('is removed when the last phone is gone', () => {
    const kit = new MidKit();
    kit.held();
    expect(kit.do({ type: 'unbound', aor: alice })).toContain(`register ${alice} 0`);
    kit.answer(accepted);
    expect(kit.machine.size).toBe(0);
    expect(kit.timers.size).toBe(0);
  });

  it('is removed when the last binding lapses', () => {
    const kit = new MidKit();
    kit.held();
    expect(kit.timers.get(`lapse ${alice}`)).toBe(60_000);
    expect(kit.do({ type: 'timer', key: `lapse ${alice}` })).toContain(`register ${alice} 0`);
  });

  it('is removed after all when its phone left before the PBX answered', () => {
    const kit = new MidKit();
    kit.bound();
    expect(kit.do({ type: 'unbound', aor: alice })).toEqual(['settled 480']);
    expect(kit.answer(accepted)).toContain(`register ${alice} 0`);
  });

  it('is registered anew when a phone came while it was being removed', () => {
    const kit = new MidKit();
    kit.held();
    kit.do({ type: 'unbound', aor: alice });
    expect(kit.bound()).toEqual([]);
    expect(kit.answer(accepted)).toEqual([`register ${alice} 3600`]);
    expect(kit.answer(accepted)).toEqual(['settled ok']);
  });

  it('is tried again later when the PBX fails, while phones that it had accepted stay', () => {
    const kit = new MidKit();
    kit.held();
    kit.do({ type: 'timer', key: `again ${alice}` });
    expect(kit.answer(broken)).toEqual(['settled 500']);
    expect(kit.bound()).toEqual(['settled ok']);
    expect(kit.timers.get(`again ${alice}`)).toBeGreaterThanOrEqual(defaultMidLimits.retryInterval);
    expect(kit.do({ type: 'timer', key: `again ${alice}` })).toEqual([`register ${alice} 3600`]);
  });

  it('is given up after a few attempts at removing it', () => {
    const kit = new MidKit();
    kit.held();
    kit.do({ type: 'unbound', aor: alice });
    for (let attempt = 1; attempt < defaultMidLimits.removals; attempt += 1) {
      kit.answer(broken);
      kit.do({ type: 'timer', key: `again ${alice}` });
    }
    kit.answer(broken);
    expect(kit.machine.size).toBe(0);
  });
});

describe('a PBX', () => {
  it('that does not list what it had is told everything again', () => {
    const kit = new MidKit();
    kit.held();
    kit.held(bob);
    expect(kit.do({ type: 'timer', key: 'probe' })).toEqual([`probe ${alice}`]);
    expect(kit.do({ type: 'probed', answer: forgotten })).toEqual([
      'forgot',
      `register ${alice} 3600`,
      `register ${bob} 3600`,
    ]);
  });

  it('that lists it is left alone, and asked about another AoR next time', () => {
    const kit = new MidKit();
    kit.held();
    kit.held(bob);
    kit.do({ type: 'timer', key: 'probe' });
    expect(kit.do({ type: 'probed', answer: accepted })).toEqual([]);
    expect(kit.timers.get('probe')).toBe(defaultMidLimits.probeInterval);
    expect(kit.do({ type: 'timer', key: 'probe' })).toEqual([`probe ${bob}`]);
  });

  it('is not believed to have forgotten what was being removed', () => {
    const kit = new MidKit();
    kit.held();
    kit.do({ type: 'timer', key: 'probe' });
    kit.do({ type: 'unbound', aor: alice });
    expect(kit.do({ type: 'probed', answer: forgotten })).toEqual([]);
  });

  it('that was silent and speaks again is told everything again, one request at a time until then', () => {
    const kit = new MidKit();
    kit.held();
    kit.held(bob);
    kit.do({ type: 'timer', key: 'probe' });
    expect(kit.do({ type: 'probed', answer: silent })).toEqual(['lost']);
    expect(kit.do({ type: 'timer', key: `again ${alice}` })).toEqual([`register ${alice} 3600`]);
    expect(kit.do({ type: 'timer', key: `again ${bob}` })).toEqual([]);
    expect(kit.answer(accepted)).toEqual(['settled ok', 'back', `register ${bob} 3600`, `register ${alice} 3600`]);
  });

  it('gets so many requests at once and no more, those of waiting phones first', () => {
    const kit = new MidKit({ inFlight: 1 });
    kit.held();
    kit.held(bob);
    kit.do({ type: 'timer', key: 'probe' });
    expect(kit.do({ type: 'probed', answer: forgotten })).toEqual(['forgot', `register ${alice} 3600`]);
    expect(kit.bound('carol@pbx.test')).toEqual([]);
    expect(kit.answer(accepted)).toEqual(['settled ok', 'register carol@pbx.test 3600']);
    expect(kit.answer(accepted, 'carol@pbx.test')).toContain(`register ${bob} 3600`);
  });

  it('that is none of ours any more is relieved of everything', () => {
    const kit = new MidKit();
    kit.held();
    kit.held(bob);
    expect(kit.do({ type: 'withdraw' })).toEqual([
      'settled 480',
      'settled 480',
      `register ${alice} 0`,
      `register ${bob} 0`,
    ]);
  });
});

describe('in any order of what phones and PBX do', () => {
  type Step = readonly [what: 'bound' | 'unbound' | 'answer' | 'timer' | 'restart' | 'probed', n: number];
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('bound', 'unbound', 'answer', 'timer', 'restart', 'probed'),
    fc.nat({ max: 11 }),
  );

  /** A PBX that keeps what it accepted, and is told what the machine sends. */
  class Model {
    readonly kit: { readonly machine: MidRegistrar } = { machine: new MidRegistrar(new SeededRandom(9)) };
    readonly holds = new Set<string>();
    readonly out = new Map<string, number>();
    readonly bound = new Set<string>();
    readonly timers = new Set<TimerKey>();
    readonly refused = new Set<string>();
    probe: string | undefined;

    feed(input: MidInput): void {
      for (const output of this.kit.machine.handle(input)) {
        if (output.type === 'start') this.timers.add(output.key);
        else if (output.type === 'stop') this.timers.delete(output.key);
        else if (output.type === 'probe') this.probe = output.aor;
        else if (output.type === 'refused') this.refused.add(output.aor);
        else if (output.type === 'register') {
          expect(this.out.has(output.aor), `two requests for ${output.aor}`).toBe(false);
          this.out.set(output.aor, output.seconds);
        }
      }
    }

    answer(aor: string, kind: number): void {
      const seconds = this.out.get(aor);
      if (seconds === undefined) return;
      this.out.delete(aor);
      if (kind < 8) {
        if (seconds > 0) this.holds.add(aor);
        else this.holds.delete(aor);
      }
      const answer: PbxAnswer = kind < 8 ? accepted : kind < 9 ? { kind: 'refused', status: 403 } : silent;
      if (answer.kind === 'refused') this.holds.delete(aor);
      this.feed({ type: 'answered', aor, answer });
    }

    step([what, n]: Step): void {
      const aor = `user${n % 3}`;
      if (what === 'bound') {
        this.bound.add(aor);
        this.refused.delete(aor);
        this.feed({ type: 'bound', aor, lifetime: 60_000 });
      } else if (what === 'unbound') {
        this.bound.delete(aor);
        this.feed({ type: 'unbound', aor });
      } else if (what === 'answer') this.answer(aor, n);
      else if (what === 'restart') this.holds.clear();
      else if (what === 'timer') this.#fire([...this.timers].at(n));
      else if (this.probe !== undefined) this.probed();
    }

    probed(): void {
      const holds = this.probe !== undefined && this.holds.has(this.probe);
      this.probe = undefined;
      this.feed({ type: 'probed', answer: { kind: 'accepted', seconds: 3_600, holds } });
    }

    /** The PBX answers everything; retries and refreshes come due. */
    settle(): void {
      for (let round = 0; round < 20; round += 1) {
        for (const aor of [...this.out.keys()]) this.answer(aor, 0);
        for (const key of [...this.timers]) if (!key.startsWith('lapse')) this.#fire(key);
        if (this.probe !== undefined) this.probed();
      }
      for (const aor of [...this.out.keys()]) this.answer(aor, 0);
    }

    #fire(key: TimerKey | undefined): void {
      if (key === undefined || !this.timers.delete(key)) return;
      if (key.startsWith('lapse ')) this.bound.delete(key.slice('lapse '.length));
      this.feed({ type: 'timer', key: key });
    }
  }

  it('the PBX ends up with exactly the AoRs that have phones, and with nothing when all are gone', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const model = new Model();
        for (const one of steps) model.step(one);
        model.settle();
        const wanted = [...model.bound].filter((aor) => !model.refused.has(aor)).toSorted();
        expect([...model.holds].toSorted()).toEqual(wanted);
        for (const aor of model.bound) model.feed({ type: 'unbound', aor });
        model.settle();
        expect({ holds: model.holds.size, entries: model.kit.machine.size, timers: [...model.timers] }).toEqual({
          holds: 0,
          entries: 0,
          timers: [],
        });
      }),
    );
  });
});
