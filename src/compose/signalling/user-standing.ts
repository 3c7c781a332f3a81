// What a user has open ends at once when nothing proves it any more, whichever way it was locked: its registrations, so that it is
// neither called nor reached, and its subscriptions. Calls that run go on.
import type { Subscriptions } from '../../b2bua/subscription/subscriptions.ts';
import type { Logger } from '../../core/logger.ts';
import type { Registrar } from '../../registration/registrar.ts';

export interface UserStandingParts {
  /** Rejects when the database cannot answer. */
  readonly mayStand: (name: string, domain: string) => Promise<boolean>;
  readonly registrar: Pick<Registrar, 'signOff'>;
  readonly subscriptions: Pick<Subscriptions, 'endOf'>;
  readonly logger: Logger;
}

/** What was ended of a user that may not stand; nothing of one that may. */
export interface Standing {
  readonly stands: boolean;
  readonly registrations: number;
  readonly subscriptions: number;
}

export class UserStanding {
  readonly #parts: UserStandingParts;

  constructor(parts: UserStandingParts) {
    this.#parts = parts;
  }

  /** Looks at a user of whom something has changed. Rejects when a store cannot answer. */
  async recheck(aor: string): Promise<Standing> {
    const at = aor.lastIndexOf('@');
    const stands = await this.#parts.mayStand(aor.slice(0, at), aor.slice(at + 1));
    return stands ? { stands, registrations: 0, subscriptions: 0 } : this.end(aor);
  }

  /** Of a user that is known to be locked. Rejects when the store of registrations cannot answer: then nobody reaches it all the same. */
  async end(aor: string): Promise<Standing> {
    const { registrar, subscriptions, logger } = this.#parts;
    const ended = subscriptions.endOf(aor, 'rejected');
    const signedOff = await registrar.signOff(aor);
    logger.info('user-signed-off', { aor, registrations: signedOff, subscriptions: ended });
    return { stands: false, registrations: signedOff, subscriptions: ended };
  }
}
