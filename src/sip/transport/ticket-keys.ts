// What TLS session tickets are sealed with, where several processes share a listener: the oldest keys that any of them has, renewed
// every few hours, so that a phone
// resumes its session at each of them, and one that is started again goes on with those of the others. Never on a disk.
import type { EpochMillis, Millis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';

/** As Node takes them: a name, and keys for sealing and for proving. */
const keyBytes = 48;

/** No keys are older than this, and the time until the last process has noticed. */
export const renewAfter: Millis = 6 * 3_600_000;
/** Which one renews: the first, and each later one so much later, if none before it has. */
export const renewStagger: Millis = 600_000;

export interface SharedTicketKeys {
  /** How often they were renewed. */
  readonly generation: number;
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
    this.#current = this.#fresh(0, scope, now);
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
    this.#current = this.#fresh(this.#current.generation, scope, now);
    return true;
  }

  /** New keys for all, where these are old, and no process before the `process`-th has done it. */
  age(process: number, now: EpochMillis): boolean {
    const { generation, born, scope } = this.#current;
    if (now - born < renewAfter + (process - 1) * renewStagger) return false;
    this.#current = this.#fresh(generation + 1, scope, now);
    return true;
  }

  /**
   * Takes those of another process where they were renewed later, or else are older; of two of one moment, the ones that both choose.
   * `kept`: the other one is to take ours.
   */
  adopt(other: SharedTicketKeys): 'taken' | 'kept' | 'same' | 'refused' {
    const { generation, born, scope, keys } = this.#current;
    if (other.scope !== scope || Buffer.from(other.keys, 'base64').length !== keyBytes) return 'refused';
    if (other.keys === keys) return 'same';
    const isOfOurs = other.generation === generation;
    const isLater = other.born > born || (other.born === born && other.keys > keys);
    if (other.generation < generation || (isOfOurs && isLater)) return 'kept';
    this.#current = { generation: other.generation, born: other.born, scope, keys: other.keys };
    return 'taken';
  }

  #fresh(generation: number, scope: string, born: EpochMillis): SharedTicketKeys {
    return { generation, born, scope, keys: Buffer.from(this.#random.bytes(keyBytes)).toString('base64') };
  }
}
