// What TLS session tickets are sealed with, where several processes share a listener: the oldest keys that any of them has, so that a phone
// resumes its session at each of them, and one that is started again goes on with those of the others. Never on a disk.
import type { EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';

/** As Node takes them: a name, and keys for sealing and for proving. */
const keyBytes = 48;

export interface SharedTicketKeys {
  readonly born: EpochMillis;
  /** What sessions under them were trusted by: keys of another scope are nobody's any more. */
  readonly scope: string;
  /** In base64. */
  readonly keys: string;
}

export class TicketKeys {
  readonly #random: Random;
  #current: SharedTicketKeys;

  constructor(random: Random, scope: string, now: EpochMillis) {
    this.#random = random;
    this.#current = this.#fresh(scope, now);
  }

  get shared(): SharedTicketKeys {
    return this.#current;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#current.keys, 'base64');
  }

  /** Whom we trust is another question than before: no session of then is resumed. False where it is the same. */
  renew(scope: string, now: EpochMillis): boolean {
    if (scope === this.#current.scope) return false;
    this.#current = this.#fresh(scope, now);
    return true;
  }

  /**
   * Takes those of another process where they are older; of two of one moment, the ones that both choose. `kept`: the other one is to
   * take ours.
   */
  adopt(other: SharedTicketKeys): 'taken' | 'kept' | 'same' | 'refused' {
    const { born, scope, keys } = this.#current;
    if (other.scope !== scope || Buffer.from(other.keys, 'base64').length !== keyBytes) return 'refused';
    if (other.keys === keys) return 'same';
    if (other.born > born || (other.born === born && other.keys > keys)) return 'kept';
    this.#current = { born: other.born, scope, keys: other.keys };
    return 'taken';
  }

  #fresh(scope: string, born: EpochMillis): SharedTicketKeys {
    return { born, scope, keys: Buffer.from(this.#random.bytes(keyBytes)).toString('base64') };
  }
}
