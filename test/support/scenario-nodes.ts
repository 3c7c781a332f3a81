// Two SBCs of one site on a fake network, with one fake store: what one sends to the other reaches it as from its address.
import { silentLogger } from '../../src/core/logger.ts';
import { MemoryLocationStore } from '../../src/store/memory/location-store.ts';
import { SharedLocations } from '../../src/store/shared/shared-locations.ts';
import { SharedReservations } from '../../src/store/shared/shared-reservations.ts';
import { FakeSharedState, FakeSharedStore } from './fake-shared-store.ts';
import { FakeScheduler } from './fake-time.ts';
import { Scenario } from './scenario.ts';
import type { ConfigOptions } from './scenario-config.ts';

const addresses = { one: '10.0.0.10', two: '10.0.0.20' } as const;
const port = 5_060;

export interface Nodes {
  readonly state: FakeSharedState;
  readonly one: Scenario;
  readonly two: Scenario;
  /** Both have nothing left. */
  finish(): Promise<void>;
}

/** `areProcesses`: of one machine, so that each knows the tags of the other. */
export function twoNodes({ areProcesses = false, ...options }: ConfigOptions & { areProcesses?: boolean } = {}): Nodes {
  const state = new FakeSharedState();
  const scheduler = new FakeScheduler();
  const node = (name: 'one' | 'two', other: 'one' | 'two', seed: number): Scenario => {
    const run = `run-${name}`;
    const store = new FakeSharedStore({ state, node: name, run, now: () => scheduler.clock.wall() });
    const common = { store, link: { isUp: true, doubt: () => {} }, logger: silentLogger };
    const own = new MemoryLocationStore();
    const nodes = new Map(['one', 'two'].map((one, index) => [one, index + 1]));
    const place = { process: seed, processes: 2, run, folder: '/nowhere', nodes };
    return new Scenario({
      ...options,
      ...(areProcesses ? { place } : {}),
      seed,
      scheduler,
      tables: `${options.tables ?? ''}
[store]
url = "redis://10.0.0.7"
key_env = "SITE_KEY"
[cluster]
node = "${name}"
listener = "to-pbx"
[[cluster.peer]]
node = "${other}"
uri = "sip:${addresses[other]}:${port}"
accept_from = ["${addresses[other]}"]
`,
      shared: {
        locations: new SharedLocations({ node: name, run, own, ...common }),
        reservations: new SharedReservations({
          onLoss: 'refuse',
          isOwn: (key) => key === 'total',
          clock: scheduler.clock,
          ...common,
        }),
      },
    });
  };
  const [one, two] = [node('one', 'two', 1), node('two', 'one', 2)];
  const toTwo = one.wire.flow('to-pbx', { address: addresses.two, port }, 0);
  const toOne = two.wire.flow('to-pbx', { address: addresses.one, port }, 0);
  one.wire.connect(
    { flow: toTwo, deliver: (message) => two.wire.receive(message, toOne) },
    { host: addresses.two, port },
  );
  two.wire.connect(
    { flow: toOne, deliver: (message) => one.wire.receive(message, toTwo) },
    { host: addresses.one, port },
  );
  return {
    state,
    one,
    two,
    finish: async () => {
      await one.finish();
      await two.finish();
    },
  };
}
