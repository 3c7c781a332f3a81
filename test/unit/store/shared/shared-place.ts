// Calls, registrations and bans of one node in a store that nodes share, for the suite of what every store promises: the next process is
// the node next, and finds what is there. Whatever nodes keep by themselves is in memory.
import { silentLogger } from '../../../../src/core/logger.ts';
import { parseKeyFile } from '../../../../src/sip/auth/sealing.ts';
import { SealingWriter } from '../../../../src/store/shared/call-writer.ts';
import { SharedBans } from '../../../../src/store/shared/shared-bans.ts';
import { SharedCalls } from '../../../../src/store/shared/shared-calls.ts';
import { SharedLocations } from '../../../../src/store/shared/shared-locations.ts';
import type { SharedStore } from '../../../../src/store/shared/shared-store.ts';
import type { Stores } from '../../../../src/store/stores.ts';
import { type FakeClock, SeededRandom } from '../../../support/fake-time.ts';
import { MemoryPlace } from '../../../support/memory-place.ts';
import type { Place } from '../conformance/place.ts';
import { scheduler } from '../redis/redis.ts';

const node = 'one';

/** The store as that run of the node sees it. */
export type OpenShared = (
  node: string,
  run: string,
  clock: FakeClock,
) => Promise<{ readonly store: SharedStore; close(): void }>;

export class SharedPlace implements Place {
  readonly #openShared: OpenShared;
  readonly #alone = new MemoryPlace();
  #runs = 0;

  constructor(openShared: OpenShared) {
    this.#openShared = openShared;
  }

  async open(clock: FakeClock): Promise<Stores> {
    this.#runs += 1;
    const run = `run-${this.#runs}`;
    const { store, close } = await this.#openShared(node, run, clock);
    await store.own('at-once');
    // Of this process only: what the next one finds comes from the store.
    const own = new MemoryPlace().open(run, clock.wall());
    const link = {
      isUp: true,
      doubt: () => {
        throw new Error('the store did not do what it was asked');
      },
    };
    const common = { node, run, store, link, logger: silentLogger };
    const writer = new SealingWriter({ store, keys, random: new SeededRandom() });
    const calls = new SharedCalls({ ...common, writer, keys, onTrouble: link.doubt, scheduler });
    const bans = new SharedBans({ ...common, own: own.bans });
    const locations = new SharedLocations({ ...common, own: own.locations });
    await Promise.all([calls.fetch(), bans.fetch()]);
    return {
      ...this.#alone.open(run, clock.wall()),
      calls,
      bans,
      locations,
      flush: async () => {
        await calls.flush();
        // Answered behind every ban that was sent before.
        await store.bans();
      },
      close: async () => {
        await store.disown();
        close();
      },
    };
  }
}

const parsed = parseKeyFile(`k1:${Buffer.alloc(32, 7).toString('base64')}`);
if (!parsed.ok) throw new Error(parsed.error);
const keys = parsed.value;
