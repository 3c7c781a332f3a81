// Signalling over what was opened before it: the secrets of its nonces, where its records go, and what other nodes and past records say.
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { systemRandom } from '../../core/random.ts';
import { NftSet } from '../../observe/nft-set.ts';
import type { RecentCalls } from '../../observe/recent-calls.ts';
import type { Stores } from '../../store/stores.ts';
import { fraudHistory } from '../fraud/fraud-history.ts';
import type { CallRecords } from '../keeping/call-records.ts';
import { loadSecret } from '../keeping/state-files.ts';
import { nonceSecretOf } from '../nodes/open-shared-site.ts';
import type { SharedSite } from '../nodes/shared-site.ts';
import { Signalling } from './signalling.ts';
import type { SignallingOptions } from './signalling-rooms.ts';

type Given =
  | 'config'
  | 'configFile'
  | 'environment'
  | 'users'
  | 'totp'
  | 'media'
  | 'embedded'
  | 'hep'
  | 'scheduler'
  | 'background'
  | 'logger'
  | 'isAvailable'
  | 'place'
  | 'onAlert';

export interface OpenSignallingParts extends Pick<SignallingOptions, Given> {
  readonly stateDir: string;
  /** Of this process. */
  readonly run: string;
  /** What this node keeps for itself. */
  readonly own: Stores;
  /** Undefined: this node stands alone. */
  readonly shared: SharedSite | undefined;
  readonly records: CallRecords;
  readonly recent: RecentCalls;
}

/** Nothing is bound yet. Throws SbcError when a file or secret that the configuration names is not there. */
export function openSignalling(parts: OpenSignallingParts): Signalling {
  const { stateDir, run, own, shared, records, recent, ...given } = parts;
  const { config, configFile, logger } = given;
  const secret = loadSecret(join(stateDir, 'secret'), systemRandom);
  const { nft_set: set } = config.bans;
  const signalling = new Signalling({
    ...given,
    secret,
    nonceSecret: shared === undefined ? undefined : nonceSecretOf(secret, run),
    stores: shared?.stores ?? own,
    shared,
    firewall: set === undefined ? undefined : new NftSet({ set, logger }),
    random: systemRandom,
    onRecord: (record) => {
      records.write(record);
      recent.add(record);
    },
    onRecordAgain: (record) => {
      records.writeAgain(record);
      recent.add(record);
    },
  });
  shared?.attach({
    banned: (record) => signalling.bans.adopt(record),
    banLifted: (target) => signalling.bans.adoptLift(target),
    keepAnew: () => signalling.keeper.keepAnew(),
    counted: (event) => signalling.fraud.observe(event),
    held: (hold) => signalling.fraud.adopt(hold),
    holdLifted: (subject) => signalling.fraud.adoptLift(subject),
    deviceDecided: (record) => signalling.devices.adopt(record),
    deviceForgotten: (id) => void signalling.devices.adoptForgotten({ id }),
  });
  const file = join(stateDir, 'cdr', 'cdr.db');
  signalling.fraud.replay(fraudHistory({ config, configFile, file, now: systemClock.wall(), logger }));
  return signalling;
}
