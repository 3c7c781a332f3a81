// Processes on one state directory that are killed one after the other, and their peers at the next one.
import { keepSoon } from '../../src/compose/keeping/call-keeper.ts';
import { stateOf, temporaryDirectory } from '../unit/store/stores.ts';
import { FakeClock, FakeScheduler } from './fake-time.ts';
import { Scenario, type ScenarioOptions } from './scenario.ts';
import { PeerLeg } from './scenario-peer.ts';
import { ScenarioPhone } from './scenario-phone.ts';

/** Between a kill and the next process. */
export const downtime = 3_000;

/** SBCs on one state directory, one after the other. None of them is stopped: time stands still for the one before. */
export class Restarts {
  readonly #directory = temporaryDirectory();
  readonly #options: ScenarioOptions;
  #runs = 0;

  constructor(options: ScenarioOptions = {}) {
    this.#options = options;
  }

  start(before?: Scenario, options: ScenarioOptions = {}): Scenario {
    this.#runs += 1;
    const clock = new FakeClock();
    if (before !== undefined) {
      // What was reached last is written by then.
      before.scheduler.advance(keepSoon);
      clock.jumpWall(before.scheduler.clock.wall() - clock.wall() + downtime - keepSoon);
    }
    const scheduler = new FakeScheduler(clock);
    return new Scenario({
      ...this.#options,
      ...options,
      seed: this.#runs,
      scheduler,
      state: stateOf(this.#directory, clock),
    });
  }
}

/** The phone at another SBC, over a new connection from the same address. */
export function returned(s: Scenario, phone: ScenarioPhone): ScenarioPhone {
  const flow = s.wire.flow('phones', phone.flow.remote, 77);
  const back = new ScenarioPhone({ name: phone.name, wire: s.wire, flow, settle: s.settle });
  s.wire.connect(back);
  return back;
}

/** That side of a dialog at another SBC. */
export function legAt(peer: ConstructorParameters<typeof PeerLeg>[0], { state }: PeerLeg): PeerLeg {
  return new PeerLeg(peer, { ...state });
}
