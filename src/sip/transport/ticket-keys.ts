// What TLS session tickets are sealed with, where several processes share a listener: the oldest keys that any of them has, so that a phone
// resumes its session at each of them, and one that is started again goes on with those of the others. Never on a disk.
import type { EpochMillis } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';

/** As Node takes them: a name, and keys for sealing and for proving. */
const keyBytes = 48;

export interface SharedTicketKeys {
  readonly born: EpochMillis;
  /** In base64. */
  readonly keys: string;
}

export class TicketKeys {
  #current: SharedTicketKeys;

  constructor(random: Random, now: EpochMillis) {
    this.#current = { born: now, keys: Buffer.from(random.bytes(keyBytes)).toString('base64') };
  }

  get shared(): SharedTicketKeys {
    return this.#current;
  }

  get bytes(): Buffer {
    return Buffer.from(this.#current.keys, 'base64');
  }

  /** Takes those of another process where they are older; of two of one moment, the ones that both choose. */
  adopt(other: SharedTicketKeys): boolean {
    const { born, keys } = this.#current;
    if (Buffer.from(other.keys, 'base64').length !== keyBytes) return false;
    if (other.born > born || (other.born === born && other.keys >= keys)) return false;
    this.#current = { born: other.born, keys: other.keys };
    return true;
  }
}
