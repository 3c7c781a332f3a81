// What stands below signalling: the state directory, the store that nodes share, the stores, and media; beside the process before, if there is one.
import { systemRandom } from '../core/random.ts';
import type { Successor } from '../handover/successor.ts';
import { readDescriptorLimit } from '../media/packet-io/descriptor-limit.ts';
import type { MediaHandover, MediaPlane } from '../media/plane/media-plane.ts';
import type { StoreTrouble } from '../store/sqlite/sqlite-stores.ts';
import type { Stores } from '../store/stores.ts';
import { isListenerOf } from './handing-over.ts';
import { type KeptState, openKeptState } from './keeping/kept-state.ts';
import { openMedia } from './media.ts';
import { SiteConnection, type SiteConnectionParts } from './nodes/open-shared-site.ts';
import type { Opened } from './opened.ts';
import type { Rooms } from './rooms.ts';

export interface GroundParts extends Omit<SiteConnectionParts, 'run' | 'random'> {
  /** Gets everything that is opened. */
  readonly opened: Opened;
  /** Of the process whose place this one takes. */
  readonly before: Successor | undefined;
  /** Where accounts are, for all processes of this machine. */
  readonly accounts: string;
  readonly onStoreTrouble: (trouble: StoreTrouble) => void;
}

export interface Ground {
  readonly kept: KeptState;
  /** Undefined: this node stands alone. */
  readonly connection: SiteConnection | undefined;
  readonly own: Stores;
  readonly media: MediaPlane & MediaHandover;
  /** Sockets of listeners that the process before passed on, by name. */
  readonly inherited: ReadonlyMap<string, number>;
  /** What is to stand on it, and has been read meanwhile. */
  readonly rooms: Rooms;
}

/** Opens it. Rejects with SbcError; what was opened until then is in `opened`. */
export async function openGround({ opened, before, accounts, onStoreTrouble, ...parts }: GroundParts): Promise<Ground> {
  const { config, stateDir, scheduler, logger } = parts;
  // Its files are open then: a newer program brings them up to date.
  const after = await before?.offered();
  const kept = opened.add(openKeptState(stateDir, { accounts, scheduler, logger }));
  const connection = opened.add(await SiteConnection.open({ ...parts, run: kept.run, random: systemRandom }));
  const descriptors = await readDescriptorLimit();
  const opening = openMedia(config, { stateDir, descriptors, after, scheduler, logger });
  const reading = import('./rooms.ts');
  // What the process before keeps is read when it does not change any more; it stands still from then on, and nothing else is to be waited for.
  const left = before && Promise.all([opening, reading]).then(() => before.frozen(isListenerOf(config)));
  const threads = opened.both(kept.openStores(onStoreTrouble, left), opening);
  const [[own, media], { rooms }] = await Promise.all([threads, reading]);
  return { kept, connection, own, media, inherited: (await left) ?? new Map(), rooms };
}
