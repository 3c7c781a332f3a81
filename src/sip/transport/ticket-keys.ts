// What TLS session tickets are sealed with, where several processes share a listener: the oldest keys that any of them has, renewed every
// few hours, so that a phone resumes its session at each of them, and one that is started again goes on with those of the others. Never on
// a disk. Where a session may be resumed is another question (`server-certificates.ts`).
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
  /** In base64. */
  readonly keys: string;
}

export class TicketKeys {
  readonly #random: Random;
  #current: SharedTicketKeys;

  constructor(random: Random, now: EpochMillis) {
    this.#random = random;
    this.#current = this.#fresh(0, now);
  }

  get shared(): SharedTicketKeys {
    return this.#current;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#current.keys, 'base64');
  }

  /** New keys for all, where these are old, and no process before the `process`-th has done it. */
  age(process: number, now: EpochMillis): boolean {
    const { generation, born } = this.#current;
    if (now - born < renewAfter + (process - 1) * renewStagger) return false;
    this.#current = this.#fresh(generation + 1, now);
    return true;
  }

  /**
   * Takes those of another process where they were renewed later, or else are older; of two of one moment, the ones that both choose.
   * `kept`: the other one is to take ours.
   */
  adopt(other: SharedTicketKeys): 'taken' | 'kept' | 'same' | 'refused' {
    const { generation, born, keys } = this.#current;
    if (Buffer.from(other.keys, 'base64').length !== keyBytes) return 'refused';
    if (other.keys === keys) return 'same';
    const isOfOurs = other.generation === generation;
    const isLater = other.born > born || (other.born === born && other.keys > keys);
    if (other.generation < generation || (isOfOurs && isLater)) return 'kept';
    this.#current = { generation: other.generation, born: other.born, keys: other.keys };
    return 'taken';
  }

  #fresh(generation: number, born: EpochMillis): SharedTicketKeys {
    return { generation, born, keys: Buffer.from(this.#random.bytes(keyBytes)).toString('base64') };
  }
}
